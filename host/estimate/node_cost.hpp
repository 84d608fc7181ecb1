// What a node of the model graph costs outside of the tiles: the one place where operations are counted.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::estimate {

/// Work of the digital units for one token.
struct NodeCost {
  systemc::DigitalWork per_token;
  systemc::DigitalWork per_position;  ///< times the positions attended to, the token's own included
  std::uint32_t window = 0;           ///< most positions attended to; 0: all
  std::uint32_t first_positions = 0;  ///< only tokens at positions below it do it; 0: all
  /// Only tokens whose logits are wanted do it: the output layer and what stands behind it.
  bool logits = false;
};

/// Counts by kind of node, with their sources: docs/report.md. Nothing for nodes without digital work (input, calls that are
/// always in tiles).
[[nodiscard]] std::optional<NodeCost> node_cost(const ir::Graph& graph, const ir::Node& node);

/// Whether the node gives what the graph puts out.
[[nodiscard]] bool gives_logits(const ir::Graph& graph, const ir::Node& node);

/// The nodes of a kind together.
struct KindWork {
  ir::OpKind kind = ir::OpKind::kInput;
  std::uint32_t nodes = 0;
  systemc::DigitalWork work;
};
/// Digital work of one token that attends to `positions` positions, its own included; kinds in the order of ir::OpKind, those
/// that the graph has. Without `logits` nothing that only logits need.
[[nodiscard]] std::vector<KindWork> work_by_kind(const ir::Graph& graph, std::uint64_t positions, bool logits = true);

}  // namespace xw::estimate
