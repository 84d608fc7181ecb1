// 16-bit floating-point conversions against their definitions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace {

/// Value of a finite binary16 by its definition, in double (exact).
double half_value(std::uint16_t h) {
  const int exponent = (h >> 10) & 0x1F;
  const int mantissa = h & 0x3FF;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

constexpr std::uint16_t kLargestFinite = 0x7BFF;
constexpr std::uint16_t kInfinity = 0x7C00;

TEST(Half, EveryValueReadsAsDefined) {
  for (std::uint32_t code = 0; code <= 0xFFFF; ++code) {
    const auto h = static_cast<std::uint16_t>(code);
    const float f = xw::half_to_float(h);
    if (((h >> 10) & 0x1F) != 31) {
      ASSERT_EQ(static_cast<double>(f), half_value(h)) << "code " << code;
      ASSERT_EQ(std::signbit(f), (h & 0x8000) != 0) << "code " << code;
    } else if ((h & 0x3FF) == 0) {
      ASSERT_TRUE(std::isinf(f)) << "code " << code;
      ASSERT_EQ(std::signbit(f), (h & 0x8000) != 0) << "code " << code;
    } else {
      ASSERT_TRUE(std::isnan(f)) << "code " << code;
    }
  }
}

TEST(Half, EveryValueSurvivesTheRoundTrip) {
  for (std::uint32_t code = 0; code <= 0xFFFF; ++code) {
    const auto h = static_cast<std::uint16_t>(code);
    const float f = xw::half_to_float(h);
    if (std::isnan(f)) {
      ASSERT_TRUE(std::isnan(xw::half_to_float(xw::float_to_half(f)))) << "code " << code;
    } else {
      ASSERT_EQ(xw::float_to_half(f), h) << "code " << code;
    }
  }
}

TEST(Half, RoundsToNearestEvenBetweenEveryPairOfNeighbours) {
  for (std::uint16_t low = 0; low < kLargestFinite; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const double middle = (half_value(low) + half_value(high)) / 2;  // exact in float: one more bit
    const auto tie = static_cast<float>(middle);
    ASSERT_EQ(static_cast<double>(tie), middle);
    const std::uint16_t even = (low & 1) == 0 ? low : high;
    ASSERT_EQ(xw::float_to_half(tie), even) << "between " << low << " and " << high;
    ASSERT_EQ(xw::float_to_half(std::nextafter(tie, 0.0F)), low);
    ASSERT_EQ(xw::float_to_half(std::nextafter(tie, 1e9F)), high);
    ASSERT_EQ(xw::float_to_half(-tie), even | 0x8000);
  }
}

TEST(Half, OverflowsToInfinityFromTheMiddleAboveTheLargest) {
  EXPECT_EQ(xw::float_to_half(65519.996F), kLargestFinite);
  EXPECT_EQ(xw::float_to_half(65520.0F), kInfinity);  // the tie goes to the even code: infinity
  EXPECT_EQ(xw::float_to_half(65536.0F), kInfinity);
  EXPECT_EQ(xw::float_to_half(std::numeric_limits<float>::max()), kInfinity);
  EXPECT_EQ(xw::float_to_half(-std::numeric_limits<float>::infinity()), kInfinity | 0x8000);
  EXPECT_EQ(xw::float_to_half(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(Half, RandomFloatsGoToTheNearerNeighbour) {
  constexpr unsigned kSeed = 20240611;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  std::uniform_int_distribution<std::uint32_t> any;
  for (int i = 0; i < 200'000; ++i) {
    const float f = std::bit_cast<float>(any(random));
    if (!(std::abs(f) < 65504.0F)) continue;
    const std::uint16_t h = xw::float_to_half(f);
    const double error = std::abs(half_value(h) - static_cast<double>(f));
    const auto up = static_cast<std::uint16_t>(h + 1);
    ASSERT_LE(error, std::abs(half_value(up) - static_cast<double>(f))) << f;
    if ((h & 0x7FFF) != 0) {
      ASSERT_LE(error, std::abs(half_value(static_cast<std::uint16_t>(h - 1)) - static_cast<double>(f))) << f;
    }
  }
}

TEST(Bfloat16, EveryValueIsTheUpperHalfOfAFloat) {
  for (std::uint32_t code = 0; code <= 0xFFFF; ++code) {
    const float f = xw::bfloat16_to_float(static_cast<std::uint16_t>(code));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(f), code << 16);
  }
  EXPECT_EQ(xw::bfloat16_to_float(0x3FC0), 1.5F);
  EXPECT_EQ(xw::bfloat16_to_float(0xC2F7), -123.5F);
}

}  // namespace
