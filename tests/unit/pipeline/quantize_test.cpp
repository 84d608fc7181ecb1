// Quantisation against a plain loop.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/quantize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::compiler {
namespace {

template <typename Target>
void compare(const std::vector<float>& strip, std::size_t stride, std::uint32_t in_begin, std::uint32_t rows,
             std::uint32_t cols, int target_max) {
  std::vector<Target> targets(std::size_t{rows} * cols, 99);
  std::vector<float> w_max(cols, -1);
  quantize_block({strip.data(), stride, in_begin, rows, cols}, target_max, targets, w_max);
  for (std::uint32_t c = 0; c < cols; ++c) {
    float largest = 0;
    for (std::uint32_t r = 0; r < rows; ++r) largest = std::max(largest, std::fabs(strip[c * stride + in_begin + r]));
    ASSERT_EQ(w_max[c], largest);
    for (std::uint32_t r = 0; r < rows; ++r) {
      const float weight = strip[c * stride + in_begin + r];
      float expected = 0;
      if (largest != 0) expected = std::nearbyintf(weight / largest * static_cast<float>(target_max));
      expected = std::clamp(expected, -static_cast<float>(target_max), static_cast<float>(target_max));
      ASSERT_EQ(static_cast<float>(targets[std::size_t{r} * cols + c]), expected)
          << "row " << r << " col " << c << " weight " << weight << " of " << largest;
    }
  }
}

TEST(Quantize, FullScalesTakeThePlaceOfTheLargestWeight) {
  const std::vector<float> strip{0.5F, -0.25F, 0.0F, 0.1F, 0.0F, -0.2F};  // two columns of three
  const std::vector<float> scales{1.0F, 0.2F};
  std::vector<std::int8_t> targets(6);
  std::vector<float> w_max(2);
  quantize_block({strip.data(), 3, 0, 3, 2, scales}, 127, targets, w_max);
  EXPECT_EQ(w_max, scales);
  EXPECT_EQ(targets, (std::vector<std::int8_t>{64, 64, -32, 0, 0, -127}));  // rne(63.5), rne(-31.75); [row][column]
  const std::vector<float> small{0.4F, 0.2F};
  EXPECT_THROW(quantize_block({strip.data(), 3, 0, 3, 2, small}, 127, targets, w_max), Error);
}

TEST(QuantizeBlock, EqualsThePlainLoop) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto between = [&](std::uint32_t low, std::uint32_t high) {
      return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
    };
    const std::uint32_t cols = between(1, 90);
    const std::uint32_t rows = between(1, 120);
    const std::uint32_t in_begin = between(0, 9);
    const std::size_t stride = in_begin + rows + between(0, 5);
    std::vector<float> strip(stride * cols);
    std::normal_distribution<float> normal(0, seed % 4 == 0 ? 1e-38F : seed % 4 == 1 ? 1e37F : 0.03F);
    for (float& value : strip) value = normal(random);
    for (std::size_t i = 0; i < stride; ++i) strip[i] = 0;  // a column of zeros
    if (cols > 1) {
      for (std::size_t i = stride; i < 2 * stride; ++i)
        strip[i] = static_cast<float>(between(0, 28)) / 28 - 0.5F;  // ties
    }
    compare<std::int16_t>(strip, stride, in_begin, rows, cols, 32767);
    compare<std::int8_t>(strip, stride, in_begin, rows, cols, 127);
    compare<std::int8_t>(strip, stride, in_begin, rows, cols, 7);
  }
}

TEST(QuantizeBlock, HandMade) {
  const std::vector<float> strip{1.0F, -0.5F, 0.25F, 0.0F, 0.0F, 0.0F};  // two outputs of three inputs
  std::vector<std::int8_t> targets(6);
  std::vector<float> w_max(2);
  quantize_block({strip.data(), 3, 0, 3, 2}, 7, targets, w_max);
  EXPECT_EQ(w_max, (std::vector<float>{1.0F, 0.0F}));
  EXPECT_EQ(targets, (std::vector<std::int8_t>{7, 0, -4, 0, 2, 0}))
      << "[row][col]; -3.5 rounds to the even -4, 1.75 to 2";
}

TEST(FirstNotFinite, FindsTheFirst) {
  std::vector<float> values(10'000, 1.0F);
  EXPECT_EQ(first_not_finite(values), SIZE_MAX);
  EXPECT_EQ(first_not_finite({}), SIZE_MAX);
  values[9999] = std::nanf("");
  EXPECT_EQ(first_not_finite(values), 9999U);
  values[4096] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(first_not_finite(values), 4096U);
  values[0] = -std::nanf("");
  EXPECT_EQ(first_not_finite(values), 0U);
  values.assign(100, -std::numeric_limits<float>::max());
  EXPECT_EQ(first_not_finite(values), SIZE_MAX);
}

TEST(MaxMagnitude, OfBothSigns) {
  EXPECT_EQ(max_magnitude(std::vector<float>{1, -3, 2}), 3.0F);
  EXPECT_EQ(max_magnitude({}), 0.0F);
}

}  // namespace
}  // namespace xw::compiler
