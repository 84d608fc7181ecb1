// Which tensors stay on the host, and as what.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/constants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "tests/unit/pipeline/memory_checkpoint.hpp"

namespace xw::compiler {
namespace {

using ::testing::ElementsAre;
using Rows = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

ir::Graph graph_with(const std::vector<ir::TensorRef>& references) {
  ir::Graph graph;
  for (std::size_t i = 0; i < references.size(); ++i) {
    graph.add(ir::OpKind::kRmsNorm, {}, {{"weight", references[i]}}, "v" + std::to_string(i), {1});
  }
  return graph;
}
ir::TensorRef reference(const ir::Graph& graph, std::size_t node) {
  return ir::attr_tensor(graph.nodes[node], "weight");
}

test::MemoryCheckpoint example() {
  test::MemoryCheckpoint checkpoint;
  checkpoint.add("fused", {10, 4}, std::vector<float>(40, 1.0F));
  checkpoint.add("vector", {6}, std::vector<float>(6, 1.0F));
  return checkpoint;
}

TEST(PlanConstants, TiedTensorsAreStoredOnce) {
  const test::MemoryCheckpoint checkpoint = example();
  ir::Graph graph = graph_with({{"fused"}, {"fused"}, {"vector"}});
  EXPECT_THAT(plan_constants(checkpoint, graph, {}),
              ElementsAre(ConstantPlan{"fused", "fused", {{0, 10}}}, ConstantPlan{"vector", "vector", {{0, 6}}}));
  EXPECT_EQ(reference(graph, 0), (ir::TensorRef{"fused"}));
}

TEST(PlanConstants, OnlyUsedRowsAreStored) {
  const test::MemoryCheckpoint checkpoint = example();
  ir::Graph graph = graph_with({{"fused", 8, 10}, {"fused", 2, 5}, {"fused", 4, 6}});
  EXPECT_THAT(plan_constants(checkpoint, graph, {}), ElementsAre(ConstantPlan{"fused", "fused", {{2, 6}, {8, 10}}}));
  EXPECT_EQ(reference(graph, 0), (ir::TensorRef{"fused", 4, 6}));
  EXPECT_EQ(reference(graph, 1), (ir::TensorRef{"fused", 0, 3}));
  EXPECT_EQ(reference(graph, 2), (ir::TensorRef{"fused", 2, 4}));
}

TEST(PlanConstants, PartsOfVectorsAreConstantsOfTheirOwn) {
  const test::MemoryCheckpoint checkpoint = example();
  ir::Graph graph = graph_with({});
  ir::TensorRef part{"vector", 2, 5};
  ir::TensorRef whole{"vector", 0, 6};
  std::vector<ir::TensorRef*> extra{&part, &whole};
  EXPECT_THAT(plan_constants(checkpoint, graph, extra),
              ElementsAre(ConstantPlan{"vector", "vector", {{0, 6}}}, ConstantPlan{"vector[2:5]", "vector", {{2, 5}}}));
  EXPECT_EQ(part, (ir::TensorRef{"vector[2:5]"}));
  EXPECT_EQ(whole, (ir::TensorRef{"vector"}));
}

TEST(PlanConstants, RefusesWhatIsNotThere) {
  const test::MemoryCheckpoint checkpoint = example();
  ir::Graph missing = graph_with({{"nothing"}});
  EXPECT_THROW((void)plan_constants(checkpoint, missing, {}), Error);
  ir::Graph beyond = graph_with({{"fused", 5, 11}});
  EXPECT_THROW((void)plan_constants(checkpoint, beyond, {}), Error);
}

TEST(ConstantType, KeepsPlainTypes) {
  using checkpoint::Dtype;
  using program::ConstantType;
  EXPECT_EQ(constant_type(Dtype::kF32), ConstantType::kF32);
  EXPECT_EQ(constant_type(Dtype::kF64), ConstantType::kF32);
  EXPECT_EQ(constant_type(Dtype::kF16), ConstantType::kF16);
  EXPECT_EQ(constant_type(Dtype::kBF16), ConstantType::kBF16);
  EXPECT_EQ(constant_type(Dtype::kQ4_1), ConstantType::kF16);
  EXPECT_EQ(constant_type(Dtype::kQ6_K), ConstantType::kF16);
  EXPECT_THROW((void)constant_type(Dtype::kI32), Error);
}

}  // namespace
}  // namespace xw::compiler
