// Every rule of the verifier has a graph that breaks it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"
#include "tests/unit/ir/example_graph.hpp"

namespace xw::ir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string complaint(const Graph& graph) {
  try {
    verify(graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    return error.what();
  }
  return "accepted";
}

struct Case {
  const char* what;
  std::function<void(Graph&)> change;
  const char* expected;
};

void set(Graph& graph, int node, const char* key, Attribute value) {
  graph.nodes[static_cast<std::size_t>(node)].attributes[key] = std::move(value);
}
void drop(Graph& graph, int node, const char* key) {
  graph.nodes[static_cast<std::size_t>(node)].attributes.erase(key);
}
Attribute integer(std::int64_t value) {
  return value;
}
Attribute text(const char* value) {
  return std::string(value);
}

// The value ids of the example: tokens 0, x 1, h 2, qkv 3 4 5, a 6, o 7, sum 8, gated 9, soft 10, logits 11.
const std::vector<Case>& cases() {
  using namespace test;  // NOLINT: node indices
  static const std::vector<Case> list = {
      {"empty value name", [](Graph& g) { g.values[1].name = ""; }, "value name '': expected letters"},
      {"value name with space", [](Graph& g) { g.values[1].name = "a b"; }, "value name 'a b': expected letters"},
      {"two values of a name", [](Graph& g) { g.values[2].name = "x"; }, "value %x: expected a unique name"},
      {"no features", [](Graph& g) { g.values[9].features = 0; },
       "value %gated: expected 1 to 16777216 features, found 0"},
      {"too many features", [](Graph& g) { g.values[11].features = 1U << 25; },
       "value %logits: expected 1 to 16777216 features"},
      {"meta key", [](Graph& g) { g.meta["2nd"] = integer(1); }, "meta: attribute '2nd': expected a key"},
      {"meta infinity", [](Graph& g) { g.meta["x"] = std::numeric_limits<double>::infinity(); },
       "meta: attribute 'x': expected a finite number"},
      {"NaN", [](Graph& g) { set(g, kNormNode, "eps", std::numeric_limits<double>::quiet_NaN()); },
       "node 2 (rms_norm): attribute 'eps': expected a finite number"},
      {"NaN in a list",
       [](Graph& g) {
         g.meta["l"] = std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()};
       },
       "attribute 'l': expected finite numbers"},
      {"tensor without a name", [](Graph& g) { set(g, kNormNode, "weight", TensorRef{}); },
       "expected the name of a tensor, found an empty one"},
      {"empty row range",
       [](Graph& g) {
         set(g, kLinearNode, "weight", TensorRef{"w", 5, 5});
       },
       "expected a row range, found [5:5]"},
      {"row range without end",
       [](Graph& g) {
         set(g, kLinearNode, "weight", TensorRef{"w", 5, 0});
       },
       "expected a row range, found [5:0]"},
      {"too many inputs",
       [](Graph& g) {
         g.nodes[kNormNode].inputs = {1, 1};
       },
       "node 2 (rms_norm): expected 1 inputs, found 2"},
      {"too few inputs",
       [](Graph& g) {
         g.nodes[kAttentionNode].inputs = {3, 4};
       },
       "node 4 (attention): expected 3 inputs, found 2"},
      {"input node with inputs", [](Graph& g) { g.nodes[kInputNode].inputs = {0}; },
       "node 0 (input): expected 0 inputs, found 1"},
      {"call without results", [](Graph& g) { g.nodes[kCallNode].results = {}; },
       "node 3 (aimc_call): expected 1 to 4096 results, found 0"},
      {"output with a result", [](Graph& g) { g.nodes[kOutputNode].results = {10}; },
       "node 10 (output): expected 0 results, found 1"},
      {"input id beyond the values",
       [](Graph& g) {
         g.nodes[kAddNode].inputs = {1, 99};
       },
       "node 6 (add): input id 99: expected one of 12 values"},
      {"result id beyond the values", [](Graph& g) { g.nodes[kAddNode].results = {99}; },
       "node 6 (add): result id 99: expected one of 12 values"},
      {"use before definition",
       [](Graph& g) {
         g.nodes[kAddNode].inputs = {1, 9};
       },
       "node 6 (add): input %gated: expected a value defined before"},
      {"own result as input",
       [](Graph& g) {
         g.nodes[kAddNode].inputs = {1, 8};
       },
       "input %sum: expected a value defined before"},
      {"redefinition", [](Graph& g) { g.nodes[kAddNode].results = {7}; },
       "node 6 (add): result %o: expected a new value"},
      {"ids out of order", [](Graph& g) { g.nodes[kAddNode].results = {9}; },
       "result %gated: expected ids in order of definition (8), found 9"},
      {"value of no node",
       [](Graph& g) {
         g.values.push_back({"orphan", 4});
       },
       "value %orphan (id 12): expected a node that defines it"},
      {"missing attribute", [](Graph& g) { drop(g, kNormNode, "eps"); },
       "node 2 (rms_norm): attribute 'eps': expected a number, found none"},
      {"mistyped attribute", [](Graph& g) { set(g, kCallNode, "call", 1.5); },
       "node 3 (aimc_call): attribute 'call': expected an integer, found a number"},
      {"mistyped optional attribute", [](Graph& g) { set(g, kEmbeddingNode, "scale", text("big")); },
       "attribute 'scale': expected a number, found a string"},
      {"unknown attribute", [](Graph& g) { set(g, kAddNode, "alpha", integer(1)); },
       "node 6 (add): attribute 'alpha': unknown to this operation"},
      {"tokens with features", [](Graph& g) { g.values[0].features = 2; },
       "node 0 (input): expected a result with 1 features, found 2"},
      {"embedding of a matrix",
       [](Graph& g) {
         g.nodes[kEmbeddingNode].inputs = {0};
         g.values[0].features = 3;
       },
       "node 1 (embedding): expected an input with 1 features, found 3"},
      {"norm changes features", [](Graph& g) { g.values[2].features = 16; },
       "node 2 (rms_norm): expected a result with 32 features, found 16"},
      {"negative eps", [](Graph& g) { set(g, kNormNode, "eps", -1.0); }, "expected eps >= 0, found -1"},
      {"groups", [](Graph& g) { set(g, kNormNode, "groups", integer(3)); },
       "expected groups that divide 32 features, found 3"},
      {"no groups", [](Graph& g) { set(g, kNormNode, "groups", integer(0)); },
       "expected groups that divide 32 features, found 0"},
      {"add_unit", [](Graph& g) { set(g, kNormNode, "add_unit", integer(2)); }, "expected add_unit 0 or 1, found 2"},
      {"weight rows",
       [](Graph& g) {
         set(g, kLinearNode, "weight", TensorRef{"w", 0, 31});
       },
       "node 5 (linear): expected 'weight' with 32 rows, found 31"},
      {"bias rows",
       [](Graph& g) {
         set(g, kLinearNode, "bias", TensorRef{"b", 4, 8});
       },
       "node 5 (linear): expected 'bias' with 32 rows, found 4"},
      {"linear without a name", [](Graph& g) { set(g, kLinearNode, "name", text("")); },
       "expected a name, found an empty one"},
      {"two linears of a name", [](Graph& g) { set(g, kLinearNode, "name", text("lm_head")); },
       "linear 'lm_head': expected a unique name"},
      {"digital of 2", [](Graph& g) { set(g, kLinearNode, "digital", integer(2)); },
       "expected digital 0 or 1, found 2"},
      {"shift of other features",
       [](Graph& g) {
         g.nodes[kNormNode] = {
             OpKind::kShift, g.nodes[kNormNode].inputs, g.nodes[kNormNode].results, {{"vector", TensorRef{"v", 0, 1}}}};
       },
       "expected 'vector' with"},
      {"no replica", [](Graph& g) { set(g, kLinearNode, kReplicas, integer(0)); },
       "node 5 (linear): expected replicas from 1 to 64, found 0"},
      {"too many replicas", [](Graph& g) { set(g, kLinearNode, kReplicas, integer(65)); },
       "node 5 (linear): expected replicas from 1 to 64, found 65"},
      {"replicas of a call", [](Graph& g) { set(g, kCallNode, kReplicas, integer(2)); },
       "attribute 'replicas': unknown to this operation"},
      {"negative digital positions", [](Graph& g) { set(g, kCallNode, kDigitalPositions, integer(-1)); },
       "node 3 (aimc_call): expected digital_positions from 0 to 2147483647, found -1"},
      {"too many digital positions",
       [](Graph& g) { set(g, kLinearNode, kDigitalPositions, integer(std::int64_t{1} << 31)); },
       "node 5 (linear): expected digital_positions from 0 to 2147483647, found 2147483648"},
      {"digital positions as a number", [](Graph& g) { set(g, kLinearNode, kDigitalPositions, 1.0); },
       "node 5 (linear): attribute 'digital_positions': expected an integer, found a number"},
      {"digital positions of a norm", [](Graph& g) { set(g, kNormNode, kDigitalPositions, integer(1)); },
       "attribute 'digital_positions': unknown to this operation"},
      {"negative call", [](Graph& g) { set(g, kCallNode, "call", integer(-1)); }, "expected a call index, found -1"},
      {"call in two nodes",
       [](Graph& g) {
         g.nodes[kNormNode] = {OpKind::kAimcCall, {1}, {2}, {{"call", integer(0)}}};
       },
       "call 0: expected one node, found two"},
      {"no heads", [](Graph& g) { set(g, kAttentionNode, "num_kv_heads", integer(0)); },
       "expected positive num_heads, num_kv_heads and head_dim, found 4, 0, 8"},
      {"heads that overflow", [](Graph& g) { set(g, kAttentionNode, "num_heads", integer(INT64_MAX)); },
       "expected positive num_heads"},
      {"heads no multiple", [](Graph& g) { set(g, kAttentionNode, "num_heads", integer(5)); },
       "expected num_heads to be a multiple of num_kv_heads, found 5 and 2"},
      {"query features", [](Graph& g) { g.values[3].features = 24; }, "expected queries with 32 features, found 24"},
      {"key features", [](Graph& g) { g.values[4].features = 24; }, "expected keys with 16 features, found 24"},
      {"value features", [](Graph& g) { g.values[5].features = 24; }, "expected values with 16 features, found 24"},
      {"attention features", [](Graph& g) { g.values[6].features = 24; },
       "node 4 (attention): expected a result with 32 features, found 24"},
      {"negative layer", [](Graph& g) { set(g, kAttentionNode, "layer", integer(-1)); },
       "expected layer >= 0, found -1"},
      {"negative window", [](Graph& g) { set(g, kAttentionNode, "window", integer(-5)); },
       "expected window >= 0, found -5"},
      {"rope style", [](Graph& g) { set(g, kAttentionNode, "rope_style", text("full")); },
       "expected rope_style \"half\", \"interleaved\" or \"none\", found \"full\""},
      {"rope without dims", [](Graph& g) { drop(g, kAttentionNode, "rope_dims"); },
       "attribute 'rope_dims': required by rope_style \"half\", found none"},
      {"odd rope dims", [](Graph& g) { set(g, kAttentionNode, "rope_dims", integer(7)); },
       "expected even rope_dims from 2 to 8, found 7"},
      {"rope dims beyond the head", [](Graph& g) { set(g, kAttentionNode, "rope_dims", integer(10)); },
       "expected even rope_dims from 2 to 8, found 10"},
      {"rope theta", [](Graph& g) { set(g, kAttentionNode, "rope_theta", integer(0)); }, "expected rope_theta > 0"},
      {"rope scaling", [](Graph& g) { set(g, kAttentionNode, "rope_scaling", text("yarn")); },
       "expected rope_scaling \"none\", \"linear\", \"llama3\" or \"longrope\", found \"yarn\""},
      {"linear without factor", [](Graph& g) { set(g, kAttentionNode, "rope_scaling", text("linear")); },
       "attribute 'rope_factor': required by rope_scaling \"linear\""},
      {"linear factor",
       [](Graph& g) {
         set(g, kAttentionNode, "rope_scaling", text("linear"));
         set(g, kAttentionNode, "rope_factor", 0.0);
       },
       "expected rope_factor > 0"},
      {"llama3 without factors", [](Graph& g) { set(g, kAttentionNode, "rope_scaling", text("llama3")); },
       "attribute 'rope_high_freq_factor': required by rope_scaling \"llama3\""},
      {"longrope without lists", [](Graph& g) { set(g, kAttentionNode, "rope_scaling", text("longrope")); },
       "attribute 'rope_short': required by rope_scaling \"longrope\""},
      {"longrope lists",
       [](Graph& g) {
         set(g, kAttentionNode, "rope_scaling", text("longrope"));
         set(g, kAttentionNode, "rope_short", std::vector<double>(4, 1.0));
         set(g, kAttentionNode, "rope_long", std::vector<double>(3, 1.0));
         set(g, kAttentionNode, "rope_original_context", integer(4096));
         set(g, kAttentionNode, "rope_attention_factor", 1.19);
       },
       "expected rope_long with 4 numbers, found 3"},
      {"add of different features",
       [](Graph& g) {
         g.nodes[kAddNode].inputs = {1, 4};
       },
       "node 6 (add): expected equal inputs with 32 features, found 16"},
      {"swiglu result", [](Graph& g) { g.values[9].features = 16; },
       "node 7 (swiglu): expected a result with 32 features, found 16"},
      {"geglu result", [](Graph& g) { g.values[10].features = 16; },
       "node 8 (geglu): expected a result with 32 features, found 16"},
      {"no output", [](Graph& g) { g.nodes.pop_back(); }, "expected one output node, found 0"},
      {"two outputs", [](Graph& g) { g.nodes.push_back(g.nodes.back()); }, "expected one output node, found 2"},
      {"two inputs", [](Graph& g) { g.add(OpKind::kInput, {}, {}, "more", {1}); }, "expected one input node, found 2"},
      {"no input", [](Graph& g) { g = Graph{}; }, "expected one input node, found 0"},
  };
  return list;
}

