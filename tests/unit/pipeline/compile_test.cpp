// Compiled programs hold the model that went in.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/compile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <tuple>

#include "arch/support/half.hpp"
#include "arch/support/warning.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/unit/pipeline/compile_example.hpp"

namespace xw::compiler {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Compile, SummaryAndManifest) {
  test::CompileExample example;
  const test::TemporaryFile file("summary.xwp");
  const CompileSummary summary = example.compile(file.path());
  const auto program = program::Program::open(file.path());
  const program::Manifest& manifest = program->manifest();
  EXPECT_EQ(summary.num_calls, 2U);
  EXPECT_EQ(summary.num_instructions, program->code().size());
  EXPECT_EQ(summary.program_bytes, std::filesystem::file_size(file.path()));
  EXPECT_EQ(summary.analog_weights, 704U * (704 + 64 + 64 + 704));
  EXPECT_EQ(summary.digital_weights, 704U * (640 + 50));
  EXPECT_EQ(summary.plan.blocks.size(), program->blocks().size());
  EXPECT_EQ(manifest.model_name, "memory model");
  EXPECT_EQ(manifest.source_path_name, "memory.bin");
  EXPECT_EQ(manifest.calibration, "by hand");
  EXPECT_EQ(manifest.num_tiles, summary.plan.num_tiles);
  ASSERT_EQ(manifest.calls.size(), 2U);
  EXPECT_EQ(manifest.calls[0].name, "layers.0.qkv");
  EXPECT_EQ(manifest.calls[1].name, "layers.0.o");
  ASSERT_EQ(manifest.matrices.size(), 4U);
  EXPECT_EQ(manifest.matrices[0].bias, "qkv.bias[0:704]");
  EXPECT_EQ(manifest.matrices[1].bias, "qkv.bias[704:768]");
  EXPECT_EQ(manifest.matrices[2].bias, "");
  EXPECT_EQ(manifest.matrices[0].lambda, example.chip.lambda);
  EXPECT_EQ(manifest.matrices[3].lambda, 9.0F);
  EXPECT_EQ(manifest.matrices[3].input_ranges.size(), 2U);
  EXPECT_TRUE(example.checkpoint.released.contains("o.weight"));
}

TEST(Compile, BlocksHoldTheWeights) {
  for (const program::WeightMode mode :
       {program::WeightMode::kAnalog, program::WeightMode::kW8, program::WeightMode::kW4}) {
    SCOPED_TRACE(program::name(mode));
    test::CompileExample example;
    example.options.weight_mode = mode;
    const test::TemporaryFile file("blocks.xwp");
    (void)example.compile(file.path());
    const auto program = program::Program::open(file.path());
    const float* weights[] = {example.qkv.data(), example.qkv.data() + std::size_t{704} * 704,
                              example.qkv.data() + std::size_t{768} * 704, example.o.data()};
    std::uint64_t cells = 0;
    for (std::uint32_t b = 0; b < program->blocks().size(); ++b) {
      const program::BlockRecord& block = program->blocks()[b];
      program->check_targets(b);
      const program::MatrixInfo& matrix = program->manifest().matrices[block.matrix];
      ASSERT_LE(matrix.input_ranges[block.input_slice].begin, block.in_begin);
      ASSERT_GE(matrix.input_ranges[block.input_slice].end, block.in_begin + block.rows);
      const auto t16 = program->targets16(block);
      const auto t8 = program->targets8(block);
      for (std::uint32_t c = 0; c < block.cols; ++c) {
        const program::ColumnRecord& column = program->columns()[block.column_offset + c];
        const double factor =
            double{matrix.input_ranges[block.input_slice].beta} * column.w_max * matrix.lambda / example.chip.adc_max();
        const double unit = program::output_units(*program, matrix)[block.out_begin + c];
        ASSERT_NEAR(column.out_scale * unit, factor, 0.001 * factor);
        for (std::uint32_t r = 0; r < block.rows; ++r, ++cells) {
          const std::size_t index = std::size_t{r} * block.cols + c;
          const double target = mode == program::WeightMode::kAnalog ? t16[index] : t8[index];
          const double weight = weights[block.matrix][std::size_t{block.out_begin + c} * 704 + block.in_begin + r];
          ASSERT_NEAR(target / program::target_max(mode) * column.w_max, weight,
                      0.505 * column.w_max / program::target_max(mode));
        }
      }
    }
    EXPECT_EQ(cells, 704U * (704 + 64 + 64 + 704));
  }
}

