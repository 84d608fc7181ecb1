// Networks against the host engine: digital, adapted, and analog with the scalar reference as the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "arch/support/error.hpp"
#include "compiler/passes/first_token.hpp"
#include "compiler/passes/group_calls.hpp"
#include "compiler/passes/select_analog.hpp"
#include "host/finetune/objective.hpp"
#include "models/reference/afm_float.hpp"
#include "tests/unit/finetune/models.hpp"
#include "tests/unit/finetune/tensors.hpp"

namespace xw::finetune {
namespace {

using test::engine_logits;
using test::ids_of;
using test::random_tokens;
using test::Tiny;
using torch::Tensor;

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class FamilyNetwork : public testing::TestWithParam<std::string> {};

TEST_P(FamilyNetwork, LogitsAreThoseOfTheHostEngine) {
  const Tiny tiny(GetParam());
  Network network = tiny.network();
  const auto one = random_tokens(29, 1), other = random_tokens(29, 2);
  const torch::NoGradGuard guard;
  const Tensor logits = network.forward(ids_of({one, other}), Mode::kDigital);
  const Tensor expected = engine_logits(tiny.graph, *tiny.checkpoint, nullptr, one);
  EXPECT_GT(expected.std().item<double>(), 1e-3);
  const double tolerance = 1e-4 * std::max(1.0, expected.abs().max().item<double>());
  EXPECT_LT(largest_difference(logits[0], expected), tolerance);
  EXPECT_LT(largest_difference(logits[1], engine_logits(tiny.graph, *tiny.checkpoint, nullptr, other)), tolerance);
}

TEST_P(FamilyNetwork, StepsWithACacheAreTheWholeContext) {
  const Tiny tiny(GetParam());
  Network network = tiny.network({}, false);
  const Tensor ids = ids_of({random_tokens(20, 3), random_tokens(20, 4)});
  const torch::NoGradGuard guard;
  const Tensor expected = network.forward(ids, Mode::kDigital);
  Cache cache = network.make_cache(2, 24);
  std::int64_t at = 0;
  for (const std::int64_t count : {5, 1, 1, 8, 1, 4}) {
    const Tensor logits = network.step(ids.slice(1, at, at + count), cache);
    at += count;
    EXPECT_TRUE(at::allclose(logits, expected.select(1, at - 1), 1e-4, 1e-4)) << at;
  }
  EXPECT_EQ(cache.length, 20);
  EXPECT_THROW(static_cast<void>(network.step(ids.slice(1, 0, 5), cache)), Error);
}

INSTANTIATE_TEST_SUITE_P(All, FamilyNetwork, testing::Values("llama", "mistral", "phi3", "qwen2", "qwen3", "gemma3"),
                         [](const auto& made) { return made.param; });

/// The chip: calls computed by the scalar reference of the layer.
class ReferenceChip : public transformer::CallBackend {
 public:
  ReferenceChip(const Tiny& tiny, const passes::GroupedGraph& grouped, const Network& network)
      : grouped_(grouped), ranges_(network.input_ranges()), max_rows_(static_cast<int>(network.analog().max_rows)) {
    config_.input_steps = 254;
    config_.output_steps = 254;
    config_.output_bound = static_cast<float>(network.analog().lambda);
    config_.per_channel_bound = true;
    for (const passes::Call& call : grouped.calls) {
      for (const passes::AnalogLinear& linear : call.linears) {
        const checkpoint::Tensor& tensor = tiny.checkpoint->tensors().at(linear.weight.tensor);
        const ir::RowRange rows = linear.weight.rows(tensor.rows());
        std::vector<float>& weight = weights_[linear.name];
        weight.resize(rows.size() * tensor.row_elements());
        checkpoint::read_rows(tensor, rows.begin, rows.end, weight);
        if (linear.bias) biases_[linear.name] = read_bias(tiny, *linear.bias, linear.out_features);
      }
    }
  }
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t /*base*/,
                std::span<const std::span<float>> outputs) override {
    run(call, x, num_vectors, outputs, false);
  }
  void run_on_host(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                   std::span<const std::span<float>> outputs) override {
    on_host += num_vectors;
    run(call, x, num_vectors, outputs, true);
  }
  std::uint32_t on_host = 0;

