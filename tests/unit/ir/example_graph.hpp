// A small valid graph that tests change.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compiler/ir/graph.hpp"

namespace xw::test {

/// Node indices of example_graph().
enum ExampleNode {
  kInputNode,
  kEmbeddingNode,
  kNormNode,
  kCallNode,
  kAttentionNode,
  kLinearNode,
  kAddNode,
  kSwiGluNode,
  kGeGluNode,
  kHeadNode,
  kOutputNode
};

/// One attention layer with 4 query heads and 2 key heads of 8 dimensions, hidden size 32.
inline ir::Graph example_graph() {
  const auto integer = [](std::int64_t value) { return ir::Attribute(value); };
  ir::Graph graph;
  graph.name = "example";
  graph.meta = {{"family", std::string("llama")}, {"num_layers", integer(1)}};
  const ir::ValueId tokens = graph.add(ir::OpKind::kInput, {}, {}, "tokens", {1});
  const ir::ValueId x =
      graph.add(ir::OpKind::kEmbedding, {tokens}, {{"weight", ir::TensorRef{"embed.weight"}}}, "x", {32});
  const ir::ValueId h =
      graph.add(ir::OpKind::kRmsNorm, {x}, {{"weight", ir::TensorRef{"norm.weight"}}, {"eps", 1e-5}}, "h", {32});
  const ir::ValueId q = graph.add(ir::OpKind::kAimcCall, {h}, {{"call", integer(0)}}, "qkv", {32, 16, 16});
  const ir::ValueId a = graph.add(ir::OpKind::kAttention, {q, q + 1, q + 2},
                                  {{"layer", integer(0)},
                                   {"num_heads", integer(4)},
                                   {"num_kv_heads", integer(2)},
                                   {"head_dim", integer(8)},
                                   {"scale", 0.35355339059327379},
                                   {"window", integer(0)},
                                   {"rope_style", std::string("half")},
                                   {"rope_dims", integer(8)},
                                   {"rope_theta", 10000.0},
                                   {"rope_scaling", std::string("none")}},
                                  "a", {32});
  const ir::ValueId o = graph.add(ir::OpKind::kLinear, {a},
                                  {{"weight", ir::TensorRef{"o.weight", 32, 64}},
                                   {"bias", ir::TensorRef{"o.bias"}},
                                   {"name", std::string("layers.0.o_proj")}},
                                  "o", {32});
  const ir::ValueId sum = graph.add(ir::OpKind::kAdd, {x, o}, {}, "sum", {32});
  const ir::ValueId gated = graph.add(ir::OpKind::kSwiGlu, {sum, sum}, {}, "gated", {32});
  const ir::ValueId soft = graph.add(ir::OpKind::kGeGlu, {gated, sum}, {}, "soft", {32});
  const ir::ValueId logits =
      graph.add(ir::OpKind::kLinear, {soft},
                {{"weight", ir::TensorRef{"embed.weight"}}, {"name", std::string("lm_head")}}, "logits", {100});
  graph.add(ir::OpKind::kOutput, {logits}, {}, "", {});
  return graph;
}

}  // namespace xw::test
