// Operation counts of the model graph; docs/report.md has the sources.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/node_cost.hpp"

#include <map>

namespace xw::estimate {
namespace {

constexpr std::uint64_t kHalfBytes = 2;   // KV cache, embeddings and digital weights are fp16 on the chip
constexpr std::uint64_t kNormMacs = 2;    // per feature: square and sum, scale and weight
constexpr std::uint64_t kSwiGluMacs = 4;  // per feature: negate, add, divide, multiply
constexpr std::uint64_t kGeGluMacs =
    6;  // per feature: square, times and plus a constant, times gate, add, divide, multiply
constexpr std::uint64_t kRopeMacs = 2;     // per rotated feature: its own times a cosine, its partner's times a sine
constexpr std::uint64_t kSoftmaxMacs = 2;  // per score: maximum and sum, scale

void add_attention(const ir::Node& node, std::uint64_t q, std::uint64_t k, std::uint64_t v, NodeCost& cost) {
  const auto heads = static_cast<std::uint64_t>(ir::attr_int(node, "num_heads"));
  const auto kv_heads = static_cast<std::uint64_t>(ir::attr_int(node, "num_kv_heads"));
  if (ir::attr_string(node, "rope_style") != "none") {
    // Models with partial rotary embeddings turn the first dimensions of every head only.
    cost.per_token.macs = kRopeMacs * (heads + kv_heads) * static_cast<std::uint64_t>(ir::attr_int(node, "rope_dims"));
  }
  cost.per_token.memory_bytes = kHalfBytes * (k + v);     // this token's keys and values are written
  cost.per_position.macs = 2 * q + kSoftmaxMacs * heads;  // q k^T, p v
  cost.per_position.exps = heads;
  cost.per_position.memory_bytes = kHalfBytes * (k + v);  // the cache is read
  cost.window = static_cast<std::uint32_t>(ir::attr_int(node, "window"));
}

}  // namespace

bool gives_logits(const ir::Graph& graph, const ir::Node& node) {
  if (node.kind == ir::OpKind::kOutput) return true;
  const ir::ValueId logits = graph.nodes.back().inputs.front();
  return !node.results.empty() && node.results.front() == logits;
}

std::optional<NodeCost> node_cost(const ir::Graph& graph, const ir::Node& node) {
  const auto features = [&](std::size_t input) { return std::uint64_t{graph.values[node.inputs[input]].features}; };
  const auto result = [&] { return std::uint64_t{graph.values[node.results.front()].features}; };
  NodeCost cost;
  cost.logits = gives_logits(graph, node);
  switch (node.kind) {
    case ir::OpKind::kInput:
      return std::nullopt;
    case ir::OpKind::kAimcCall:  // as digital linear layers, for the first tokens of a context
      cost.first_positions = ir::digital_positions(node);
      if (cost.first_positions == 0) return std::nullopt;
      for (const ir::ValueId value : node.results) cost.per_token.macs += features(0) * graph.values[value].features;
      cost.per_token.memory_bytes = kHalfBytes * cost.per_token.macs;
      break;
    case ir::OpKind::kEmbedding:
      cost.per_token.memory_bytes = kHalfBytes * result();
      if (ir::has_attr(node, "scale")) cost.per_token.macs = result();
      break;
    case ir::OpKind::kRmsNorm:
      cost.per_token.macs = kNormMacs * features(0);
      break;
    case ir::OpKind::kLinear:  // sums begin with the bias, so it takes nothing
      cost.per_token.macs = features(0) * result();
      cost.per_token.memory_bytes = kHalfBytes * cost.per_token.macs;
      break;
    case ir::OpKind::kAttention:
      add_attention(node, features(0), features(1), features(2), cost);
      break;
    case ir::OpKind::kSwiGlu:
      cost.per_token.macs = kSwiGluMacs * features(0);
      cost.per_token.exps = features(0);
      break;
    case ir::OpKind::kGeGlu:
      cost.per_token.macs = kGeGluMacs * features(0);
      cost.per_token.exps = features(0);
      break;
    case ir::OpKind::kAdd:
    case ir::OpKind::kShift:
      cost.per_token.macs = features(0);
      break;
    case ir::OpKind::kOutput:  // sampling: one comparison per word of the vocabulary
      cost.per_token.macs = features(0);
      break;
  }
  return cost;
}

std::vector<KindWork> work_by_kind(const ir::Graph& graph, std::uint64_t positions, bool logits) {
  std::map<ir::OpKind, KindWork> kinds;
  for (const ir::Node& node : graph.nodes) {
    const std::optional<NodeCost> cost = node_cost(graph, node);
    if (!cost || (cost->logits && !logits)) continue;
    if (cost->first_positions != 0 && positions > cost->first_positions) continue;
    KindWork& kind = kinds[node.kind];
    kind.kind = node.kind;
    ++kind.nodes;
    kind.work += cost->per_token;
    kind.work += systemc::attended(positions, cost->window) * cost->per_position;
  }
  std::vector<KindWork> list;
  for (const auto& [kind, work] : kinds) list.push_back(work);
  return list;
}

}  // namespace xw::estimate
