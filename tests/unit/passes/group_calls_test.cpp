// Linears with the same input become calls.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/group_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

using ::testing::ElementsAre;

constexpr const char* kBefore = R"(graph "m" {
  meta num_layers = 2
  %tokens = input() : 1
  %x = embedding(%tokens) {weight = @embed} : 8
  %h = rms_norm(%x) {eps = 1e-05, weight = @norm} : 8
  %q = linear(%h) {name = "model.layers.1.self_attn.q_proj", weight = @qkv[0:8]} : 8
  %k = linear(%h) {bias = @kb, name = "model.layers.1.self_attn.k_proj", weight = @qkv[8:12]} : 4
  %v = linear(%h) {name = "model.layers.1.self_attn.v_proj", weight = @qkv[12:16]} : 4
  %a = attention(%q, %k, %v) {head_dim = 4, layer = 1, num_heads = 2, num_kv_heads = 1, rope_style = "none", scale = 0.5, window = 0} : 8
  %o = linear(%a) {name = "model.layers.1.self_attn.o_proj", weight = @o} : 8
  %s = add(%x, %o) : 8
  %logits = linear(%s) {name = "lm_head", weight = @embed} : 100
  output(%logits)
}
)";

ir::Graph before() {
  return ir::parse(kBefore, "before");
}

const std::map<std::string, std::uint32_t> kAll{{"model.layers.1.self_attn.q_proj", 0},
                                                {"model.layers.1.self_attn.k_proj", 0},
                                                {"model.layers.1.self_attn.v_proj", 0},
                                                {"model.layers.1.self_attn.o_proj", 1}};

TEST(GroupCalls, JoinsLinearsOfOneInput) {
  const GroupedGraph grouped = group_calls(before(), kAll);
  EXPECT_EQ(ir::print(grouped.graph), R"(graph "m" {
  meta num_layers = 2
  %tokens = input() : 1
  %x = embedding(%tokens) {weight = @embed} : 8
  %h = rms_norm(%x) {eps = 1e-05, weight = @norm} : 8
  %q, %k, %v = aimc_call(%h) {call = 0} : 8, 4, 4
  %a = attention(%q, %k, %v) {head_dim = 4, layer = 1, num_heads = 2, num_kv_heads = 1, rope_style = "none", scale = 0.5, window = 0} : 8
  %o = aimc_call(%a) {call = 1} : 8
  %s = add(%x, %o) : 8
  %logits = linear(%s) {name = "lm_head", weight = @embed} : 100
  output(%logits)
}
)");
  EXPECT_NO_THROW(ir::verify(grouped.graph));
  ASSERT_EQ(grouped.calls.size(), 2U);
  EXPECT_EQ(grouped.calls[0].name, "layers.1.qkv");
  EXPECT_EQ(grouped.calls[1].name, "layers.1.o");
  ASSERT_EQ(grouped.calls[0].linears.size(), 3U);
  const AnalogLinear k{"model.layers.1.self_attn.k_proj", 1, 8, 4, ir::TensorRef{"qkv", 8, 12}, ir::TensorRef{"kb"}};
  EXPECT_EQ(grouped.calls[0].linears[1], k);
}

TEST(GroupCalls, DifferentRangesAreDifferentCalls) {
  auto analog = kAll;
  analog["model.layers.1.self_attn.k_proj"] = 7;
  const GroupedGraph grouped = group_calls(before(), analog);
  ASSERT_EQ(grouped.calls.size(), 3U);
  EXPECT_EQ(grouped.calls[0].name, "layers.1.qv");
  EXPECT_EQ(grouped.calls[1].name, "layers.1.k");
  const std::string text = ir::print(grouped.graph);
  EXPECT_THAT(
      text, ::testing::HasSubstr("  %q, %v = aimc_call(%h) {call = 0} : 8, 4\n  %k = aimc_call(%h) {call = 1} : 4\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("attention(%q, %k, %v)"));
  EXPECT_NO_THROW(ir::verify(grouped.graph));
}

TEST(GroupCalls, LmHeadBelongsToTheLayerBehindTheLast) {
  const GroupedGraph grouped = group_calls(before(), {{"lm_head", 0}});
  ASSERT_EQ(grouped.calls.size(), 1U);
  EXPECT_EQ(grouped.calls[0].name, "lm_head");
  EXPECT_EQ(grouped.calls[0].linears[0].layer, 2U);
}

TEST(GroupCalls, NothingAnalogChangesNothing) {
  EXPECT_EQ(group_calls(before(), {}).graph, before());
}

TEST(GroupCalls, RefusesUnknownNames) {
  EXPECT_THROW((void)group_calls(before(), {{"model.layers.9.self_attn.q_proj", 0}}), Error);
}

TEST(LayerOf, FindsTheNumber) {
  EXPECT_EQ(layer_of("model.layers.17.mlp.up_proj"), 17U);
  EXPECT_EQ(layer_of("layers.3"), 3U);
  EXPECT_EQ(layer_of("lm_head"), std::nullopt);
  EXPECT_EQ(layer_of("model.sublayers.3.x"), std::nullopt);
  EXPECT_EQ(layer_of("model.layers.x"), std::nullopt);
  EXPECT_EQ(layer_of("model.layers.3x.y"), std::nullopt);
  EXPECT_EQ(layer_of("model.layers.99999999999.y"), std::nullopt);
}

TEST(CallName, IsShort) {
  EXPECT_EQ(call_name({"model.layers.0.mlp.gate_proj", "model.layers.0.mlp.up_proj"}), "layers.0.gate_up");
  EXPECT_EQ(call_name({"model.layers.0.self_attn.qkv_proj"}), "layers.0.qkv");
  EXPECT_EQ(call_name({"lm_head"}), "lm_head");
}

}  // namespace
}  // namespace xw::passes
