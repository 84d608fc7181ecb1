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
#include "tests/support/expect_error.hpp"

namespace xw::compiler {
namespace {

/// Checks the promises with arithmetic of its own; returns the sum over adc_max and copies.
std::int64_t check(const ScaleSettings& settings, const std::vector<ScaledColumn>& before,
                   const std::vector<ScaledColumn>& after, float unit) {
  std::int64_t sum = 0;
  double largest = 0;
  for (const ScaledColumn& column : before) largest = std::max(largest, double{column.beta} * column.w_max);
  for (std::size_t i = 0; i < after.size(); ++i) {
    SCOPED_TRACE("column " + std::to_string(i));
    const ScaledColumn& column = after[i];
    sum += std::int64_t{settings.adc_max} * column.out_scale * settings.replicas;
    EXPECT_EQ(column.beta, before[i].beta);
    if (before[i].w_max == 0) {
      EXPECT_EQ(column.w_max, 0.0F);
      EXPECT_EQ(column.out_scale, 0);
      continue;
    }
    // A code of one in every copy adds out_scale * copies to Y.
    const double gain = double{unit} * column.out_scale * settings.replicas;
    const double exact = double{column.beta} * column.w_max * settings.lambda / settings.adc_max;
    EXPECT_NEAR(gain / exact, 1, 0.5 / 512 + 1e-6);
    EXPECT_GE(column.w_max, before[i].w_max);
    EXPECT_GE(column.out_scale, 16);
    if (column.w_max != before[i].w_max) {
      EXPECT_LE(column.out_scale, 512);
      EXPECT_NEAR(gain / exact, 1, 1e-6) << "an enlarged full scale has an exact gain";
      const bool is_least = column.out_scale == 16;
      EXPECT_TRUE(is_least || column.w_max <= before[i].w_max * (1 + 1.0F / 15)) << column.w_max / before[i].w_max;
    }
  }
  EXPECT_LE(sum, 2147483647);
  return sum;
}

float choose(const ScaleSettings& settings, std::vector<ScaledColumn>& columns) {
  const std::vector<ScaledColumn> before = columns;
  const float unit = choose_scales(settings, columns);
  check(settings, before, columns, unit);
  return unit;
}

TEST(ChooseScales, UsesAllSixteenBits) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(0.001F, 1.0F);
    std::vector<ScaledColumn> columns(1 + seed % 5);
    for (ScaledColumn& column : columns) column = {30 * uniform(random), uniform(random), 0};
    (void)choose({"m", 12.0F, 127, 1 + seed % 3}, columns);
    std::uint16_t largest = 0;
    for (const ScaledColumn& column : columns) largest = std::max(largest, column.out_scale);
    EXPECT_EQ(largest, 65535);
  }
}

/// The ranges of the second down_proj of SmolLM2-135M with massive activations: one unit for all left 13 steps to the smallest.
TEST(ChooseScales, RowBlocksWithSmallRangesKeepTheirGain) {
  std::vector<ScaledColumn> columns{{7.5F, 0.3F, 0}, {7.6F, 0.1F, 0}, {2824.0F, 0.35F, 0}};
  (void)choose({"m", 12.0F, 127, 1}, columns);
  EXPECT_EQ(columns[2].out_scale, 65535);
  EXPECT_GE(columns[1].out_scale, 50);
  EXPECT_LE(columns[1].w_max, 0.1F * 1.02F) << "less of the range of its cells, by a fiftieth at most";
  for (const float ratio : {1e3F, 1e4F, 1e5F, 2e5F, 1e9F}) {
    SCOPED_TRACE(ratio);
    columns = {{1.0F, 0.5F, 0}, {ratio, 0.5F, 0}};
    (void)choose({"m", 12.0F, 127, 1}, columns);
    EXPECT_GE(columns[0].out_scale, 16) << "no block is lost";
  }
}

TEST(ChooseScales, SumsOfManyBlocksAndCopiesStayIn32Bits) {
  // 12-bit converters: 2047 * 65535 * 16 is just below 2^31, 17 blocks are above.
  for (const std::uint32_t terms : {15U, 16U, 17U, 40U, 300U}) {
    for (const std::uint32_t replicas : {1U, 2U, 16U, 64U}) {
      for (std::uint32_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(std::to_string(terms) + " blocks, " + std::to_string(replicas) + " copies, seed " +
                     std::to_string(seed));
        std::mt19937 random(seed);
        std::uniform_real_distribution<float> uniform(0.9F, 1.0F);
        std::vector<ScaledColumn> columns(terms);
        for (ScaledColumn& column : columns) column = {1, seed == 1 ? 1.0F : uniform(random), 0};
        const std::vector<ScaledColumn> before = columns;
        const ScaleSettings settings{"m", 10, 2047, replicas};
        const float unit = choose_scales(settings, columns);
        const std::int64_t sum = check(settings, before, columns, unit);
        if (terms * replicas >= 18 && terms * replicas <= 80) {
          EXPECT_GT(static_cast<double>(sum), 0.98 * 2147483647.0) << "K is the largest possible, up to rounding";
        }
      }
    }
  }
}

TEST(ChooseScales, ZerosAreAllowed) {
  std::vector<ScaledColumn> columns{{1, 0, 0}, {2, 0, 0}};
  EXPECT_TRUE(std::isnormal(choose({"m", 12, 127, 1}, columns)));
  columns[1].w_max = 2;
  (void)choose({"m", 12, 127, 1}, columns);
  EXPECT_EQ(columns[1].out_scale, 65535);
  EXPECT_EQ(columns[0].out_scale, 0);
}

TEST(ChooseScales, CopiesDivideTheUnit) {
  std::vector<ScaledColumn> once{{3, 0.5F, 0}, {2, 0.25F, 0}};
  std::vector<ScaledColumn> thrice = once;
  const float unit = choose({"m", 12, 127, 1}, once);
  const float of_three = choose({"m", 12, 127, 3}, thrice);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(once[i].out_scale, thrice[i].out_scale);
  EXPECT_NEAR(double{of_three} * 3, double{unit}, 1e-6 * double{unit});
}

TEST(ChooseScales, RefusesWhatCannotBe) {
  std::vector<ScaledColumn> columns{{1e-3F, 1e-38F, 0}};
  EXPECT_THROW((void)choose_scales({"m", 12, 127, 1}, columns), Error);
  columns = {{1e38F, 3e38F, 0}};
  EXPECT_THROW((void)choose_scales({"m", 12, 127, 1}, columns), Error);
  columns.assign(2000, {1, 1, 0});
  test::expect_error(ErrorCode::kUnsupported, "2000 row blocks and 64 copies cannot be kept in 32 bits", [&] {
    (void)choose_scales({"m", 12, 2047, 64}, columns);
  });
}

}  // namespace
}  // namespace xw::compiler