 private:
  static std::vector<float> read_bias(const Tiny& tiny, const ir::TensorRef& ref, std::uint32_t size) {
    std::vector<float> all = checkpoint::read_all(tiny.checkpoint->tensors().at(ref.tensor));
    EXPECT_EQ(all.size(), size);
    return all;
  }
  void run(std::uint32_t call, std::span<const float> x, std::uint32_t vectors,
           std::span<const std::span<float>> outputs, bool is_digital) const {
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const passes::AnalogLinear& linear = grouped_.calls.at(call).linears.at(k);
      reference::afm::LayerConfig config;
      if (!is_digital) config = config_;
      config.max_input_size = max_rows_;
      const auto bias = biases_.find(linear.name);
      const std::vector<float> y = reference::afm::forward(
          config, {weights_.at(linear.name), linear.out_features, linear.in_features},
          bias == biases_.end() ? std::span<const float>() : std::span<const float>(bias->second),
          ranges_.at(linear.name), {x, vectors, linear.in_features});
      std::copy(y.begin(), y.end(), outputs[k].begin());
    }
  }

  const passes::GroupedGraph& grouped_;
  std::map<std::string, std::vector<float>> ranges_, weights_, biases_;
  int max_rows_;
  reference::afm::LayerConfig config_;
};

/// Blocks of at most 10 rows, so that every layer has several, and ranges that clamp some inputs.
AnalogSettings small_blocks() {
  AnalogSettings analog;
  analog.noise = NoiseKind::kNone;
  analog.max_rows = 10;
  analog.lambda = 3;
  return analog;
}

class AnalogNetwork : public testing::TestWithParam<std::tuple<std::string, std::uint32_t>> {};

/// Codes on a boundary may fall to either side, so that single logits differ by some steps: most agree to rounding.
TEST_P(AnalogNetwork, IsTheHostEngineWithTheReferenceAsChip) {
  const auto& [family, digital_positions] = GetParam();
  Tiny tiny(family);
  const std::vector<std::string> names = passes::select_analog(tiny.graph, false, {});
  passes::set_digital_positions(tiny.graph, names, digital_positions);
  Network network = tiny.network(small_blocks());
  const auto tokens = random_tokens(25, 6);
  network.initialise_ranges({ids_of({random_tokens(25, 7), random_tokens(25, 8)})}, {});
  std::map<std::string, std::uint32_t> classes;
  for (const std::string& name : names) classes[name] = 0;
  const passes::GroupedGraph grouped = passes::group_calls(tiny.graph, classes);
  ReferenceChip chip(tiny, grouped, network);
  const Tensor expected = engine_logits(grouped.graph, *tiny.checkpoint, &chip, tokens);
  EXPECT_EQ(chip.on_host, digital_positions * grouped.calls.size());
  const torch::NoGradGuard guard;
  const Tensor logits = network.forward(ids_of({tokens}), Mode::kAnalogEval)[0];
  const Tensor plain = network.forward(ids_of({tokens}), Mode::kDigital)[0];
  const double quantised = (expected - plain).abs().mean().item<double>();
  EXPECT_GT(quantised, 1e-5);
  EXPECT_LT((logits - expected).abs().median().item<double>(), 0.02 * quantised);
  EXPECT_LT((logits - expected).abs().mean().item<double>(), 0.3 * quantised);
}

INSTANTIATE_TEST_SUITE_P(Families, AnalogNetwork,
                         testing::Combine(testing::Values("llama", "phi3", "qwen2", "gemma3"), testing::Values(0U, 2U)),
                         [](const auto& made) {
                           return std::get<0>(made.param) + "_" + std::to_string(std::get<1>(made.param));
                         });

