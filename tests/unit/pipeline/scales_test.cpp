// Digital scales: accurate, and never beyond the hardware's words.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/scales.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::compiler {
namespace {

struct Example {
  program::MatrixInfo matrix;
  std::vector<program::BlockRecord> blocks;
  std::vector<program::ColumnRecord> columns;
};

/// `pieces` row pieces with their own input ranges, all outputs in one block each.
Example example(std::uint32_t pieces, std::uint16_t outputs, float lambda) {
  Example e;
  e.matrix.name = "m";
  e.matrix.in_features = pieces * 10;
  e.matrix.out_features = outputs;
  e.matrix.lambda = lambda;
  for (std::uint32_t p = 0; p < pieces; ++p) {
    e.matrix.input_ranges.push_back({p * 10, p * 10 + 10, 1.0F});
    program::BlockRecord block;
    block.in_begin = p * 10;
    block.rows = 10;
    block.cols = outputs;
    block.input_slice = p;
    block.column_offset = p * outputs;
    e.blocks.push_back(block);
  }
  e.columns.resize(std::size_t{pieces} * outputs);
  return e;
}

/// Checks the promises with arithmetic of its own; returns the largest sum over adc_max.
std::int64_t check(const Example& e, float unit, int adc_max) {
  std::vector<std::int64_t> sums(e.matrix.out_features, 0);
  for (const program::BlockRecord& block : e.blocks) {
    for (std::uint32_t c = 0; c < block.cols; ++c) {
      const program::ColumnRecord& column = e.columns[block.column_offset + c];
      const double exact =
          double{e.matrix.input_ranges[block.input_slice].beta} * column.w_max * e.matrix.lambda / adc_max;
      EXPECT_NEAR(column.out_scale * double{unit}, exact, 0.5 * double{unit} + 1e-6 * exact) << "one half step";
      sums[block.out_begin + c] += std::int64_t{adc_max} * column.out_scale;
    }
  }
  const std::int64_t largest = *std::max_element(sums.begin(), sums.end());
  EXPECT_LE(largest, 2147483647);
  return largest;
}

TEST(ChooseScales, UsesAllSixteenBits) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(0.001F, 1.0F);
    Example e = example(1 + seed % 5, 20, 12.0F);
    for (auto& range : e.matrix.input_ranges) range.beta = 30 * uniform(random);
    for (auto& column : e.columns) column.w_max = uniform(random);
    const float unit = choose_scales(e.matrix, e.blocks, 127, e.columns);
    check(e, unit, 127);
    std::uint16_t largest = 0;
    for (const auto& column : e.columns) largest = std::max(largest, column.out_scale);
    EXPECT_EQ(largest, 65535);
  }
}

TEST(ChooseScales, SumsOfManyBlocksStayIn32Bits) {
  // 12-bit converters: 2047 * 65535 * 16 is just below 2^31, 17 blocks are above.
  for (const std::uint32_t pieces : {15U, 16U, 17U, 40U, 300U}) {
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE("pieces " + std::to_string(pieces) + " seed " + std::to_string(seed));
      std::mt19937 random(seed);
      std::uniform_real_distribution<float> uniform(0.9F, 1.0F);
      Example e = example(pieces, 8, 10.0F);
      for (auto& column : e.columns) column.w_max = seed == 1 ? 1.0F : uniform(random);
      const float unit = choose_scales(e.matrix, e.blocks, 2047, e.columns);
      const std::int64_t largest = check(e, unit, 2047);
      if (pieces >= 18) {
        EXPECT_GT(static_cast<double>(largest), 0.9985 * 2147483647.0) << "K is the largest possible, up to rounding";
      }
    }
  }
}

TEST(ChooseScales, ZerosAreAllowed) {
  Example e = example(2, 4, 12.0F);
  const float unit = choose_scales(e.matrix, e.blocks, 127, e.columns);
  EXPECT_TRUE(std::isnormal(unit));
  for (const auto& column : e.columns) EXPECT_EQ(column.out_scale, 0);
  e.columns[3].w_max = 2.0F;
  check(e, choose_scales(e.matrix, e.blocks, 127, e.columns), 127);
  EXPECT_EQ(e.columns[3].out_scale, 65535);
  EXPECT_EQ(e.columns[0].out_scale, 0);
}

TEST(ChooseScales, RefusesWhatFp32CannotHold) {
  Example e = example(1, 2, 12.0F);
  e.columns[0].w_max = 1e-38F;
  e.matrix.input_ranges[0].beta = 1e-3F;
  EXPECT_THROW((void)choose_scales(e.matrix, e.blocks, 127, e.columns), Error);
  e.columns[0].w_max = 3e38F;
  e.matrix.input_ranges[0].beta = 1e38F;
  EXPECT_THROW((void)choose_scales(e.matrix, e.blocks, 127, e.columns), Error);
}

}  // namespace
}  // namespace xw::compiler
