// Orders of features: what may be moved together, and what moving gives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/reorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "arch/support/parallel.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::passes {
namespace {

using ::testing::ElementsAre;
using transformer::test::TinyConfig;
using transformer::test::TinyModel;

/// The tensors of a model in other orders: what a checkpoint writer does, said once more.
std::shared_ptr<transformer::test::MemorySource> reordered(const transformer::test::MemorySource& source,
                                                           const std::map<std::string, TensorOrder>& orders) {
  auto result = std::make_shared<transformer::test::MemorySource>(source);
  for (const auto& [name, order] : orders) {
    transformer::test::MemoryTensor& tensor = result->tensors.at(name);
    const std::vector<float> old = tensor.data;
    const std::size_t rows = tensor.shape[0], columns = old.size() / rows;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        const std::size_t from = order.rows.empty() ? i : order.rows[i];
        tensor.data[i * columns + j] = old[from * columns + (order.columns.empty() ? j : order.columns[j])];
      }
    }
  }
  return result;
}

Orders shuffled(const FreeOrders& free, std::uint32_t seed) {
  std::mt19937 generator(seed);
  Orders orders;
  for (const std::uint32_t features : free.features) {
    std::vector<std::uint32_t> order(features);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), generator);
    orders.push_back(order);
  }
  return orders;
}

std::vector<float> logits_of(const ir::Graph& graph, const std::shared_ptr<transformer::test::MemorySource>& source,
                             const std::vector<std::int32_t>& tokens) {
  ThreadPool pool(1);
  transformer::Model model(graph, source, nullptr, pool);
  transformer::Session session(model);
  return session.forward(tokens, transformer::LogitsOf::kAll);
}

FreeOrders free_orders(const ir::Graph& graph, const TinyModel& tiny) {
  return find_free_orders(graph, [&](const std::string& name) { return tiny.source->shape(name); });
}

void expect_same_function(const ir::Graph& graph, const TinyModel& tiny, const FreeOrders& free) {
  const auto shape_of = [&](const std::string& name) { return tiny.source->shape(name); };
  const auto tokens = tiny.tokens(30, 5);
  const std::vector<float> expected = logits_of(graph, tiny.source, tokens);
  const auto orders = tensor_orders(graph, free, shuffled(free, 7), shape_of);
  const std::vector<float> found = logits_of(graph, reordered(*tiny.source, orders), tokens);
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-4) << i;
}

TEST(Reorder, TheStreamAndTheMlpsAreFreeAndAnyOrderKeepsTheLogits) {
  for (const bool biases : {false, true}) {
    TinyConfig config;
    config.biases = biases;
    const TinyModel tiny(config);
    const ir::Graph graph = tiny.graph();
    const FreeOrders free = free_orders(graph, tiny);
    EXPECT_THAT(free.features, ElementsAre(24, 40, 40)) << "stream, and what flows in the MLP of either layer";
    for (std::size_t value = 0; value < graph.values.size(); ++value) {
      const std::string& name = graph.values[value].name;
      const bool is_head =
          name.ends_with(".q") || name.ends_with(".k") || name.ends_with(".v") || name.ends_with("attn");
      if (is_head || name == "lm_head.out" || name == "ids") {
        EXPECT_EQ(free.group_of[value], FreeOrders::kFixed) << name;
      }
    }
    expect_same_function(graph, tiny, free);
  }
}

TEST(Reorder, TiedEmbeddingsFollowTheStream) {
  const TinyModel tiny(TinyConfig{});
  ir::Graph graph = tiny.graph();
  for (ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kLinear && ir::attr_string(node, "name") == "lm_head.out")
      node.attributes["weight"] = ir::TensorRef{"embed", 0, 0};
  }
  const FreeOrders free = free_orders(graph, tiny);
  EXPECT_THAT(free.features, ElementsAre(24, 40, 40));
  expect_same_function(graph, tiny, free);
}

