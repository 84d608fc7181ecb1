// Models trained with aihwkit-lightning keep the ranges and bounds that they were trained with.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/trained_ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "arch/support/error.hpp"
#include "compiler/program/program.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/pipeline/compile_example.hpp"

namespace xw::compiler {
namespace {

using test::CompileExample;
using xw::test::expect_error;

constexpr std::uint32_t kHidden = CompileExample::kHidden;
constexpr std::uint32_t kQkvRows = kHidden + 2 * CompileExample::kKv;

/// The compile example as lightning would have trained it: q, k, v fused, one range each; o in two tiles of 352.
struct TrainedExample : CompileExample {
  std::vector<std::string> names;

  TrainedExample() {
    // Names by which stored ranges are found; the graph's linears are called so, too.
    for (ir::Node& node : graph.nodes) {
      if (node.kind != ir::OpKind::kLinear) continue;
      std::string name = ir::attr_string(node, "name");
      if (name.starts_with("layers.0."))
        name = "model.layers.0." + std::string(name.ends_with("down_proj") ? "mlp." : "self_attn.") + name.substr(9);
      node.attributes["name"] = name;
    }
    checkpoint.add("model.layers.0.self_attn.qkv_proj.input_range", {2}, {4.0F, 3.0F});
    checkpoint.add("model.layers.0.self_attn.o_proj.input_range", {2}, {2.0F, 5.0F});
    checkpoint.has_training = true;
    checkpoint::AnalogTraining& training = checkpoint.analog_training;
    training.origin = "rpu_config.json";
    training.input_steps = training.output_steps = 254;
    training.output_bound = 14;
    training.clip_type = "LayerGaussianPerChannel";
    training.weight_rounding = "None";
    training.max_input_size = 512;
    names = analog_linears(graph, options);
  }