TEST(Verify, AcceptsTheExample) {
  EXPECT_EQ(complaint(test::example_graph()), "accepted");
}

TEST(Verify, AcceptsEveryRope) {
  Graph graph = test::example_graph();
  set(graph, test::kAttentionNode, "rope_style", text("none"));
  for (const char* key : {"rope_dims", "rope_theta", "rope_scaling"}) drop(graph, test::kAttentionNode, key);
  EXPECT_EQ(complaint(graph), "accepted");
  graph = test::example_graph();
  set(graph, test::kAttentionNode, "rope_style", text("interleaved"));
  set(graph, test::kAttentionNode, "rope_scaling", text("longrope"));
  set(graph, test::kAttentionNode, "rope_short", std::vector<double>(4, 1.0));
  set(graph, test::kAttentionNode, "rope_long", std::vector<double>(4, 2.0));
  set(graph, test::kAttentionNode, "rope_original_context", integer(4096));
  set(graph, test::kAttentionNode, "rope_attention_factor", integer(1));
  EXPECT_EQ(complaint(graph), "accepted");
}

TEST(Verify, EveryRuleFires) {
  for (const Case& broken : cases()) {
    SCOPED_TRACE(broken.what);
    Graph graph = test::example_graph();
    broken.change(graph);
    EXPECT_THAT(complaint(graph), HasSubstr(broken.expected));
  }
}

TEST(Verify, ListsEveryProblem) {
  Graph graph = test::example_graph();
  set(graph, test::kNormNode, "eps", -1.0);
  set(graph, test::kAddNode, "alpha", integer(1));
  set(graph, test::kAttentionNode, "rope_dims", integer(7));
  EXPECT_THAT(complaint(graph), AllOf(HasSubstr("graph 'example': 3 problems:"), HasSubstr("eps >= 0"),
                                      HasSubstr("'alpha'"), HasSubstr("even rope_dims")));
}

TEST(Verify, LongListsAreCut) {
  Graph graph = test::example_graph();
  for (int i = 0; i < 500; ++i) set(graph, test::kAddNode, ("k" + std::to_string(i)).c_str(), integer(1));
  EXPECT_THAT(complaint(graph), AllOf(HasSubstr("500 problems"), HasSubstr("and 300 more")));
}

}  // namespace
}  // namespace xw::ir
