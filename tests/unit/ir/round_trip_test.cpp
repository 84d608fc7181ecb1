// parse(print(g)) == g for random graphs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"

namespace xw::ir {
namespace {

class RandomGraph {
 public:
  explicit RandomGraph(std::uint32_t seed) : random_(seed) {}

  Graph make() {
    Graph graph;
    graph.name = text();
    for (std::uint32_t i = below(6); i > 0; --i) graph.meta["m" + std::to_string(below(1000))] = attribute();
    std::vector<ValueId> values;  // all with the same features
    const std::uint32_t features = 2 * (1 + below(100));
    const ValueId tokens = graph.add(OpKind::kInput, {}, {}, "tokens", {1});
    values.push_back(
        graph.add(OpKind::kEmbedding, {tokens}, {{"weight", tensor()}, {"scale", number()}}, "e", {features}));
    const std::uint32_t nodes = 1 + below(30);
    for (std::uint32_t n = 0; n < nodes; ++n) values.push_back(node(graph, values, features, n));
    graph.add(OpKind::kOutput, {any(values)}, {}, "", {});
    return graph;
  }

 private:
  ValueId node(Graph& graph, const std::vector<ValueId>& values, std::uint32_t features, std::uint32_t n) {
    const std::string result = "v" + std::to_string(n) + (below(3) == 0 ? ".x_y" : "");
    switch (below(8)) {
      case 0:
        return graph.add(OpKind::kRmsNorm, {any(values)},
                         {{"weight", tensor()},
                          {"eps", std::abs(number())},
                          {"add_unit", std::int64_t{below(2)}},
                          {"groups", std::int64_t{1 + below(2)}}},
                         result, {features});
      case 1:
        return graph.add(OpKind::kLinear, {any(values)},
                         {{"weight", TensorRef{text() + "w", 7, 7 + features}},
                          {"name", "linear " + std::to_string(n)},
                          {kDigitalPositions, std::int64_t{below(4)}},
                          {kReplicas, std::int64_t{1 + below(64)}}},
                         result, {features});
      case 2: {
        const std::vector<std::uint32_t> all(1 + below(4), features);
        return graph.add(OpKind::kAimcCall, {any(values)},
                         {{"call", std::int64_t{n}}, {kDigitalPositions, std::int64_t{below(1U << 31)}}}, result, all);
      }
      case 3:
        return graph.add(OpKind::kAttention, {any(values), any(values), any(values)},
                         {{"layer", std::int64_t{n}},
                          {"num_heads", std::int64_t{1}},
                          {"num_kv_heads", std::int64_t{1}},
                          {"head_dim", std::int64_t{features}},
                          {"scale", number()},
                          {"window", std::int64_t{below(5000)}},
                          {"rope_style", std::string("half")},
                          {"rope_dims", std::int64_t{features}},
                          {"rope_theta", std::abs(number()) + 1},
                          {"rope_scaling", std::string("longrope")},
                          {"rope_original_context", std::int64_t{4096}},
                          {"rope_short", numbers(features / 2)},
                          {"rope_long", numbers(features / 2)},
                          {"rope_attention_factor", std::abs(number()) + 1}},
                         result, {features});
      case 4:
        return graph.add(OpKind::kSwiGlu, {any(values), any(values)}, {}, result, {features});
      case 5:
        return graph.add(OpKind::kShift, {any(values)}, {{"vector", TensorRef{"a shift", 2, 2 + features}}}, result,
                         {features});
      case 6:
        return graph.add(OpKind::kGeGlu, {any(values), any(values)}, {}, result, {features});
      default:
        return graph.add(OpKind::kAdd, {any(values), any(values)}, {}, result, {features});
    }
  }

  std::uint32_t below(std::uint32_t n) { return std::uniform_int_distribution<std::uint32_t>(0, n - 1)(random_); }
  ValueId any(const std::vector<ValueId>& values) { return values[below(static_cast<std::uint32_t>(values.size()))]; }
  double number() {  // any finite double, subnormals and negative zero included
    double value = 0;
    do {
      value = std::bit_cast<double>(std::uniform_int_distribution<std::uint64_t>()(random_));
    } while (!std::isfinite(value));
    return below(4) == 0 ? std::floor(std::fmod(value, 1000)) : value;
  }
  std::vector<double> numbers(std::uint32_t n) {
    std::vector<double> list(n);
    for (double& value : list) value = number();
    return list;
  }
  std::string text() {
    std::string out(below(12), ' ');
    for (char& c : out) c = static_cast<char>(below(256));
    return out;
  }
  TensorRef tensor() {
    if (below(2) == 0) return {"model.layers." + std::to_string(below(99)) + ".weight"};
    const std::uint64_t begin = below(1U << 31);
    return {text() + "t", begin, begin + 1 + below(1U << 31)};
  }
  Attribute attribute() {
    switch (below(5)) {
      case 0:
        return std::bit_cast<std::int64_t>(std::uniform_int_distribution<std::uint64_t>()(random_));
      case 1:
        return number();
      case 2:
        return text();
      case 3:
        return tensor();
      default:
        return numbers(below(5));
    }
  }

  std::mt19937 random_;
};

TEST(RoundTrip, RandomGraphs) {
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = RandomGraph(seed).make();
    ASSERT_NO_THROW(verify(graph));
    const std::string text = print(graph);
    const Graph back = parse(text, "text");
    ASSERT_EQ(back, graph) << text;
    ASSERT_EQ(print(back), text) << "printing is deterministic";
  }
}

TEST(RoundTrip, CutTextsAreRefused) {
  const std::string text = print(RandomGraph(7).make());
  for (std::size_t length = 0; length + 2 < text.size(); length += 1 + text.size() / 300) {
    EXPECT_THROW((void)parse(text.substr(0, length), "cut"), Error) << length;
  }
}

}  // namespace
}  // namespace xw::ir
