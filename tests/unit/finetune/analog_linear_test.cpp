// The analog linear layer against vectors that the original code made, and against the scalar reference.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/analog_linear.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "arch/support/file.hpp"
#include "models/reference/afm_training.hpp"
#include "tests/unit/finetune/tensors.hpp"
#include "tests/unit/reference/golden.hpp"

namespace xw::finetune {
namespace {

using nlohmann::json;
using test::random_tensor;
using test::tensor_of;
using test::vector_of;
using torch::Tensor;
using xw::test::GoldenTensor;
using xw::test::relative_error;

/// A layer of one context with everything trained.
struct Case {
  std::shared_ptr<AnalogLayer> layer = std::make_shared<AnalogLayer>();
  Converters converters;
  WeightNoise noise;
  NoiseSource source{torch::kCPU};
  Tensor x, y;

  Case(const Tensor& weight, const std::vector<float>& ranges, std::vector<std::int64_t> block_cuts) {
    layer->weight_parameter = weight.clone().requires_grad_(true);
    layer->weight = layer->weight_parameter.detach();
    layer->weight_gradient = torch::zeros_like(layer->weight);
    layer->block_cuts = std::move(block_cuts);
    layer->range_cuts =
        ranges.size() == layer->num_blocks() ? layer->block_cuts : std::vector<std::int64_t>{0, weight.size(1)};
    layer->ranges = tensor_of(ranges, {static_cast<std::int64_t>(ranges.size())}).requires_grad_(true);
  }
  void run(const Tensor& inputs, const Tensor& outer) {
    x = inputs.clone().requires_grad_(true);
    y = analog_linear(x, layer, converters, prepare_weights(*layer, converters, noise, source, torch::kFloat32));
    y.backward(outer);
  }
};

std::vector<std::int64_t> cuts_of(std::size_t inputs, int max_inputs) {
  std::vector<std::int64_t> cuts{0};
  for (const std::size_t size : reference::afm::split_sizes(inputs, max_inputs)) {
    cuts.push_back(cuts.back() + static_cast<std::int64_t>(size));
  }
  return cuts;
}

/// Every test runs with the fused loops of CPUs and with torch's operations, which other devices run.
class AnalogLinear : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { use_fused_loops(GetParam()); }
  void TearDown() override { use_fused_loops(true); }
};
INSTANTIATE_TEST_SUITE_P(Ways, AnalogLinear, testing::Bool(),
                         [](const auto& made) { return made.param ? "fused" : "torch"; });

json golden_cases(const std::string& kind) {
  const json golden = xw::test::read_golden();
  json found = json::array();
  for (const json& c : golden.at("lightning")) {
    if (c.value("kind", "") == kind) found.push_back(c);
  }
  EXPECT_FALSE(found.empty());
  return found;
}

TEST_P(AnalogLinear, GradientsEqualLightning) {
  for (const json& c : golden_cases("backward")) {
    SCOPED_TRACE(c.at("case").get<std::string>());
    const GoldenTensor weight(c.at("weight")), range(c.at("input_range")), x(c.at("x")), dy(c.at("dy")), y(c.at("y"));
    const auto rows = static_cast<std::int64_t>(weight.rows), cols = static_cast<std::int64_t>(weight.cols);
    const auto batch = static_cast<std::int64_t>(x.rows);
    Case run(tensor_of(weight.data, {rows, cols}), range.data, {0, cols});
    run.converters.dac_max = c.at("inp_res").get<int>() / 2;
    run.converters.adc_max = c.value("out_res", 0) / 2;
    run.converters.lambda = c.value("out_bound", 1.0);
    run.converters.range_decay = c.at("decay");
    run.converters.range_inside = c.at("input_min_percentage");
    if (c.contains("bias")) {
      run.layer->bias = tensor_of(GoldenTensor(c.at("bias")).data, {rows}).requires_grad_(true);
    }
    run.run(tensor_of(x.data, {batch, cols}), tensor_of(dy.data, {batch, rows}));
    EXPECT_LT(relative_error(vector_of(run.y), y.data), 1e-5);
    EXPECT_LT(relative_error(vector_of(run.x.grad()), GoldenTensor(c.at("dx")).data), 1e-5);
    EXPECT_LT(relative_error(vector_of(run.layer->weight_gradient), GoldenTensor(c.at("dW")).data), 1e-5);
    EXPECT_LT(relative_error(vector_of(run.layer->ranges.grad()), GoldenTensor(c.at("d_input_range")).data), 1e-5);
    if (c.contains("db")) {
      EXPECT_LT(relative_error(vector_of(run.layer->bias.grad()), GoldenTensor(c.at("db")).data), 1e-5);
    }
  }
}

/// Random layers of several tiles with noise, both converters or one, with and without bias and decay.
TEST_P(AnalogLinear, RandomLayersInTrainingEqualLightning) {
  const json layers =
      json::parse(read_text_file(xw::test::source_dir() / "tests/fixtures/golden/lightning_training.json"));
  ASSERT_EQ(layers.at("layers").size(), 20U);
  for (const json& c : layers.at("layers")) {
    SCOPED_TRACE("layer " + c.at("seed").dump());
    const auto numbers = [&](const char* key) { return c.at(key).get<std::vector<float>>(); };
    const std::int64_t rows = c.at("outputs"), cols = c.at("inputs"), batch = c.at("batch");
    std::vector<std::int64_t> cuts{0};
    for (const std::int64_t size : c.at("in_sizes")) cuts.push_back(cuts.back() + size);
    Case run(tensor_of(numbers("weight"), {rows, cols}), numbers("input_range"), cuts);
    run.converters.dac_max = c.at("inp_res").get<int>() / 2;
    run.converters.adc_max = c.at("out_res").get<int>() / 2;
    if (run.converters.adc_max > 0) run.converters.lambda = c.at("out_bound");
    run.converters.range_decay = c.at("decay");
    run.converters.range_inside = c.at("input_min_percentage");
    run.noise.sigma = c.at("std_dev");
    run.source.fix(tensor_of(numbers("xi"), {rows, cols}));
    const bool has_bias = !c.at("bias").is_null();
    if (has_bias) run.layer->bias = tensor_of(numbers("bias"), {rows}).requires_grad_(true);
    run.run(tensor_of(numbers("x"), {batch, cols}), tensor_of(numbers("dy"), {batch, rows}));
    EXPECT_LT(relative_error(vector_of(run.y), numbers("y")), 1e-5);
    EXPECT_LT(relative_error(vector_of(run.x.grad()), numbers("dx")), 1e-5);
    EXPECT_LT(relative_error(vector_of(run.layer->weight_gradient), numbers("dW")), 1e-5);
    EXPECT_LT(relative_error(vector_of(run.layer->ranges.grad()), numbers("d_input_range")), 1e-5);
    if (has_bias) {
      EXPECT_LT(relative_error(vector_of(run.layer->bias.grad()), numbers("db")), 1e-5);
    }
  }
}

/// Rows of the golden forward cases that this layer has: static input ranges, bounds per channel or none.
TEST_P(AnalogLinear, OutputsEqualLightning) {
  int tried = 0;
  for (const json& c : golden_cases("forward")) {
    const json& config = c.at("config");
    const bool has_adc = config.value("out_res", 0) > 0;
    if (config.value("dynamic", false) || config.contains("q") || config.value("inp_res", 0) <= 0) continue;
    if (has_adc != (config.value("out_bound", 0.0) > 0)) continue;
    if (has_adc && !config.value("clip", "").ends_with("PER_CHANNEL")) continue;
    SCOPED_TRACE(c.at("case").get<std::string>());
    ++tried;
    const GoldenTensor weight(c.at("weight")), bias(c.at("bias")), range(c.at("input_range")), x(c.at("x")),
        y(c.at("y"));
    const auto rows = static_cast<std::int64_t>(weight.rows), cols = static_cast<std::int64_t>(weight.cols);
    Case run(tensor_of(weight.data, {rows, cols}), range.data,
             cuts_of(weight.cols, config.value("max_input_size", -1)));
    run.converters.dac_max = config.at("inp_res").get<int>() / 2;
    run.converters.adc_max = config.value("out_res", 0) / 2;
    run.converters.lambda = config.value("out_bound", 1.0);
    if (!bias.data.empty()) run.layer->bias = tensor_of(bias.data, {rows});
    run.run(tensor_of(x.data, {static_cast<std::int64_t>(x.rows), cols}),
            torch::zeros({static_cast<std::int64_t>(x.rows), rows}));
    EXPECT_LT(relative_error(vector_of(run.y), y.data), 1e-5);
  }
  EXPECT_GE(tried, 3);
}

/// Everything at once: several blocks and ranges, noise, clamping converters.
TEST_P(AnalogLinear, EqualsTheScalarReference) {
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 generator(seed);
    const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); };
    const std::int64_t batch = pick(1, 9), out = pick(1, 12), in = pick(5, 40);
    reference::afm::LayerConfig config;
    config.input_steps = 254;
    config.output_steps = seed % 3 == 0 ? 0 : 254;
    config.output_bound = seed % 3 == 0 ? 0.0F : 1.5F;
    config.per_channel_bound = true;
    config.max_input_size = pick(4, 20);
    const Tensor weight = random_tensor({out, in}, seed + 100, 0.1F), x = random_tensor({batch, in}, seed + 200);
    const Tensor dy = random_tensor({batch, out}, seed + 300), xi = random_tensor({out, in}, seed + 400);
    const std::vector<std::int64_t> cuts = cuts_of(static_cast<std::size_t>(in), config.max_input_size);
    std::vector<float> ranges;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) ranges.push_back(0.8F + 0.4F * static_cast<float>(i));
    Case run(weight, ranges, cuts);
    run.converters.adc_max = config.output_steps / 2;
    run.converters.lambda = config.output_bound > 0 ? static_cast<double>(config.output_bound) : 1.0;
    run.noise.sigma = 0.05;
    run.source.fix(xi);
    run.run(x, dy);

    const auto view = [](const std::vector<float>& data, std::int64_t rows) {
      return reference::afm::MatrixView{data, static_cast<std::size_t>(rows),
                                        data.size() / static_cast<std::size_t>(rows)};
    };
    const std::vector<float> w = vector_of(weight), xs = vector_of(x), outer = vector_of(dy), deviates = vector_of(xi);
    const reference::afm::WeightNoise noise{0.05F, true, deviates};
    const reference::afm::Gradients expected =
        reference::afm::backward(config, view(w, out), ranges, view(xs, batch), view(outer, batch), {}, noise);
    EXPECT_LT(relative_error(vector_of(run.y),
                             reference::afm::forward(config, view(w, out), {}, ranges, view(xs, batch), noise)),
              1e-5);
    EXPECT_LT(relative_error(vector_of(run.x.grad()), expected.x), 1e-4);
    EXPECT_LT(relative_error(vector_of(run.layer->weight_gradient), expected.weight), 1e-4);
    EXPECT_LT(relative_error(vector_of(run.layer->ranges.grad()), expected.input_range), 1e-4);
  }
}

