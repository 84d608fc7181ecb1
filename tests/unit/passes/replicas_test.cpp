// Copies of layers: rules as text, and the attributes that they set.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/replicas.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/passes/group_calls.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::passes {
namespace {

ir::Graph before() {
  return ir::parse(R"(graph "m" {
  %tokens = input() : 1
  %x = embedding(%tokens) {weight = @embed} : 8
  %u = linear(%x) {name = "layers.0.up_proj", weight = @u} : 8
  %d = linear(%u) {name = "layers.0.down_proj", replicas = 3, weight = @d} : 8
  %logits = linear(%d) {name = "lm_head", weight = @embed} : 100
  output(%logits)
}
)",
                   "before");
}

const std::vector<std::string> kAnalog{"layers.0.up_proj", "layers.0.down_proj"};

std::vector<std::uint32_t> copies(const ir::Graph& graph) {
  return {ir::replicas(graph.nodes[2]), ir::replicas(graph.nodes[3]), ir::replicas(graph.nodes[4])};
}

TEST(Replicas, RulesAreRead) {
  EXPECT_EQ(parse_replica_rules("all=2"), (std::vector<ReplicaRule>{{"all", 2}}));
  EXPECT_EQ(parse_replica_rules("*.down_proj=2,a=b=64"), (std::vector<ReplicaRule>{{"*.down_proj", 2}, {"a=b", 64}}));
  for (const char* text :
       {"", "all", "=2", "all=", "all=0", "all=65", "all=2,", ",all=2", "all=-1", "all=2x", "all= 2"}) {
    SCOPED_TRACE(text);
    test::expect_error(ErrorCode::kInvalidArgument, "expected PATTERN=COUNT with a count from 1 to 64",
                       [&] { (void)parse_replica_rules(text); });
  }
}

TEST(Replicas, TheLastRuleThatMatchesCounts) {
  ir::Graph graph = before();
  set_replicas(graph, kAnalog, {});
  EXPECT_EQ(copies(graph), (std::vector<std::uint32_t>{1, 3, 1}));
  set_replicas(graph, kAnalog, parse_replica_rules("all=2,*.down_proj=4"));
  EXPECT_EQ(copies(graph), (std::vector<std::uint32_t>{2, 4, 1})) << "the output layer is not analog";
  EXPECT_NO_THROW(ir::verify(graph));
  EXPECT_EQ(ir::parse(ir::print(graph), "printed"), graph);
  set_replicas(graph, kAnalog, parse_replica_rules("*=1"));
  EXPECT_EQ(copies(graph), (std::vector<std::uint32_t>{1, 1, 1}));
  EXPECT_FALSE(ir::has_attr(graph.nodes[2], ir::kReplicas));
}

TEST(Replicas, LayersOfCallsHaveThem) {
  const GroupedGraph grouped = group_calls(before(), {{"layers.0.up_proj", 0}, {"layers.0.down_proj", 0}});
  ASSERT_EQ(grouped.calls.size(), 2U);
  EXPECT_EQ(grouped.calls[0].linears[0].replicas, 1U);
  EXPECT_EQ(grouped.calls[1].linears[0].replicas, 3U);
}

TEST(Replicas, RefuseRulesThatMatchNothing) {
  ir::Graph graph = before();
  test::expect_error(ErrorCode::kInvalidArgument, "found 'lm_head', which matches none",
                     [&] { set_replicas(graph, kAnalog, parse_replica_rules("all=2,lm_head=2")); });
}

}  // namespace
}  // namespace xw::passes