TEST(Reorder, ATensorThatWouldNeedTwoOrdersKeepsItsOwn) {
  // Both layers read one up_proj: their MLPs would have to agree, which is not worth it. The gates are tensors of their own.
  const TinyModel tiny(TinyConfig{});
  ir::Graph graph = tiny.graph();
  for (ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kLinear && ir::attr_string(node, "name") == "l1.up.out")
      node.attributes["weight"] = ir::TensorRef{"l0.up", 0, 0};
  }
  const FreeOrders free = free_orders(graph, tiny);
  EXPECT_THAT(free.features, ElementsAre(24));
  expect_same_function(graph, tiny, free);
}

TEST(Reorder, RowsOfAFusedTensorMoveWithinTheirLayer) {
  TinyModel tiny(TinyConfig{});
  auto& tensors = tiny.source->tensors;
  transformer::test::MemoryTensor fused{{80, 24}, tensors.at("l0.gate").data};
  const std::vector<float>& up = tensors.at("l0.up").data;
  fused.data.insert(fused.data.end(), up.begin(), up.end());
  tensors["l0.gate_up"] = fused;
  ir::Graph graph = tiny.graph();
  for (ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    if (ir::attr_string(node, "name") == "l0.gate.out") node.attributes["weight"] = ir::TensorRef{"l0.gate_up", 0, 40};
    if (ir::attr_string(node, "name") == "l0.up.out") node.attributes["weight"] = ir::TensorRef{"l0.gate_up", 40, 80};
  }
  const FreeOrders free = free_orders(graph, tiny);
  EXPECT_THAT(free.features, ElementsAre(24, 40, 40));
  expect_same_function(graph, tiny, free);
}

TEST(Reorder, NormsOfHeadsFixWhatTheyNormalise) {
  TinyConfig config;
  config.head_norms = true;
  const TinyModel tiny(config);
  const ir::Graph graph = tiny.graph();
  const FreeOrders free = free_orders(graph, tiny);
  EXPECT_THAT(free.features, ElementsAre(24, 40, 40));
  expect_same_function(graph, tiny, free);
}

TEST(Reorder, LoudRowsGoTogetherAndQuietBlocksGetQuieter) {
  // Input 1 and 4 have weights ten times larger; blocks of 4 and 2 inputs; cells err by a hundredth of full scale.
  Matrix weights(3, 6);
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> uniform(0.5F, 1.0F);
  for (std::size_t o = 0; o < 3; ++o) {
    for (std::size_t i = 0; i < 6; ++i) weights(o, i) = uniform(generator) * (i == 1 || i == 4 ? -10.0F : 1.0F);
  }
  const std::vector<std::uint32_t> order = rising(row_scores(std::span(&weights, 1)));
  EXPECT_THAT(std::vector<std::uint32_t>(order.begin() + 4, order.end()), ::testing::UnorderedElementsAre(1, 4));
  const RowBlocks blocks{{0, 4}, 6};
  ChipErrors chip;
  chip.cell.assign(257, 1e-4F);
  const std::vector<float> power = {1, 2, 3, 4, 5, 6};
  const auto expected = [&](const std::vector<std::uint32_t>& order_of) {
    double error = 0;
    for (std::size_t o = 0; o < 3; ++o) {
      for (const auto& [begin, end] : {std::pair{0, 4}, std::pair{4, 6}}) {
        double largest = 0, sum = 0;
        for (int i = begin; i < end; ++i) {
          largest = std::max(largest, std::abs(static_cast<double>(weights(o, order_of[static_cast<std::size_t>(i)]))));
          sum += static_cast<double>(power[order_of[static_cast<std::size_t>(i)]]);
        }
        error += 1e-4 * largest * largest * sum;
      }
    }
    return error;
  };
  const std::vector<InputConverter> exact(2, InputConverter{1, 0});
  const double before = error_in_order(weights, power, {}, blocks, exact, chip);
  const double after = error_in_order(weights, power, order, blocks, exact, chip);
  EXPECT_NEAR(before, expected({0, 1, 2, 3, 4, 5}), 1e-6 * before);
  EXPECT_NEAR(after, expected(order), 1e-6 * after);
  EXPECT_LT(after, before);
}

}  // namespace
}  // namespace xw::passes
