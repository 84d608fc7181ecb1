// Linear layers with the same input become one call of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"

namespace xw::passes {

/// A linear layer that runs on the chip.
struct AnalogLinear {
  std::string name;
  std::uint32_t layer = 0;  ///< transformer layer; meta num_layers for what stands behind them
  std::uint32_t in_features = 0, out_features = 0;
  ir::TensorRef weight;
  std::optional<ir::TensorRef> bias;
  std::uint32_t digital_positions = 0;  ///< tokens at positions below it do not run on the chip
  std::uint32_t replicas = 1;           ///< copies on the chip
  friend bool operator==(const AnalogLinear&, const AnalogLinear&) = default;
};

/// A linear layer where it stands in a graph.
struct LinearNode {
  AnalogLinear linear;
  ir::ValueId input = 0;  ///< what it reads; equal for layers that read the same value
};
/// The linears of these names, in graph order. Throws Error{kInvalidArgument} if a name is no linear of the graph.
[[nodiscard]] std::vector<LinearNode> linear_nodes(const ir::Graph& graph, std::span<const std::string> names);

/// One call: its linears in graph order.
struct Call {
  std::string name;  ///< "layers.0.qkv"
  std::vector<AnalogLinear> linears;
  friend bool operator==(const Call&, const Call&) = default;
};

struct GroupedGraph {
  ir::Graph graph;  ///< kAimcCall{call = index into calls} instead of the analog linears; values keep their names
  std::vector<Call> calls;
};

/// Replaces the linears named in `analog` by calls. Linears with the same input value and the same number in `analog`
/// (a class of equal input ranges) share one call, which stands where the first of them stood, if they also have the same
/// `digital_positions`, which the call then has. The others stay as they are. Throws Error{kInvalidArgument} if a name is no linear of the graph.
[[nodiscard]] GroupedGraph group_calls(const ir::Graph& graph, const std::map<std::string, std::uint32_t>& analog);

/// Transformer layer in a name ("model.layers.17.mlp.up_proj" -> 17), or nothing.
[[nodiscard]] std::optional<std::uint32_t> layer_of(const std::string& name);
/// Name of a call from its linears' names: {model.layers.0.self_attn.q_proj, .k_proj, .v_proj} -> "layers.0.qkv".
[[nodiscard]] std::string call_name(const std::vector<std::string>& linears);

}  // namespace xw::passes
