// What aihwkit-lightning stores beside weights: learned bounds and the configuration of the training.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/checkpoint/checkpoint.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::NamedTensors;
using test::TemporaryDirectory;
using test::TinyModel;
using xw::test::expect_error;

constexpr const char* kUp = "model.layers.0.mlp.up_proj";  // [24][16]

/// Bounds that differ by tile and output.
std::vector<float> some_bounds(std::size_t tiles, std::size_t outputs) {
  std::vector<float> bounds;
  for (std::size_t i = 0; i < tiles * outputs; ++i) bounds.push_back(0.05F + 0.004F * static_cast<float>(i));
  return bounds;
}

std::unique_ptr<Checkpoint> open_with(const TemporaryDirectory& directory, const NamedTensors& tensors,
                                      const std::string& config) {
  directory.write("config.json", config);
  directory.write("model.safetensors", test::safetensors_file(tensors));
  return open_checkpoint(directory.path());
}

TEST(WeightBounds, ClampEveryReadOfTheMatrixByTileAndOutput) {
  const TinyModel model = test::tiny_model("llama");
  NamedTensors tensors = model.canonical;
  tensors[std::string(kUp) + ".learnable_weight_clip"] = {{3, 24}, some_bounds(3, 24)};  // 16 inputs: 6, 5, 5
  const TemporaryDirectory directory;
  const std::unique_ptr<Checkpoint> checkpoint = open_with(directory, tensors, model.config_json);
  EXPECT_NO_THROW(static_cast<void>(import_graph(*checkpoint)));
  const std::vector<float>& stored = model.canonical.at(std::string(kUp) + ".weight").values;
  std::vector<float> expected;
  for (std::size_t out = 0; out < 24; ++out) {
    for (std::size_t in = 0; in < 16; ++in) {
      const std::size_t tile = in < 6 ? 0 : in < 11 ? 1 : 2;
      const float bound = some_bounds(3, 24)[tile * 24 + out];
      expected.push_back(std::clamp(stored[out * 16 + in], -bound, bound));
    }
  }
  ASSERT_NE(expected, stored);
  const Tensor& tensor = checkpoint->tensors().at(std::string(kUp) + ".weight");
  EXPECT_EQ(read_all(tensor), expected);
  std::vector<float> rows(3 * 16);
  read_rows(tensor, 7, 10, rows);
  EXPECT_EQ(rows, std::vector<float>(expected.begin() + 7 * 16, expected.begin() + 10 * 16));
  const std::string other = "model.layers.1.mlp.up_proj.weight";
  EXPECT_EQ(read_all(checkpoint->tensors().at(other)), model.canonical.at(other).values);
}

TEST(WeightBounds, ThatCannotBeAreRefused) {
  const TinyModel model = test::tiny_model("llama");
  const std::string name = std::string(kUp) + ".learnable_weight_clip";
  const auto fails = [&](const std::string& bounds_name, const test::NamedTensor& bounds, ErrorCode code,
                         const std::string& text) {
    NamedTensors tensors = model.canonical;
    tensors[bounds_name] = bounds;
    const TemporaryDirectory directory;
    expect_error(code, text, [&] { static_cast<void>(open_with(directory, tensors, model.config_json)); });
  };
  fails(name, {{1, 23}, some_bounds(1, 23)}, ErrorCode::kShapeMismatch, "expected [tiles][outputs] for the matrix");
  fails(name, {{24}, some_bounds(1, 24)}, ErrorCode::kShapeMismatch, "expected [tiles][outputs] for the matrix");
  fails(name, {{17, 24}, some_bounds(17, 24)}, ErrorCode::kShapeMismatch, "expected [tiles][outputs]");
  fails("lm_head.learnable_weight_clip", {{1, 20}, some_bounds(1, 20)}, ErrorCode::kShapeMismatch,
        "expected a matrix that it bounds, found none");
  for (const float value : {0.0F, -1.0F}) {
    std::vector<float> bounds = some_bounds(1, 24);
    bounds[3] = value;
    fails(name, {{1, 24}, bounds}, ErrorCode::kFormat, "expected positive finite bounds");
  }
  std::vector<float> bounds = some_bounds(1, 24);
  bounds[3] = NAN;
  fails(name, {{1, 24}, bounds}, ErrorCode::kNotFinite, "expected positive finite bounds");
}

/// A configuration as scripts/convert_lightning.py writes it.
std::string config_text(const std::string& forward, const std::string& clip, const std::string& modifier,
                        const std::string& size, const std::string& range) {
  const auto object = [](const std::string& fields) { return R"({"class": "x", "fields": {)" + fields + "}}"; };
  return object("\"forward\": " + object(forward) + ", \"clip\": " + object("\"type\": " + clip + ", \"sigma\": 3.0") +
                ", \"modifier\": " + object(modifier) + ", \"mapping\": " + object("\"max_input_size\": " + size) +
                ", \"pre_post\": " + object("\"input_range\": " + object(range)));
}