TEST(Compile, CopiesShareTargetsAndScales) {
  test::CompileExample example;
  const test::TemporaryFile once("once.xwp");
  const CompileSummary single = example.compile(once.path());
  for (ir::Node& node : example.graph.nodes) {
    if (node.kind == ir::OpKind::kLinear && ir::attr_string(node, "name") == "layers.0.o_proj")
      node.attributes[ir::kReplicas] = std::int64_t{3};
  }
  const test::TemporaryFile file("copies.xwp");
  const CompileSummary summary = example.compile(file.path());
  const auto first = program::Program::open(once.path());
  const auto program = program::Program::open(file.path());
  EXPECT_EQ(summary.analog_weights, single.analog_weights) << "weights of the model, not cells";
  EXPECT_EQ(summary.plan.cells_used, single.plan.cells_used + 2U * 704 * 704);
  EXPECT_LT(summary.program_bytes, single.program_bytes + 704 * 704);
  const program::MatrixInfo& matrix = program->manifest().matrices[3];
  EXPECT_EQ(matrix.replicas, 3U);
  EXPECT_EQ(program->manifest().matrices[0].replicas, 1U);
  const std::vector<float> units = program::output_units(*program, matrix);
  const std::vector<float> before = program::output_units(*first, first->manifest().matrices[3]);
  for (std::size_t i = 0; i < units.size(); ++i) ASSERT_NEAR(3 * double{units[i]}, double{before[i]}, 1e-6 * before[i]);
  std::map<std::tuple<std::uint32_t, std::uint32_t>, std::vector<const program::BlockRecord*>> places;
  for (const program::BlockRecord& block : program->blocks()) {
    if (block.matrix == 3) places[{block.in_begin, block.out_begin}].push_back(&block);
  }
  for (const auto& [place, blocks] : places) {
    ASSERT_EQ(blocks.size(), 3U);
    for (std::uint32_t r = 0; r < 3; ++r) {
      EXPECT_EQ(blocks[r]->replica, r);
      EXPECT_EQ(blocks[r]->target_offset, blocks[0]->target_offset);
    }
  }
}

/// Ranges that differ by 1:500 in one matrix: every column of both keeps its gain (a single unit would leave errors of 1 %).
TEST(Compile, RowBlocksWithSmallRangesKeepTheirGain) {
  test::CompileExample example;
  example.calibration.layers["layers.0.o_proj"] = {{{0, 300, 5.0F}, {300, 704, 2500.0F}}, 9.0F};
  const test::TemporaryFile file("ranges.xwp");
  (void)example.compile(file.path());
  const auto program = program::Program::open(file.path());
  const program::MatrixInfo& matrix = program->manifest().matrices[3];
  const std::vector<float> units = program::output_units(*program, matrix);
  std::size_t small = 0;
  for (const program::BlockRecord& block : program->blocks()) {
    if (block.matrix != 3) continue;
    for (std::uint32_t c = 0; c < block.cols; ++c) {
      const program::ColumnRecord& column = program->columns()[block.column_offset + c];
      if (column.w_max == 0) continue;
      const double exact = double{matrix.input_ranges[block.input_slice].beta} * column.w_max * matrix.lambda / 127;
      ASSERT_NEAR(column.out_scale * double{units[block.out_begin + c]} / exact, 1, 0.001);
      small += column.out_scale < 512 ? 1 : 0;
    }
  }
  EXPECT_GT(small, 0U);
}

TEST(Compile, RangesThatStarveEachOtherAreAWarning) {
  test::CompileExample example;
  const test::TemporaryFile file("warning.xwp");
  std::string heard;
  const WarningHandler before = set_warning_handler([&](const std::string& message) { heard += message; });
  example.calibration.layers["layers.0.o_proj"] = {{{0, 300, 2.0F}, {300, 704, 2000.0F}}, 9.0F};
  (void)example.compile(file.path());
  EXPECT_EQ(heard, "");
  example.calibration.layers["layers.0.o_proj"].inputs[1].beta = 2001.0F;
  (void)example.compile(file.path());
  set_warning_handler(before);
  EXPECT_THAT(heard, ::testing::StartsWith("layers.0.o_proj: input ranges from 2.0"));
}