TEST_P(AnalogLinear, RangesAsLogarithmsHaveTheChainRule) {
  const Tensor weight = random_tensor({5, 12}, 1, 0.1F), x = random_tensor({7, 12}, 2), dy = random_tensor({7, 5}, 3);
  Case plain(weight, {0.9F}, {0, 12});
  plain.run(x, dy);
  Case logarithm(weight, {std::log(0.9F)}, {0, 12});
  logarithm.converters.log_ranges = true;
  logarithm.run(x, dy);
  EXPECT_LT(relative_error(vector_of(logarithm.y), vector_of(plain.y)), 1e-5);
  EXPECT_NEAR(logarithm.layer->ranges.grad().item<float>(), plain.layer->ranges.grad().item<float>() * 0.9F, 1e-5);
  EXPECT_NE(plain.layer->ranges.grad().item<float>(), 0.0F);
}

/// First positions of every context are a clean matrix product, in both directions; nothing of them counts for the range.
TEST_P(AnalogLinear, DigitalPositionsAreCleanProducts) {
  const std::int64_t batch = 2, positions = 4, digital = 1, in = 10, out = 6;
  const Tensor weight = random_tensor({out, in}, 1, 0.1F);
  Tensor x = random_tensor({batch, positions, in}, 2);
  x.slice(1, 0, digital).mul_(1000);
  const Tensor dy = random_tensor({batch, positions, out}, 3);
  const Tensor xi = random_tensor({out, in}, 4);
  Case both(weight, {1.0F}, {0, 5, 10});
  both.layer->digital_positions = digital;
  both.noise.sigma = 0.05;
  both.source.fix(xi);
  both.run(x, dy);
  Case analog(weight, {1.0F}, {0, 5, 10});
  analog.noise.sigma = 0.05;
  analog.source.fix(xi);
  analog.run(x.slice(1, digital), dy.slice(1, digital));
  const Tensor first = x.slice(1, 0, digital), outer = dy.slice(1, 0, digital);
  EXPECT_TRUE(at::allclose(both.y.slice(1, 0, digital), at::matmul(first, weight.t()), 1e-5, 1e-4));
  EXPECT_TRUE(at::allclose(both.y.slice(1, digital), analog.y, 1e-6, 1e-6));
  EXPECT_TRUE(at::allclose(both.x.grad().slice(1, 0, digital), at::matmul(outer, weight), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(both.x.grad().slice(1, digital), analog.x.grad(), 1e-5, 1e-6));
  const Tensor clean = at::mm(outer.reshape({-1, out}).t(), first.reshape({-1, in}));
  EXPECT_TRUE(at::allclose(both.layer->weight_gradient, analog.layer->weight_gradient + clean, 1e-4, 1e-2));
  EXPECT_TRUE(at::allclose(both.layer->ranges.grad(), analog.layer->ranges.grad(), 1e-5, 1e-6));
}

/// Without an ADC and with a fine DAC the layer is smooth in its inputs: its gradients are those of finite differences.
TEST_P(AnalogLinear, GradientsAreFiniteDifferencesWithoutConverters) {
  const Tensor weight = random_tensor({4, 6}, 1, 0.3F), x = random_tensor({3, 6}, 2), dy = random_tensor({3, 4}, 3);
  const Tensor xi = random_tensor({4, 6}, 4);
  const auto make = [&] {
    Case run(weight, {1.0F}, {0, 6});
    run.converters.dac_max = 0;
    run.converters.adc_max = 0;
    run.noise.sigma = 0.1;
    run.source.fix(xi);
    return run;
  };
  Case run = make();
  run.run(x, dy);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto loss = [&](float change) {
      Tensor moved = x.clone();
      moved.view(-1)[i] += change;
      Case other = make();
      other.run(moved, dy);
      return (other.y * dy).sum().item<double>();
    };
    EXPECT_NEAR(run.x.grad().view(-1)[i].item<double>(), (loss(0.1F) - loss(-0.1F)) / 0.2, 1e-4);
  }
}

