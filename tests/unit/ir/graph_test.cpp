// Building graphs and reading attributes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"
#include "tests/unit/ir/example_graph.hpp"

namespace xw::ir {
namespace {

template <typename Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    return error.what();
  }
  return "no error";
}

TEST(Graph, AddNumbersResultsInOrder) {
  Graph graph;
  EXPECT_EQ(graph.add(OpKind::kInput, {}, {}, "tokens", {1}), 0U);
  EXPECT_EQ(graph.add(OpKind::kAimcCall, {0}, {{"call", std::int64_t{0}}}, "qkv", {8, 4, 4}), 1U);
  EXPECT_EQ(graph.add(OpKind::kOutput, {1}, {}, "", {}), 0U) << "no result";
  EXPECT_EQ(graph.add(OpKind::kAdd, {2, 3}, {}, "sum", {4}), 4U);
  ASSERT_EQ(graph.values.size(), 5U);
  EXPECT_EQ(graph.values[0], (Value{"tokens", 1}));
  EXPECT_EQ(graph.values[1], (Value{"qkv.0", 8}));
  EXPECT_EQ(graph.values[3], (Value{"qkv.2", 4}));
  EXPECT_EQ(graph.values[4], (Value{"sum", 4}));
  EXPECT_EQ(graph.nodes[1].results, (std::vector<ValueId>{1, 2, 3}));
  EXPECT_TRUE(graph.nodes[2].results.empty());
}

TEST(Graph, AttributesAreTyped) {
  const Graph graph = test::example_graph();
  EXPECT_EQ(attr_int(graph.nodes[test::kAttentionNode], "head_dim"), 8);
  EXPECT_EQ(attr_float(graph.nodes[test::kNormNode], "eps"), 1e-5);
  EXPECT_EQ(attr_float(graph.nodes[test::kAttentionNode], "head_dim"), 8.0) << "an integer is a number";
  EXPECT_EQ(attr_string(graph.nodes[test::kLinearNode], "name"), "layers.0.o_proj");
  EXPECT_EQ(attr_tensor(graph.nodes[test::kLinearNode], "weight"), (TensorRef{"o.weight", 32, 64}));
  EXPECT_TRUE(has_attr(graph.nodes[test::kLinearNode], "bias"));
  EXPECT_FALSE(has_attr(graph.nodes[test::kHeadNode], "bias"));
}

TEST(Graph, AttributeErrorsNameNodeAndKey) {
  const Graph graph = test::example_graph();
  const Node& norm = graph.nodes[test::kNormNode];
  EXPECT_EQ(message_of([&] { (void)attr_int(norm, "layer"); }),
            "rms_norm: attribute 'layer': expected an integer, found none");
  EXPECT_EQ(message_of([&] { (void)attr_int(norm, "eps"); }),
            "rms_norm: attribute 'eps': expected an integer, found a number");
  EXPECT_EQ(message_of([&] { (void)attr_float(norm, "weight"); }),
            "rms_norm: attribute 'weight': expected a number, found a tensor reference");
  EXPECT_EQ(message_of([&] { (void)attr_string(norm, "eps"); }),
            "rms_norm: attribute 'eps': expected a string, found a number");
  EXPECT_EQ(message_of([&] { (void)attr_tensor(graph.nodes[test::kLinearNode], "name"); }),
            "linear: attribute 'name': expected a tensor reference, found a string");
}

TEST(Graph, KindsHaveNames) {
  EXPECT_EQ(name(OpKind::kInput), "input");
  EXPECT_EQ(name(OpKind::kRmsNorm), "rms_norm");
  EXPECT_EQ(name(OpKind::kAimcCall), "aimc_call");
  EXPECT_EQ(name(OpKind::kSwiGlu), "swiglu");
  EXPECT_EQ(name(OpKind::kGeGlu), "geglu");
  EXPECT_THROW((void)name(static_cast<OpKind>(77)), Error);
}

}  // namespace
}  // namespace xw::ir
