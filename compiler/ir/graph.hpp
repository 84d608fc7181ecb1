// The model graph: what a checkpoint computes, before and after it is mapped to a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xw::ir {

/// Operations. Values are matrices [tokens][features] of fp32 unless noted.
enum class OpKind {
  kInput,      ///< () -> token ids [tokens]
  kEmbedding,  ///< (ids) {weight=@T[vocab][hidden], scale?: f} -> rows of T
  kRmsNorm,  ///< (x) {weight=@T[n], eps: f, add_unit?: i, groups?: i}  x / rms(x) * weight, of every group of n = features /
             ///<  groups features on its own (heads, for example)
  kLinear,  ///< (x) {weight=@T[out][in] (row range), bias?=@T[out], name: s, digital?: i, digital_positions?: i, replicas?: i}
            ///<  -> x W^T + b; not yet mapped, or digital (with digital = 1: for good)
  kAimcCall,  ///< (x) {call: i, digital_positions?: i} -> one value per matrix of the call; made by passes::group_calls
  kAttention,  ///< (q, k, v) {layer: i, num_heads, num_kv_heads, head_dim: i, scale: f, window: i (0: none),
  ///<  rope_style: "half"|"interleaved"|"none", rope_dims: i, rope_theta: f, rope_scaling: "none"|"linear"|"llama3"|"longrope",
  ///<  and of the scaling: rope_factor, rope_low_freq_factor, rope_high_freq_factor: f, rope_original_context: i,
  ///<  rope_short, rope_long: list of f, rope_attention_factor: f}  causal, with the KV cache of `layer`
  kSwiGlu,  ///< (gate, up) -> silu(gate) * up
  kGeGlu,   ///< (gate, up) -> gelu(gate) * up, gelu by its tanh approximation
  kAdd,     ///< (a, b) -> a + b
  kShift,   ///< (x) {vector=@T[n]} -> x + vector
  kOutput,  ///< (logits) -> ()
};
[[nodiscard]] std::string_view name(OpKind kind);  ///< as printed: "input", "rms_norm", "aimc_call", ...

struct RowRange {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// Reference to rows [row_begin, row_end) of a named tensor of the checkpoint or program; row_end = 0: all rows.
struct TensorRef {
  std::string tensor;
  std::uint64_t row_begin = 0;
  std::uint64_t row_end = 0;
  [[nodiscard]] bool all_rows() const { return row_end == 0; }
  /// The rows that it means of a tensor with `tensor_rows`; whether they are inside is the caller's to check.
  [[nodiscard]] RowRange rows(std::uint64_t tensor_rows) const {
    return all_rows() ? RowRange{0, tensor_rows} : RowRange{row_begin, row_end};
  }
  friend bool operator==(const TensorRef&, const TensorRef&) = default;
};

using Attribute = std::variant<std::int64_t, double, std::string, TensorRef, std::vector<double>>;
using ValueId = std::uint32_t;

struct Node {
  OpKind kind = OpKind::kInput;
  std::vector<ValueId> inputs;
  std::vector<ValueId> results;                 ///< ids defined by this node
  std::map<std::string, Attribute> attributes;  ///< sorted: printing is deterministic
  friend bool operator==(const Node&, const Node&) = default;
};

struct Value {
  std::string name;            ///< printed as %name, unique
  std::uint32_t features = 0;  ///< columns; 1 for token ids
  friend bool operator==(const Value&, const Value&) = default;
};

/// Nodes in execution order, static single assignment.
struct Graph {
  std::string name;
  std::map<std::string, Attribute>
      meta;  ///< family: s, vocab_size, hidden_size, num_layers, context_length, bos_token, eos_token: i, ...
  std::vector<Value> values;
  std::vector<Node> nodes;
  friend bool operator==(const Graph&, const Graph&) = default;

  /// Appends a node with one new result per entry of `result_features`; result names are `name` or `name.k`.
  /// Returns the first result's id (or 0 if there are no results).
  ValueId add(OpKind kind, std::vector<ValueId> inputs, std::map<std::string, Attribute> attributes,
              const std::string& result_name, const std::vector<std::uint32_t>& result_features);
};

/// Typed attribute access; throw Error{kFormat} naming the node kind and the attribute when absent or of another type.
[[nodiscard]] std::int64_t attr_int(const Node& node, const std::string& key);
[[nodiscard]] double attr_float(const Node& node, const std::string& key);  ///< accepts an integer
[[nodiscard]] const std::string& attr_string(const Node& node, const std::string& key);
[[nodiscard]] const TensorRef& attr_tensor(const Node& node, const std::string& key);
[[nodiscard]] bool has_attr(const Node& node, const std::string& key);

/// Attribute of linears that are to run on the chip and of calls: tokens at positions of their context below it are computed
/// on the host.
inline constexpr const char* kDigitalPositions = "digital_positions";
/// Its value; 0 where it is absent.
[[nodiscard]] std::uint32_t digital_positions(const Node& node);
/// Attribute of linears that are to run on the chip: how many times the chip holds their weights. Outputs are the mean of all copies.
inline constexpr const char* kReplicas = "replicas";
inline constexpr std::uint32_t kMaxReplicas = 64;
/// Its value; 1 where it is absent.
[[nodiscard]] std::uint32_t replicas(const Node& node);

/// Throws one Error{kFormat} that lists every problem: undefined or redefined values, wrong arity, feature
/// mismatch, missing, unknown or mistyped attributes, no or several inputs/outputs, impossible head counts.
void verify(const Graph& graph);

/// Deterministic text; parse(print(g)) == g. Doubles are printed so that they read back exactly.
[[nodiscard]] std::string print(const Graph& graph);
/// Throws Error{kFormat} "origin:line:column: expected …, found …". Bounds nesting, lengths and counts. Calls verify().
[[nodiscard]] Graph parse(std::string_view text, const std::string& origin);

}  // namespace xw::ir