/// bf16 has the same results but for its rounding.
TEST_P(AnalogLinear, InBf16IsNearFp32) {
  const Tensor weight = random_tensor({40, 96}, 1, 0.1F), x = random_tensor({50, 96}, 2).to(torch::kBFloat16);
  const Tensor dy = random_tensor({50, 40}, 3).to(torch::kBFloat16), xi = random_tensor({40, 96}, 4);
  std::vector<Tensor> results[2];
  for (const torch::ScalarType type : {torch::kFloat32, torch::kBFloat16}) {
    Case run(weight, {1.1F, 1.6F}, {0, 48, 96});
    run.converters.lambda = 4;
    run.noise.sigma = 0.05;
    run.source.fix(xi);
    Tensor inputs = x.to(type).requires_grad_(true);
    const Tensor y = analog_linear(inputs, run.layer, run.converters,
                                   prepare_weights(*run.layer, run.converters, run.noise, run.source, type));
    EXPECT_EQ(y.scalar_type(), type);
    y.backward(dy.to(type));
    results[type == torch::kBFloat16 ? 1 : 0] = {y, inputs.grad(), run.layer->weight_gradient,
                                                 run.layer->ranges.grad()};
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensor expected = results[0][i], found = results[1][i].to(torch::kFloat32);
    EXPECT_LT((found - expected).norm().item<double>(), 0.06 * expected.norm().item<double>()) << i;
  }
}