/// The graph with a shift before a q_proj and a digital product beside an o_proj, as adapted graphs have them.
ir::Graph with_rewrites(const ir::Graph& plain) {
  ir::Graph graph;
  graph.name = plain.name;
  graph.meta = plain.meta;
  std::map<ir::ValueId, ir::ValueId> moved;
  for (const ir::Node& node : plain.nodes) {
    std::vector<ir::ValueId> inputs;
    for (const ir::ValueId input : node.inputs) inputs.push_back(moved.at(input));
    std::vector<std::uint32_t> features;
    for (const ir::ValueId value : node.results) features.push_back(plain.values[value].features);
    const std::string result = node.results.empty() ? "" : plain.values[node.results[0]].name;
    const std::string linear = node.kind == ir::OpKind::kLinear ? ir::attr_string(node, "name") : "";
    if (linear == "model.layers.1.self_attn.q_proj") {
      inputs[0] = graph.add(ir::OpKind::kShift, inputs,
                            {{"vector", ir::TensorRef{"model.layers.1.post_attention_layernorm.weight", 0, 0}}},
                            "shifted", {16});
    }
    const ir::ValueId value = graph.add(node.kind, inputs, node.attributes, result, features);
    if (!node.results.empty()) moved[node.results[0]] = value;
    if (linear == "model.layers.0.self_attn.o_proj") {
      const ir::ValueId aside = graph.add(ir::OpKind::kLinear, inputs,
                                          {{"name", std::string("aside")},
                                           {"digital", std::int64_t{1}},
                                           {"weight", ir::TensorRef{"model.layers.1.self_attn.o_proj.weight", 0, 0}}},
                                          "aside", features);
      moved[node.results[0]] = graph.add(ir::OpKind::kAdd, {value, aside}, {}, "sum", features);
    }
  }
  return graph;
}

TEST(AdaptedNetwork, LogitsAreThoseOfTheHostEngine) {
  const Tiny tiny("llama");
  const ir::Graph graph = with_rewrites(tiny.graph);
  const auto tokens = random_tokens(17, 9);
  const Tensor expected = engine_logits(graph, *tiny.checkpoint, nullptr, tokens);
  EXPECT_GT(largest_difference(expected, engine_logits(tiny.graph, *tiny.checkpoint, nullptr, tokens)), 1e-3);
  Network network(graph, *tiny.checkpoint, {}, {});
  EXPECT_EQ(network.analog_linears().size(), 14U);
  const torch::NoGradGuard guard;
  EXPECT_LT(largest_difference(network.forward(ids_of({tokens}), Mode::kDigital)[0], expected), 1e-4);
}

TEST(Network, StateRestoresEverything) {
  const Tiny tiny("llama");
  Network network = tiny.network(small_blocks());
  const Tensor ids = ids_of({random_tokens(12, 1)});
  network.initialise_ranges({ids}, {});
  const auto kept = network.state();
  const torch::NoGradGuard guard;
  const Tensor before = network.forward(ids, Mode::kAnalogEval);
  for (Parameter& parameter : network.parameters()) parameter.value.add_(0.05);
  EXPECT_FALSE(at::equal(network.forward(ids, Mode::kAnalogEval), before));
  network.load_state(kept);
  EXPECT_TRUE(at::equal(network.forward(ids, Mode::kAnalogEval), before));
}

TEST(Network, NoiseIsAFunctionOfItsSeed) {
  const Tiny tiny("llama");
  AnalogSettings analog = small_blocks();
  analog.noise = NoiseKind::kGaussian;
  Network network = tiny.network(analog);
  const Tensor ids = ids_of({random_tokens(12, 1)});
  network.initialise_ranges({ids}, {});
  const torch::NoGradGuard guard;
  network.seed_noise(5);
  const Tensor first = network.forward(ids, Mode::kAnalogTrain), second = network.forward(ids, Mode::kAnalogTrain);
  EXPECT_FALSE(at::equal(first, second));
  network.seed_noise(5);
  EXPECT_TRUE(at::equal(network.forward(ids, Mode::kAnalogTrain), first));
}