std::string choice(const std::string& value) {
  return R"({"class": "some.enums.Type", "arguments": [")" + value + R"("]})";
}

const char* const kForward =
    R"("inp_res": 254, "out_res": 0.00390625, "out_bound": 14.0, "out_noise": 0.01, "out_noise_per_channel": true)";

TEST(AnalogTraining, FieldsOfTheConfiguration) {
  const AnalogTraining training =
      parse_rpu_config(config_text(kForward, choice("LayerGaussianPerChannel"),
                                   "\"std_dev\": 0.02, \"res\": 14, \"offset\": 1, \"type\": " + choice("None") +
                                       ", \"quantization_type\": " + choice("DiscretizePerChannel"),
                                   "512", R"("enable": true, "dynamic": true, "init_with_max": true)"),
                       "rpu_config.json");
  EXPECT_EQ(training.origin, "rpu_config.json");
  EXPECT_EQ(training.input_steps, 254);
  EXPECT_EQ(training.output_steps, 256);  // given as 1 / steps
  EXPECT_EQ(training.output_bound, 14);
  EXPECT_EQ(training.clip_type, "LayerGaussianPerChannel");
  EXPECT_TRUE(training.has_bound_per_output());
  EXPECT_EQ(training.weight_rounding, "DiscretizePerChannel");
  EXPECT_EQ(training.weight_steps, 14);
  EXPECT_EQ(training.max_input_size, 512);
  EXPECT_TRUE(training.is_dynamic);
}

TEST(AnalogTraining, AbsentAndSwitchedOffFieldsAreLightningsDefaults) {
  for (const std::string& text : {std::string(R"({"fields": {}})"),
                                  config_text(R"("inp_res": -1, "out_res": -1, "out_bound": 0.0, "new_field": 0)",
                                              choice("None"), "", "-1", "")}) {
    const AnalogTraining training = parse_rpu_config(text, "r.json");
    EXPECT_EQ(training.input_steps, 0);
    EXPECT_EQ(training.output_steps, 0);
    EXPECT_EQ(training.output_bound, 0);
    EXPECT_EQ(training.clip_type, "None");
    EXPECT_FALSE(training.has_bound_per_output());
    EXPECT_EQ(training.weight_rounding, "None");
    EXPECT_EQ(training.max_input_size, -1);
    EXPECT_FALSE(training.is_dynamic);
  }
}

TEST(AnalogTraining, VersionOneNamesRoundingAndNoiseTogether) {
  const auto rounding = [](const char* type) {
    const std::string modifier = "\"res\": 14, \"type\": " + choice(type);
    return parse_rpu_config(config_text("", choice("None"), modifier, "-1", ""), "r.json").weight_rounding;
  };
  EXPECT_EQ(rounding("AddNormal"), "None");
  EXPECT_EQ(rounding("DiscretizeAddNormal"), "Discretize");
  EXPECT_EQ(rounding("DiscretizeAddNormalPerChannel"), "DiscretizePerChannel");
}

TEST(AnalogTraining, WhatIsNotKnownIsRefusedByName) {
  const auto fails = [](const std::string& text, ErrorCode code, const std::string& message) {
    expect_error(code, message, [&] { static_cast<void>(parse_rpu_config(text, "r.json")); });
  };
  fails(config_text(R"("ir_drop": 1.0)", choice("None"), "", "-1", ""), ErrorCode::kUnsupported,
        "r.json: forward.ir_drop: found 1.0; supported: configurations without this field");
  fails(config_text("", choice("AverageChannelMax"), "", "-1", ""), ErrorCode::kUnsupported,
        "r.json: clip.type: found ");
  fails(config_text("", choice("None"), "\"quantization_type\": " + choice("Fp4"), "-1", ""), ErrorCode::kUnsupported,
        "r.json: modifier.quantization_type: found ");
  fails(config_text(R"("inp_res": "many")", choice("None"), "", "-1", ""), ErrorCode::kFormat,
        "r.json: forward.inp_res: expected a number");
  fails(R"({"forward": {}})", ErrorCode::kFormat, "as scripts/convert_lightning.py writes it");
}

TEST(AnalogTraining, IsFoundBesideTheWeights) {
  const TinyModel model = test::tiny_model("llama");
  const TemporaryDirectory directory;
  EXPECT_EQ(open_with(directory, model.canonical, model.config_json)->training(), nullptr);
  directory.write("rpu_config", "a pickle");
  std::unique_ptr<Checkpoint> checkpoint = open_with(directory, model.canonical, model.config_json);
  ASSERT_NE(checkpoint->training(), nullptr);
  EXPECT_TRUE(checkpoint->training()->is_pickled);
  directory.write("rpu_config.json", config_text(kForward, choice("None"), "", "-1", ""));
  checkpoint = open_with(directory, model.canonical, model.config_json);
  ASSERT_NE(checkpoint->training(), nullptr);
  EXPECT_FALSE(checkpoint->training()->is_pickled);
  EXPECT_EQ(checkpoint->training()->output_bound, 14);
}

}  // namespace
}  // namespace xw::checkpoint