TEST_P(AnalogLinear, CopiesDivideTheNoise) {
  const Tensor weight = torch::ones({64, 64});
  Case run(weight, {1.0F}, {0, 64});
  run.converters.adc_max = 0;
  run.noise.sigma = 0.08;
  run.layer->noise_factor = 0.5;
  const PreparedWeights weights = prepare_weights(*run.layer, run.converters, run.noise, run.source, torch::kFloat32);
  EXPECT_NEAR((weights.values - weight).std().item<double>(), 0.04, 0.002);
}

TEST_P(AnalogLinear, WeightsOfFewBitsAreMultiplesOfTheLargest) {
  const Tensor weight = random_tensor({3, 20}, 7, 0.2F);
  Case run(weight, {1.0F}, {0, 20});
  run.converters.adc_max = 0;
  run.converters.weight_max = 7;
  const PreparedWeights weights = prepare_weights(*run.layer, run.converters, {}, run.source, torch::kFloat32);
  for (std::int64_t row = 0; row < 3; ++row) {
    const double step = weight[row].abs().max().item<double>() / 7;
    for (std::int64_t i = 0; i < 20; ++i) {
      EXPECT_NEAR(weights.values[row][i].item<double>(), std::nearbyint(weight[row][i].item<double>() / step) * step,
                  1e-6);
    }
  }
}

