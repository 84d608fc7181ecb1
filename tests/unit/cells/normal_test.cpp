// The table of normal deviates against the complementary error function of the C library.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/normal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace xw::cells {
namespace {

double upper_tail(double z) {
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}
double density(double z) {
  return std::exp(-z * z / 2.0) / std::sqrt(2.0 * M_PI);
}

TEST(NormalQuantile, InvertsTheTail) {
  for (double p = 0.5; p > 1e-10; p *= 0.87) {
    const double z = normal_upper_quantile(p, 1.0);
    EXPECT_NEAR(upper_tail(z) / p, 1.0, 1e-11) << p;
  }
  EXPECT_NEAR(normal_upper_quantile(0.5, 1.0), 0.0, 1e-14);
  EXPECT_NEAR(normal_upper_quantile(0.025, 1.0), 1.959963984540054, 1e-13);
  EXPECT_NEAR(normal_upper_quantile(0.00134989803163009, 1.0), 3.0, 1e-12);
}

TEST(NormalTable, IsAccurateForAllBits) {
  const NormalTable& table = NormalTable::instance();
  std::mt19937 rng(1);
  double worst = 0.0;
  for (int i = 0; i < 300'000; ++i) {
    std::uint32_t bits = static_cast<std::uint32_t>(rng()) & 0x7FFFFFFFU;
    bits >>= rng() % 31;  // all octaves of the tail
    const double p = (2.0 * bits + 1.0) / 8589934592.0;
    const auto z = static_cast<double>(table(bits));
    // One Newton step from the table's value measures its error.
    worst = std::max(worst, std::fabs(upper_tail(z) - p) / density(z));
    ASSERT_EQ(table(bits | 0x80000000U), -table(bits));
  }
  std::cout << "largest error " << worst << '\n';
  EXPECT_LT(worst, 2e-6);
}

TEST(NormalTable, EndsOfTheRange) {
  const NormalTable& table = NormalTable::instance();
  EXPECT_NEAR(table(0), 6.3379, 1e-3);          // p = 2^-33
  EXPECT_NEAR(table(0x7FFFFFFFU), 0.0F, 1e-6);  // p just below 1/2
  EXPECT_NEAR(table(0xFFFFFFFFU), 0.0F, 1e-6);
  EXPECT_NEAR(table(0x80000000U), -6.3379, 1e-3);
  EXPECT_GE(table(0x7FFFFFFFU), 0.0F);
}

TEST(NormalTable, FallsMonotonicallyAcrossSegments) {
  const NormalTable& table = NormalTable::instance();
  for (unsigned octave = 2; octave < 31; ++octave) {
    for (std::uint32_t segment = 16; segment < 32; ++segment) {
      const std::uint32_t edge = octave >= 4 ? segment << (octave - 4) : segment >> (4 - octave);
      EXPECT_GE(table(edge - 1) + 1e-6F, table(edge)) << edge;
      EXPECT_GE(table(edge) + 1e-6F, table(edge + 1)) << edge;
      EXPECT_LT(table(edge - 1) - table(edge + 1), octave > 12 ? 1e-3F : 2.0F) << "jump at " << edge;
    }
  }
}

}  // namespace
}  // namespace xw::cells
