// Keeping the first tokens off the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/first_token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "compiler/passes/group_calls.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::passes {
namespace {

using ::testing::HasSubstr;

ir::Graph before() {
  return ir::parse(R"(graph "m" {
  %tokens = input() : 1
  %x = embedding(%tokens) {weight = @embed} : 8
  %q = linear(%x) {name = "q", weight = @q} : 8
  %k = linear(%x) {name = "k", weight = @k} : 8
  %s = add(%q, %k) : 8
  %logits = linear(%s) {name = "lm_head", weight = @embed} : 100
  output(%logits)
}
)",
                   "before");
}

TEST(FirstToken, AnalogLayersButTheOutputLayerHaveTheAttribute) {
  ir::Graph graph = before();
  set_digital_positions(graph, std::vector<std::string>{"q", "lm_head"}, 2);
  EXPECT_NO_THROW(ir::verify(graph));
  EXPECT_EQ(ir::digital_positions(graph.nodes[2]), 2U);
  EXPECT_EQ(ir::digital_positions(graph.nodes[3]), 0U);
  EXPECT_EQ(ir::digital_positions(graph.nodes[5]), 0U);
  EXPECT_EQ(ir::parse(ir::print(graph), "printed"), graph);
  set_digital_positions(graph, std::vector<std::string>{"q"}, 0);
  EXPECT_EQ(graph, before());
}

TEST(FirstToken, CallsHaveThePositionsOfTheirLayers) {
  ir::Graph graph = before();
  set_digital_positions(graph, std::vector<std::string>{"q", "k"}, 1);
  const GroupedGraph together = group_calls(graph, {{"q", 0}, {"k", 0}, {"lm_head", 1}});
  EXPECT_NO_THROW(ir::verify(together.graph));
  EXPECT_THAT(ir::print(together.graph),
              HasSubstr("%q, %k = aimc_call(%x) {call = 0, digital_positions = 1} : 8, 8\n"));
  EXPECT_THAT(ir::print(together.graph), HasSubstr("%logits = aimc_call(%s) {call = 1} : 100\n"));
  EXPECT_EQ(together.calls[0].linears[1].digital_positions, 1U);
}

TEST(FirstToken, LayersWithOtherPositionsAreAnotherCall) {
  ir::Graph graph = before();
  set_digital_positions(graph, std::vector<std::string>{"k"}, 3);
  const std::string text = ir::print(group_calls(graph, {{"q", 0}, {"k", 0}}).graph);
  EXPECT_THAT(text, HasSubstr("%q = aimc_call(%x) {call = 0} : 8\n"));
  EXPECT_THAT(text, HasSubstr("%k = aimc_call(%x) {call = 1, digital_positions = 3} : 8\n"));
}

TEST(FirstToken, RefusesWhatTheGraphCannotHave) {
  ir::Graph graph = before();
  test::expect_error(ErrorCode::kInvalidArgument, "no linear layer 'v'",
                     [&] { set_digital_positions(graph, std::vector<std::string>{"v"}, 1); });
  test::expect_error(ErrorCode::kInvalidArgument, "at most 2147483647, found 2147483648",
                     [&] { set_digital_positions(graph, std::vector<std::string>{"q"}, 1U << 31); });
  EXPECT_EQ(graph, before());
}

}  // namespace
}  // namespace xw::passes