/// Rounded weights, static input ranges, no ADC: outputs are those of the scalar reference, gradients those of finite differences
/// of the same layer with its rounding errors held constant (straight-through).
TEST_P(AnalogLinear, RoundedWeightsTrainStraightThrough) {
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::int64_t batch = 3, out = 4, in = 10;
    const Tensor weight = random_tensor({out, in}, seed, 0.2F), x = random_tensor({batch, in}, seed + 50);
    const Tensor dy = random_tensor({batch, out}, seed + 100);
    const std::vector<float> ranges = {0.9F, 1.4F};
    Case run(weight, ranges, {0, 5, 10});
    run.converters.adc_max = 0;
    run.converters.weight_max = 7;
    run.run(x, dy);

    reference::afm::LayerConfig config;
    config.input_steps = 254;
    config.weight_quantization = reference::afm::WeightQuantization::kPerChannel;
    config.weight_steps = 14;
    config.max_input_size = 5;
    const std::vector<float> w = vector_of(weight), xs = vector_of(x), g = vector_of(dy);
    const auto width = static_cast<std::size_t>(in);
    EXPECT_LT(
        relative_error(vector_of(run.y), reference::afm::forward(config, {w, static_cast<std::size_t>(out), width}, {},
                                                                 ranges, {xs, static_cast<std::size_t>(batch), width})),
        1e-5);

    // The surrogate: rounding adds constants.
    std::vector<double> weight_errors, input_errors;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const std::size_t row = i / width, block = i % width / 5;
      double largest = 0;
      for (std::size_t k = 0; k < 5; ++k)
        largest = std::max(largest, std::abs(static_cast<double>(w[row * width + block * 5 + k])));
      const double value = w[i];
      weight_errors.push_back(std::nearbyint(value / largest * 7) * largest / 7 - value);
    }
    const auto clamped = [&](double value, std::size_t i) {
      const double range = ranges[i % width / 5];
      return std::clamp(value, -range, range);
    };
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double step = static_cast<double>(ranges[i % width / 5]) / 127, value = clamped(xs[i], i);
      input_errors.push_back(std::nearbyint(value / step) * step - value);
    }
    const auto loss = [&](std::size_t moved_weight, std::size_t moved_input, double change) {
      double sum = 0;
      for (std::size_t b = 0; b < g.size(); ++b) {
        const std::size_t vector = b / static_cast<std::size_t>(out), row = b % static_cast<std::size_t>(out);
        double y = 0;
        for (std::size_t k = 0; k < width; ++k) {
          const std::size_t i = vector * width + k, j = row * width + k;
          const double value = clamped(xs[i] + (i == moved_input ? change : 0), i) + input_errors[i];
          y += value * (w[j] + weight_errors[j] + (j == moved_weight ? change : 0));
        }
        sum += y * g[b];
      }
      return sum;
    };
    constexpr std::size_t kNone = SIZE_MAX;
    constexpr double kStep = 1e-6;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double expected = (loss(i, kNone, kStep) - loss(i, kNone, -kStep)) / (2 * kStep);
      EXPECT_NEAR(run.layer->weight_gradient.view(-1)[static_cast<std::int64_t>(i)].item<double>(), expected, 1e-4);
    }
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double expected = (loss(kNone, i, kStep) - loss(kNone, i, -kStep)) / (2 * kStep);
      EXPECT_NEAR(run.x.grad().view(-1)[static_cast<std::int64_t>(i)].item<double>(), expected, 1e-4);
    }
  }
}

}  // namespace
}  // namespace xw::finetune
