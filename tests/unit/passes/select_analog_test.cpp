// Which layers go to the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/select_analog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

using ::testing::ElementsAre;

ir::Graph three_linears() {
  ir::Graph graph;
  ir::ValueId x = graph.add(ir::OpKind::kInput, {}, {}, "x", {1});
  for (const char* name : {"layers.0.up_proj", "layers.0.down_proj", "lm_head"}) {
    x = graph.add(ir::OpKind::kLinear, {x}, {{"name", std::string(name)}, {"weight", ir::TensorRef{"w"}}},
                  name[0] == 'l' ? "v" : "w", {1});
  }
  return graph;
}

TEST(Glob, StarAndQuestionMark) {
  EXPECT_TRUE(matches_glob("abc", "abc"));
  EXPECT_FALSE(matches_glob("abc", "abcd"));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*.down_proj", "model.layers.3.mlp.down_proj"));
  EXPECT_FALSE(matches_glob("*.down_proj", "model.layers.3.mlp.down_proj2"));
  EXPECT_TRUE(matches_glob("model.layers.?.mlp.*", "model.layers.3.mlp.up_proj"));
  EXPECT_FALSE(matches_glob("model.layers.?.mlp.*", "model.layers.13.mlp.up_proj"));
  EXPECT_TRUE(matches_glob("a*b*c", "a__b_b__c"));
  EXPECT_FALSE(matches_glob("a*b*c", "a__c__b"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_FALSE(matches_glob("?", ""));
  EXPECT_TRUE(matches_glob("**a**", "a"));
}

TEST(SelectAnalog, LmHeadIsDigitalUnlessAskedFor) {
  const ir::Graph graph = three_linears();
  EXPECT_THAT(select_analog(graph, false, {}), ElementsAre("layers.0.up_proj", "layers.0.down_proj"));
  EXPECT_THAT(select_analog(graph, true, {}), ElementsAre("layers.0.up_proj", "layers.0.down_proj", "lm_head"));
}

TEST(SelectAnalog, WhatTheGraphKeepsDigitalStaysDigital) {
  ir::Graph graph = three_linears();
  graph.nodes[1].attributes["digital"] = std::int64_t{1};
  graph.nodes[2].attributes["digital"] = std::int64_t{0};
  EXPECT_THAT(select_analog(graph, true, {}), ElementsAre("layers.0.down_proj", "lm_head"));
}

TEST(SelectAnalog, NamesAndPatternsAreDigital) {
  const ir::Graph graph = three_linears();
  const std::vector<std::string> down{"*.down_proj"};
  EXPECT_THAT(select_analog(graph, false, down), ElementsAre("layers.0.up_proj"));
  const std::vector<std::string> both{"layers.0.up_proj", "lm_*"};
  EXPECT_THAT(select_analog(graph, true, both), ElementsAre("layers.0.down_proj"));
}

TEST(SelectAnalog, RefusesAPatternThatMatchesNothing) {
  const std::vector<std::string> wrong{"*.donw_proj"};
  try {
    (void)select_analog(three_linears(), false, wrong);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'*.donw_proj', which matches none"));
  }
}

}  // namespace
}  // namespace xw::passes