  Calibration ranges() {
    ThreadPool pool(2);
    return trained_ranges(checkpoint, graph, names, chip, options.weight_mode, pool);
  }
  /// Compiles with the trained ranges and opens the program.
  std::shared_ptr<const program::Program> compiled(const test::TemporaryFile& file) {
    calibration = ranges();
    (void)compile(file.path());
    return program::Program::open(file.path());
  }
};

/// Calls body(matrix, output, input range, w_max) for every column of the program.
template <class F>
void for_each_column(const program::Program& program, const F& body) {
  for (const program::BlockRecord& block : program.blocks()) {
    const program::MatrixInfo& matrix = program.manifest().matrices[block.matrix];
    for (std::uint32_t c = 0; c < block.cols; ++c)
      body(matrix, block.out_begin + c, block.input_slice, program.columns()[block.column_offset + c].w_max);
  }
}

TEST(TrainedRanges, InputRangesAndTheAdcRangeAreThoseOfTheTraining) {
  TrainedExample example;
  const Calibration calibration = example.ranges();
  ASSERT_EQ(calibration.layers.size(), 4U);
  const LayerRanges& k = calibration.layers.at("model.layers.0.self_attn.k_proj");
  EXPECT_EQ(k.inputs, (std::vector<program::InputRange>{{0, 352, 4.0F}, {352, 704, 3.0F}}));
  EXPECT_EQ(k.lambda, 14.0F);
  EXPECT_TRUE(k.full_scales.empty()) << "the largest weight of each column";
  EXPECT_NE(calibration.description.find("ADC range 14"), std::string::npos) << calibration.description;
  const test::TemporaryFile file("trained.xwp");
  const auto compiled = example.compiled(file);
  for (const program::MatrixInfo& matrix : compiled->manifest().matrices)
    EXPECT_EQ(matrix.lambda, 14.0F) << matrix.name;
}

TEST(TrainedRanges, WithoutAConfigurationTheChipsAdcRangeCounts) {
  TrainedExample example;
  example.checkpoint.has_training = false;
  EXPECT_TRUE(is_trained(example.checkpoint));
  const test::TemporaryFile file("untold.xwp");
  EXPECT_EQ(example.compiled(file)->manifest().matrices[0].lambda, example.chip.lambda);
}

TEST(TrainedRanges, OtherClipTypesGiveAllColumnsTheLargestWeightOfTheTile) {
  for (const char* type : {"None", "LayerGaussian"}) {
    TrainedExample example;
    example.checkpoint.analog_training.clip_type = type;
    float expected[2] = {0, 0};  // of qkv, as one layer
    for (std::size_t i = 0; i < example.qkv.size(); ++i) {
      float& largest = expected[i % kHidden < 352 ? 0 : 1];
      largest = std::max(largest, std::fabs(example.qkv[i]));
    }
    const test::TemporaryFile file("layer.xwp");
    std::size_t columns = 0;
    for_each_column(*example.compiled(file),
                    [&](const program::MatrixInfo& matrix, std::uint32_t, std::uint32_t slice, float w_max) {
                      if (matrix.name.ends_with("o_proj")) return;
                      ++columns;
                      ASSERT_EQ(w_max, expected[slice]) << matrix.name;
                    });
    EXPECT_EQ(columns, 2U * kQkvRows);
  }
}

TEST(TrainedRanges, LearnedBoundsClampWeightsAndAreFullScale) {
  TrainedExample example;
  example.checkpoint.analog_training.clip_type = "LearnablePerChannel";
  expect_error(ErrorCode::kFormat, "expected qkv.weight to have a learnable_weight_clip",
               [&] { (void)example.ranges(); });
  std::vector<float> qkv_bounds, o_bounds;
  for (std::uint32_t i = 0; i < 2 * kQkvRows; ++i) qkv_bounds.push_back(0.3F + 0.001F * static_cast<float>(i));
  for (std::uint32_t i = 0; i < 2 * kHidden; ++i) o_bounds.push_back(0.2F + 0.002F * static_cast<float>(i));
  example.checkpoint.bound("qkv.weight", 2, qkv_bounds);
  example.checkpoint.bound("o.weight", 2, o_bounds);
  const test::TemporaryFile file("learned.xwp");
  const auto program = example.compiled(file);
  for_each_column(
      *program, [&](const program::MatrixInfo& matrix, std::uint32_t out, std::uint32_t slice, float w_max) {
        const bool is_o = matrix.name.ends_with("o_proj");
        const std::uint32_t row = matrix.name.ends_with("k_proj")   ? kHidden + out
                                  : matrix.name.ends_with("v_proj") ? kHidden + CompileExample::kKv + out
                                                                    : out;
        ASSERT_EQ(w_max, is_o ? o_bounds[slice * kHidden + row] : qkv_bounds[slice * kQkvRows + row]) << matrix.name;
      });
  // Without a configuration the bounds say enough.
  example.checkpoint.has_training = false;
  EXPECT_EQ(example.ranges().layers.at("model.layers.0.self_attn.o_proj").full_scales.at(1).at(3),
            o_bounds[kHidden + 3]);
  example.checkpoint.has_training = true;
  example.checkpoint.analog_training.clip_type = "LayerGaussian";
  expect_error(ErrorCode::kUnsupported, "rpu_config.json: clip.type: found LayerGaussian, expected LearnablePerChannel",
               [&] { (void)example.ranges(); });
}

TEST(TrainedRanges, DigitalLayersKeepTheirClampedWeights) {
  TrainedExample example;
  example.checkpoint.bound("down.weight", 1, std::vector<float>(kHidden, 0.75F));  // stored: 0, 0.5, 1, ... 15.5
  const test::TemporaryFile file("digital.xwp");
  const auto program = example.compiled(file);
  const program::Constant& down = program->constants().at("down.weight");
  ASSERT_EQ(down.type, program::ConstantType::kF32);
  std::vector<float> values(down.data.size() / sizeof(float));
  std::memcpy(values.data(), down.data.data(), down.data.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(values[i], std::min(0.75F, 0.5F * static_cast<float>(i % 32))) << i;
}

TEST(TrainedRanges, AnotherChipThanTheTrainingAssumedIsRefusedByField) {
  const auto fails = [](const std::string& text, auto&& change) {
    TrainedExample example;
    change(example);
    expect_error(ErrorCode::kUnsupported, text, [&] { (void)example.ranges(); });
  };
  fails(
      "rpu_config.json: forward.inp_res: found 126 steps, expected 254, as the DAC of chip afm-512 has; other input "
      "ranges",
      [](TrainedExample& e) { e.checkpoint.analog_training.input_steps = 126; });
  fails("rpu_config.json: forward.out_res: found 1022 steps, expected 254, as the ADC of chip afm-512 has",
        [](TrainedExample& e) { e.checkpoint.analog_training.output_steps = 1022; });
  fails("rpu_config.json: pre_post.input_range.dynamic: found true",
        [](TrainedExample& e) { e.checkpoint.analog_training.is_dynamic = true; });
  fails("rpu_config.json: found a pickled configuration; scripts/convert_lightning.py makes",
        [](TrainedExample& e) { e.checkpoint.analog_training.is_pickled = true; });
  fails("rpu_config.json: modifier.res: found 14 steps, expected 65534, as weight mode analog has",
        [](TrainedExample& e) {
          e.checkpoint.analog_training.weight_rounding = "DiscretizePerChannel";
          e.checkpoint.analog_training.weight_steps = 14;
        });
  fails("rpu_config.json: modifier.quantization_type: found Discretize", [](TrainedExample& e) {
    e.checkpoint.analog_training.weight_rounding = "Discretize";
    e.checkpoint.analog_training.weight_steps = 14;
    e.options.weight_mode = program::WeightMode::kW4;
  });
  TrainedExample same;
  same.checkpoint.analog_training.weight_rounding = "DiscretizePerChannel";
  same.checkpoint.analog_training.weight_steps = 14;
  same.options.weight_mode = program::WeightMode::kW4;
  EXPECT_NO_THROW((void)same.ranges());
}

TEST(TrainedRanges, TilesMustBeThoseOfTheConfiguration) {
  TrainedExample example;
  example.checkpoint.analog_training.max_input_size = -1;
  expect_error(ErrorCode::kFormat, "o_proj.input_range: expected 1 ranges, for mapping.max_input_size -1", [&] {
    example.names = {"model.layers.0.self_attn.o_proj"};
    (void)example.ranges();
  });
  TrainedExample missing;
  missing.names.push_back("lm_head");
  expect_error(ErrorCode::kFormat, "has input ranges for 4 layers but not for lm_head",
               [&] { (void)missing.ranges(); });
}

TEST(TrainedRanges, AreThereOnlyWithStoredRangesOrAReasonForNone) {
  test::CompileExample example;
  EXPECT_FALSE(is_trained(example.checkpoint));
  example.checkpoint.has_training = true;  // trained without input ranges: calibrated like any model
  EXPECT_FALSE(is_trained(example.checkpoint));
  example.checkpoint.analog_training.is_dynamic = true;
  EXPECT_TRUE(is_trained(example.checkpoint));
}

}  // namespace
}  // namespace xw::compiler
