// The AFM forward and training references against vectors made by the original code (IBM aihwkit-lightning).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "models/reference/afm_float.hpp"
#include "models/reference/afm_training.hpp"
#include "tests/unit/reference/golden.hpp"

namespace xw::reference::afm {
namespace {

using nlohmann::json;
using test::GoldenTensor;
using test::relative_error;

constexpr double kTolerance = 1e-5;  // the original's own bound for fp32

class AfmGolden : public testing::Test {
 protected:
  /// Cases of a section and kind; fails if there are none.
  std::vector<json> cases(const std::string& section, const std::string& kind) const {
    std::vector<json> found;
    for (const json& c : golden_.at(section)) {
      if (kind.empty() || c.value("kind", "") == kind) found.push_back(c);
    }
    EXPECT_FALSE(found.empty()) << section << ' ' << kind;
    return found;
  }

 private:
  json golden_ = test::read_golden();
};

LayerConfig layer_config(const json& config) {
  static const std::set<std::string> kKnown = {"inp_res", "out_res", "out_bound", "ir", "max_input_size",
                                               "clip",    "sigma",   "dynamic",   "q",  "res"};
  for (const auto& [key, value] : config.items()) EXPECT_TRUE(kKnown.contains(key)) << "unknown key " << key;
  LayerConfig layer;
  layer.input_steps = config.value("inp_res", 0);
  layer.output_steps = config.value("out_res", 0);
  layer.output_bound = config.value("out_bound", 0.0F);
  layer.per_channel_bound = config.value("clip", "").ends_with("PER_CHANNEL");
  layer.dynamic_input = config.value("dynamic", false);
  layer.max_input_size = config.value("max_input_size", -1);
  layer.weight_steps = config.value("res", 0);
  const std::string quantization = config.value("q", "");
  if (quantization.ends_with(".DISCRETIZE")) layer.weight_quantization = WeightQuantization::kPerTensor;
  if (quantization.ends_with(".DISCRETIZE_PER_CHANNEL")) layer.weight_quantization = WeightQuantization::kPerChannel;
  return layer;
}

TEST_F(AfmGolden, ForwardEqualsLightning) {
  for (const json& c : cases("lightning", "forward")) {
    SCOPED_TRACE(c.at("case").get<std::string>());
    const LayerConfig config = layer_config(c.at("config"));
    const GoldenTensor weight(c.at("weight")), bias(c.at("bias")), range(c.at("input_range")), x(c.at("x")),
        y(c.at("y"));
    EXPECT_EQ(split_sizes(weight.cols, config.max_input_size), c.at("in_sizes").get<std::vector<std::size_t>>());
    EXPECT_LT(relative_error(forward(config, weight.view(), bias.data, range.data, x.view()), y.data), kTolerance);
  }
}

TEST_F(AfmGolden, BackwardEqualsLightning) {
  for (const json& c : cases("lightning", "backward")) {
    SCOPED_TRACE(c.at("case").get<std::string>());
    LayerConfig config;
    config.input_steps = c.at("inp_res");
    config.output_steps = c.value("out_res", 0);
    config.output_bound = c.value("out_bound", 0.0F);
    config.per_channel_bound = true;
    const GoldenTensor weight(c.at("weight")), range(c.at("input_range")), x(c.at("x")), dy(c.at("dy")), y(c.at("y"));
    const GoldenTensor dx(c.at("dx")), dw(c.at("dW")), d_range(c.at("d_input_range"));
    const GoldenTensor bias(c.contains("bias") ? c.at("bias") : json());
    EXPECT_LT(relative_error(forward(config, weight.view(), bias.data, range.data, x.view()), y.data), kTolerance);
    const InputRangeRule rule{c.at("decay").get<float>(), c.at("input_min_percentage").get<float>()};
    const Gradients gradients = backward(config, weight.view(), range.data, x.view(), dy.view(), rule);
    EXPECT_LT(relative_error(gradients.x, dx.data), kTolerance);
    EXPECT_LT(relative_error(gradients.weight, dw.data), kTolerance);
    EXPECT_LT(relative_error(gradients.input_range, d_range.data), kTolerance);
    if (c.contains("db")) {
      EXPECT_LT(relative_error(gradients.bias, GoldenTensor(c.at("db")).data), kTolerance);
    }
  }
}

TEST_F(AfmGolden, ClippingEqualsLightning) {
  for (const json& c : cases("lightning", "clip")) {
    SCOPED_TRACE(c.at("case").get<std::string>());
    GoldenTensor weight(c.at("weight"));
    clip_weights(weight.data, weight.rows, weight.cols, c.at("sigma"), c.at("case") == "clip_perchannel");
    EXPECT_LT(relative_error(weight.data, GoldenTensor(c.at("clipped")).data), 1e-6);
  }
}

TEST_F(AfmGolden, InputRangeEstimateEqualsLightning) {
  for (const json& c : cases("lightning", "ema")) {
    InputRangeEstimator estimator(c.at("init_value"), c.at("init_from_data"), c.at("init_std_alpha"));
    std::vector<float> ranges;
    for (const json& x : c.at("xs")) {
      estimator.observe(GoldenTensor(x).data);
      ranges.push_back(estimator.range());
    }
    EXPECT_LT(relative_error(ranges, c.at("input_range_after").get<std::vector<float>>()), 1e-6);
  }
}

TEST_F(AfmGolden, ProgrammingNoiseEqualsTheScript) {
  for (const json& c : cases("afm_noise", "")) {
    SCOPED_TRACE(c.at("case").get<std::string>());
    const GoldenTensor weight(c.at("weight")), out(c.at("out"));
    const int tile = c.at("max_inp_size");
    if (c.contains("gamma")) {
      EXPECT_LT(
          relative_error(gaussian_programming_noise(weight.view(), tile, c.at("gamma"), GoldenTensor(c.at("xi")).data),
                         out.data),
          1e-6);
    } else {
      const GoldenTensor xi_od(c.at("xi_od")), xi_td(c.at("xi_td"));
      EXPECT_LT(relative_error(pcm_programming_noise(weight.view(), tile, xi_od.data, xi_td.data), out.data), 1e-6);
    }
  }
}

}  // namespace
}  // namespace xw::reference::afm
