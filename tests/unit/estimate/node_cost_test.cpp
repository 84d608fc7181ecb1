// Operations counted by hand, per kind of node, on graphs of every family; and the plan that the simulation gets has the same.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/node_cost.hpp"

#include <gtest/gtest.h>

#include "tests/unit/estimate/family_plans.hpp"

namespace xw::estimate {
namespace {

using ir::OpKind;
using systemc::DigitalWork;

constexpr std::uint64_t kPositions = 10;

/// Nodes and work by kind for one token at 10 positions with a digital output layer, worked out from the shape: hidden 48,
/// wide 80, 3 layers, 4 heads and 2 for keys and values of 12, 100 words.
std::map<OpKind, KindWork> by_hand(const std::string& family) {
  // Per layer: RoPE 2 per rotated feature of q and k; q k^T and p v 2 x 48 per position; softmax 2 x 4 and 4 exponentials per
  // position; keys and values are 2 x 24 numbers of 2 bytes, written once and read at every position.
  const DigitalWork full = {2 * 72 + 10 * 96 + 10 * 8, 10 * 4, 96 + 10 * 96};
  const DigitalWork window = {2 * 72 + 6 * 96 + 6 * 8, 6 * 4, 96 + 6 * 96};
  const DigitalWork half_rotated = {2 * 36 + 10 * 96 + 10 * 8, 10 * 4, 96 + 10 * 96};
  DigitalWork attention;
  if (family == "llama") attention = 3 * full;
  if (family == "mistral") attention = 3 * window;
  if (family == "qwen2") (attention = 2 * full) += window;
  if (family == "phi3") attention = 3 * half_rotated;
  if (family == "qwen3") attention = 3 * full;
  if (family == "gemma3") (attention = 2 * window) += full;
  // Norms: 2 per feature, of 48 twice per layer and at the end; of the heads of q and k, which have 48 and 24 features.
  const std::uint64_t of_heads = family == "qwen3" || family == "gemma3" ? 3 * 2 * (48 + 24) : 0;
  const std::uint64_t wide_norms = family == "gemma3" ? 13 : 7;
  const auto norms = static_cast<std::uint32_t>(wide_norms + (of_heads != 0 ? 6 : 0));
  const KindWork embedding = {OpKind::kEmbedding, 1, {family == "gemma3" ? 48U : 0U, 0, 2 * 48}};  // its scale
  std::map<OpKind, KindWork> kinds = {
      {OpKind::kEmbedding, embedding},
      {OpKind::kRmsNorm, {OpKind::kRmsNorm, norms, {wide_norms * 2 * 48 + of_heads, 0, 0}}},
      {OpKind::kLinear, {OpKind::kLinear, 1, {48 * 100, 0, 2 * 48 * 100}}},
      {OpKind::kAttention, {OpKind::kAttention, 3, attention}},
      {OpKind::kSwiGlu, {OpKind::kSwiGlu, 3, {3 * 4 * 80, 3 * 80, 0}}},
      {OpKind::kAdd, {OpKind::kAdd, 6, {6 * 48, 0, 0}}},
      {OpKind::kOutput, {OpKind::kOutput, 1, {100, 0, 0}}}};
  if (family == "gemma3") {
    kinds.erase(OpKind::kSwiGlu);
    kinds[OpKind::kGeGlu] = {OpKind::kGeGlu, 3, {3 * 6 * 80, 3 * 80, 0}};
  }
  return kinds;
}

std::map<OpKind, KindWork> as_map(const std::vector<KindWork>& list) {
  std::map<OpKind, KindWork> kinds;
  for (const KindWork& kind : list) kinds[kind.kind] = kind;
  return kinds;
}

/// The work of the plan's digital steps by the kind of their nodes; steps follow the nodes, but the input is none.
std::map<OpKind, KindWork> of_plan(const test::FamilyPlan& made, bool logits) {
  std::map<OpKind, KindWork> kinds;
  EXPECT_EQ(made.plan.steps.size() + 1, made.graph.nodes.size());
  for (std::size_t i = 0; i < made.plan.steps.size(); ++i) {
    const systemc::Step& step = made.plan.steps[i];
    if (step.kind == systemc::StepKind::kCall || (step.logits && !logits)) continue;
    KindWork& kind = kinds[made.graph.nodes[i + 1].kind];
    kind.kind = made.graph.nodes[i + 1].kind;
    ++kind.nodes;
    kind.work += step.digital(kPositions);
  }
  return kinds;
}

void expect_same(const std::map<OpKind, KindWork>& found, const std::map<OpKind, KindWork>& expected) {
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [kind, want] : expected) {
    SCOPED_TRACE(ir::name(kind));
    ASSERT_TRUE(found.contains(kind));
    const KindWork& have = found.at(kind);
    EXPECT_EQ(have.nodes, want.nodes);
    EXPECT_EQ(have.work.macs, want.work.macs);
    EXPECT_EQ(have.work.exps, want.work.exps);
    EXPECT_EQ(have.work.memory_bytes, want.work.memory_bytes);
  }
}

TEST(NodeCost, IsThatByHandForEveryKindAndFamily) {
  for (const std::string& family : test::families()) {
    SCOPED_TRACE(family);
    const test::FamilyPlan made = test::family_plan(family, false, 0);
    expect_same(as_map(work_by_kind(made.graph, kPositions)), by_hand(family));
  }
}

TEST(NodeCost, StaticEstimateAndPlanOfTheSimulationCountTheSame) {
  for (const std::string& family : test::families()) {
    for (const bool lm_head_analog : {false, true}) {
      for (const bool logits : {false, true}) {
        SCOPED_TRACE(family + (lm_head_analog ? " analog" : " digital") + (logits ? " logits" : ""));
        const test::FamilyPlan made = test::family_plan(family, lm_head_analog, 0);
        expect_same(of_plan(made, logits), as_map(work_by_kind(made.graph, kPositions, logits)));
      }
    }
  }
}

/// A digital position does the work of digital layers: per layer q and o 48x48, k and v 48x24, gate and up 48x80, down 80x48.
TEST(NodeCost, FirstPositionsAreDigitalWork) {
  const test::FamilyPlan made = test::family_plan("llama", true, 0, 2);
  const test::FamilyPlan without = test::family_plan("llama", true, 0);
  const std::uint64_t macs = 3 * (2 * 48 * 48 + 2 * 48 * 24 + 2 * 48 * 80 + 80 * 48);
  for (const std::uint64_t positions : {1U, 2U, 3U, 10U}) {
    SCOPED_TRACE(positions);
    std::map<OpKind, KindWork> expected = as_map(work_by_kind(without.graph, positions));
    if (positions <= 2) expected[OpKind::kAimcCall] = {OpKind::kAimcCall, 3 * 4, {macs, 0, 2 * macs}};
    expect_same(as_map(work_by_kind(made.graph, positions)), expected);
    std::uint64_t tiles = 0, digital = 0;
    for (const systemc::Step& step : made.plan.steps) {
      if (step.kind != systemc::StepKind::kCall) continue;
      tiles += step.in_tiles(positions) ? 1 : 0;
      digital += step.digital(positions).macs;
    }
    EXPECT_EQ(tiles, positions <= 2 ? 1U : 13U);  // the output layer is always in tiles
    EXPECT_EQ(digital, positions <= 2 ? macs : 0U);
  }
}

TEST(NodeCost, LogitsAreTheOutputLayerAndTheSampling) {
  for (const bool lm_head_analog : {false, true}) {
    const test::FamilyPlan made = test::family_plan("llama", lm_head_analog, 0);
    std::vector<std::string> names;
    for (const systemc::Step& step : made.plan.steps) {
      if (step.logits) names.push_back(step.name);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"lm_head", "sampling"}));
  }
}

TEST(NodeCost, AScaledEmbeddingMultiplies) {
  ir::Graph graph = test::family_graph("llama");
  graph.nodes[1].attributes["scale"] = 2.0;
  ASSERT_EQ(graph.nodes[1].kind, OpKind::kEmbedding);
  EXPECT_EQ(node_cost(graph, graph.nodes[1])->per_token.macs, 48U);
}

TEST(NodeCost, WithoutRotaryEmbeddingNothingIsRotated) {
  ir::Graph graph = test::family_graph("llama");
  for (ir::Node& node : graph.nodes) {
    if (node.kind != OpKind::kAttention) continue;
    node.attributes["rope_style"] = std::string("none");
    EXPECT_EQ(node_cost(graph, node)->per_token.macs, 0U);
  }
}

}  // namespace
}  // namespace xw::estimate