TEST(Compile, ConstantsAreWhatTheGraphNames) {
  test::CompileExample example;
  const test::TemporaryFile file("constants.xwp");
  (void)example.compile(file.path());
  const auto program = program::Program::open(file.path());
  const ir::Graph graph = ir::parse(program->graph_text(), "program");
  std::vector<std::string> names;
  for (const auto& [name, constant] : program->constants()) names.push_back(name);
  EXPECT_THAT(names, ::testing::ElementsAre("down.weight", "embed.weight", "norm.weight", "qkv.bias[0:704]",
                                            "qkv.bias[704:768]", "unit of layers.0.k_proj", "unit of layers.0.o_proj",
                                            "unit of layers.0.q_proj", "unit of layers.0.v_proj"));
  const auto& embed = program->constants().at("embed.weight");
  EXPECT_EQ(embed.type, program::ConstantType::kBF16);
  EXPECT_EQ(embed.shape, (std::vector<std::uint64_t>{50, 704}));
  const auto stored = example.checkpoint.tensors().at("embed.weight").data;
  EXPECT_TRUE(std::equal(embed.data.begin(), embed.data.end(), stored.begin(), stored.end())) << "kept bit for bit";
  EXPECT_EQ(program->constants().at("norm.weight").type, program::ConstantType::kF32);
  EXPECT_EQ(program->constants().at("qkv.bias[704:768]").shape, (std::vector<std::uint64_t>{64}));
  // Q8_0 becomes fp16; only rows 64..704 are used, so the reference is rewritten.
  const auto& down = program->constants().at("down.weight");
  EXPECT_EQ(down.type, program::ConstantType::kF16);
  EXPECT_EQ(down.shape, (std::vector<std::uint64_t>{640, 704}));
  std::uint16_t half = 0;
  std::memcpy(&half, down.data.data() + 2 * 33, 2);
  EXPECT_EQ(half_to_float(half), 0.5F) << "element 33: second block, code 1, scale 0.5";
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kLinear && ir::attr_string(node, "name") == "layers.0.down_proj") {
      EXPECT_EQ(ir::attr_tensor(node, "weight"), (ir::TensorRef{"down.weight", 0, 640}));
    }
  }
}

TEST(Compile, ThreadsChangeNothing) {
  test::CompileExample example;
  const test::TemporaryFile one("one.xwp");
  const test::TemporaryFile four("four.xwp");
  (void)example.compile(one.path(), 1);
  (void)example.compile(four.path(), 4);
  EXPECT_EQ(bytes_of(one.path()), bytes_of(four.path()));
}

TEST(Compile, LambdaOfLayerThenOptionThenChip) {
  test::CompileExample example;
  example.options.lambda = 7.0F;
  const test::TemporaryFile file("lambda.xwp");
  (void)example.compile(file.path());
  const auto program = program::Program::open(file.path());
  EXPECT_EQ(program->manifest().matrices[0].lambda, 7.0F);
  EXPECT_EQ(program->manifest().matrices[3].lambda, 9.0F);
}

TEST(Compile, LmHeadOnTheChipWhenAskedFor) {
  test::CompileExample example;
  example.options.lm_head_analog = true;
  example.calibration.layers["lm_head"].inputs = {{0, 704, 5.0F}};
  const test::TemporaryFile file("lm_head.xwp");
  EXPECT_EQ(example.compile(file.path()).num_calls, 3U);
  const auto program = program::Program::open(file.path());
  EXPECT_TRUE(program->manifest().lm_head_analog);
  EXPECT_EQ(program->manifest().matrices.back().layer, 1U) << "behind the last layer";
  EXPECT_TRUE(program->constants().contains("embed.weight")) << "the embedding still needs it";
}

TEST(Compile, RealModel) {
  const auto path = test::shared_path("data/weights/stories260K/stories260K.bin");
  if (!path) GTEST_SKIP() << "needs shared/data/weights/stories260K";
  const auto checkpoint = checkpoint::open_checkpoint(*path);
  const ir::Graph graph = checkpoint::import_graph(*checkpoint);
  test::CompileExample defaults;
  Calibration calibration;
  CompileOptions options;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kLinear)
      calibration.layers[ir::attr_string(node, "name")].inputs = {{0, graph.values[node.inputs[0]].features, 3.0F}};
  }
  const test::TemporaryFile file("stories.xwp");
  ThreadPool pool(2);
  const CompileSummary summary =
      compile(*checkpoint, graph, defaults.chip, defaults.emulator, calibration, options, {}, file.path(), pool);
  EXPECT_EQ(summary.plan.num_tiles, 1U) << "226560 weights in one tile of 262144 cells";
  EXPECT_EQ(summary.analog_weights, 226560U);
  EXPECT_EQ(summary.num_calls, 20U) << "five layers of qkv, o, gate up, down";
  EXPECT_NO_THROW((void)program::Program::open(file.path()));
}

}  // namespace
}  // namespace xw::compiler