TEST(Network, WithoutRangesAnalogModesAreRefused) {
  const Tiny tiny("llama");
  Network network = tiny.network();
  try {
    static_cast<void>(network.forward(ids_of({{1, 2}}), Mode::kAnalogEval));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr("input ranges"));
  }
}

TEST(Network, RangesByStandardDeviation) {
  const Tiny tiny("llama");
  Network network = tiny.network(small_blocks());
  const Tensor ids = ids_of({random_tokens(12, 1)});
  network.initialise_ranges({ids}, {RangeRule::Method::kStd, 6});
  Network twice = tiny.network(small_blocks());
  twice.initialise_ranges({ids}, {RangeRule::Method::kStd, 12});
  const auto ranges = network.input_ranges(), others = twice.input_ranges();
  EXPECT_EQ(ranges.size(), 14U);
  EXPECT_EQ(ranges.at("model.layers.0.self_attn.q_proj").size(), 2U);
  EXPECT_EQ(ranges.at("model.layers.0.mlp.down_proj").size(), 3U);
  for (const auto& [name, values] : ranges) {
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(others.at(name)[i], 2 * values[i], 1e-4F * values[i]) << name;
  }
}

TEST(Network, ClippingIsReportedAndDone) {
  const Tiny tiny("llama");
  Network network = tiny.network(small_blocks());
  const ClipRule rule{1.0, 0, 1};
  const auto damages = network.clip_damage(rule);
  ASSERT_EQ(damages.size(), 14U);
  EXPECT_GT(damages[0].clipped_weights, 0);
  EXPECT_GT(damages[0].relative_change, 0);
  network.clip(rule);
  for (const Parameter& parameter : network.parameters()) {
    if (!parameter.is_analog || parameter.kind != Parameter::Kind::kMatrix) continue;
    const Tensor original = torch::tensor(checkpoint::read_all(tiny.checkpoint->tensors().at(parameter.name)))
                                .view(parameter.value.sizes());
    const Tensor bound = original.std(1, true, true);
    EXPECT_TRUE(at::allclose(parameter.value, at::clamp(original, -bound, bound), 1e-4, 1e-6)) << parameter.name;
  }
}

/// A model before any training knows nothing (its loss is that of guessing), and every seed makes one of its own.
TEST(Network, ItsWeightsCanBeDrawnAnew) {
  const test::Tiny tiny("llama");
  AnalogSettings none;
  none.noise = NoiseKind::kNone;
  none.dac_bits = none.adc_bits = 0;
  NetworkOptions options;
  options.trains_embedding = true;
  const auto drawn = [&](std::uint64_t seed) {
    Network network(tiny.graph, *tiny.checkpoint, options, none);
    network.initialise_weights(seed);
    return network.state();
  };
  const auto first = drawn(5), again = drawn(5), other = drawn(6);
  double squares = 0;
  std::int64_t count = 0;
  bool differs = false;
  for (const auto& [name, value] : first) {
    EXPECT_TRUE(at::equal(value, again.at(name))) << name;
    differs = differs || !at::equal(value, other.at(name));
    if (value.dim() == 1) {
      EXPECT_TRUE(at::equal(value, at::ones_like(value))) << name;
    } else if (name.find("o_proj") == std::string::npos && name.find("down_proj") == std::string::npos) {
      squares += value.square().sum().item<double>();
      count += value.numel();
    }
  }
  EXPECT_TRUE(differs);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(count)), 0.02, 0.002);
  const torch::Tensor down = first.at("model.layers.0.mlp.down_proj.weight");
  EXPECT_NEAR(down.square().mean().sqrt().item<double>(), 0.02 / 2, 0.003);  // two layers: four results are added
  Network network(tiny.graph, *tiny.checkpoint, options, none);
  network.initialise_weights(5);
  const torch::Tensor ids = test::ids_of({test::random_tokens(12, 1), test::random_tokens(12, 2)});
  EXPECT_NEAR(language_loss(network, ids, Mode::kDigital).item<double>(),
              std::log(static_cast<double>(network.vocab_size())), 0.05);
}

}  // namespace
}  // namespace xw::finetune
