// Deviates of version 2: the distribution of six terms by enumeration, and of drawn ones by statistics.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/deviate_terms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "models/cells/cell_kernels.hpp"
#include "tests/unit/cells/documented_deviates.hpp"

namespace xw::cells {
namespace {

/// Probability that a normal deviate is above z.
double normal_tail(double z) {
  return std::erfc(z / std::numbers::sqrt2) / 2;
}

/// Probabilities of the sums of `terms` terms, from -terms * largest on, in units of kDeviateUnit.
std::vector<double> distribution(int terms) {
  int largest = 0;
  for (const std::int16_t term : kDeviateTerms) largest = std::max<int>(largest, term);
  std::vector<double> sums(static_cast<std::size_t>(2 * terms * largest + 1));
  sums[static_cast<std::size_t>(terms * largest)] = 1;
  for (int drawn = 0; drawn < terms; ++drawn) {
    std::vector<double> next(sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (sums[i] == 0) continue;
      for (const std::int16_t term : kDeviateTerms)
        next[static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) + term)] += sums[i] / kDeviateTermCount;
    }
    sums = std::move(next);
  }
  return sums;
}

TEST(DeviateTerms, SumsOfSixAreNearlyNormal) {
  const std::vector<double> sums = distribution(6);
  const auto middle = static_cast<double>(sums.size() / 2);
  const auto moment = [&](int power) {
    double sum = 0;
    for (std::size_t i = 0; i < sums.size(); ++i)
      sum += sums[i] * std::pow((static_cast<double>(i) - middle) / 8192, power);
    return sum;
  };
  EXPECT_NEAR(moment(0), 1, 1e-12);
  EXPECT_NEAR(moment(1), 0, 1e-12);
  EXPECT_NEAR(moment(2), 1, 5e-6);
  EXPECT_NEAR(moment(3), 0, 1e-12);
  EXPECT_NEAR(moment(4), 3, 1e-4);
  EXPECT_NEAR(moment(6), 15, 0.02);
  EXPECT_NEAR(moment(8), 105, 0.6);

  double above = 0;  // P(deviate > z)
  double largest = 0;
  std::array<double, 4> tails{};
  for (std::size_t i = sums.size(); i-- > 0;) {
    const double z = (static_cast<double>(i) - middle) / 8192;
    largest = std::max(largest, std::fabs(above + sums[i] / 2 - normal_tail(z)));
    above += sums[i];
    for (std::size_t t = 0; t < tails.size(); ++t) {
      if (z > 3 + 0.5 * static_cast<double>(t)) tails[t] = above;
    }
  }
  EXPECT_LT(largest, 2.8e-4) << "of the distribution function";
  EXPECT_NEAR(tails[0] / normal_tail(3), 1, 0.005);
  EXPECT_NEAR(tails[1] / normal_tail(3.5), 1, 0.01);
  EXPECT_NEAR(tails[2] / normal_tail(4), 1, 0.04);
  EXPECT_NEAR(tails[3] / normal_tail(4.5), 1, 0.15);
}

/// Deviates of a draw, many rows of it: `sums` and `differences` of pairs.
struct Drawn {
  std::vector<double> sums, differences;
};

Drawn draw_rows(std::uint32_t key0, std::uint32_t key1, std::uint32_t rows) {
  Drawn drawn;
  alignas(64) float sums[kChunk];
  alignas(64) float differences[kChunk];
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t call = 0; call < 512; call += kChunk / 2) {
      cell_kernels().deviate_pairs({key0, key1, row, call, nullptr}, kChunk / kPairColumns, sums, differences);
      drawn.sums.insert(drawn.sums.end(), sums, sums + kChunk);
      drawn.differences.insert(drawn.differences.end(), differences, differences + kChunk);
    }
  }
  return drawn;
}

double mean_of(const std::vector<double>& a, const std::vector<double>& b, std::size_t lag, int power) {
  double sum = 0;
  for (std::size_t i = lag; i < a.size(); ++i) {
    const double x = power == 1 ? a[i] * b[i - lag] : (a[i] * a[i] - 1) * (b[i - lag] * b[i - lag] - 1);
    sum += x;
  }
  return sum / static_cast<double>(a.size() - lag);
}

TEST(DeviateTerms, DrawnOnesHaveItsMomentsAndNoCorrelations) {
  constexpr std::uint32_t kRows = 1000;
  const std::array streams = {draw_rows(1, 2, kRows), draw_rows(1, 3, kRows), draw_rows(0x80000001U, 2, kRows)};
  const auto n = static_cast<double>(streams[0].sums.size());
  std::vector<const std::vector<double>*> all;
  for (const Drawn& drawn : streams) {
    all.push_back(&drawn.sums);
    all.push_back(&drawn.differences);
  }
  for (std::size_t a = 0; a < all.size(); ++a) {
    std::array<double, 5> moments{};
    for (const double x : *all[a]) {
      double power = 1;
      for (double& moment : moments) moment += power / n, power *= x;
    }
    // Deviations of these means for a normal deviate: 1, sqrt 2, sqrt 15, sqrt 96, each over sqrt n.
    EXPECT_NEAR(moments[1], 0, 5 / std::sqrt(n)) << a;
    EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2 / n)) << a;
    EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15 / n)) << a;
    EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96 / n) + 1e-3) << a;

    std::vector<double> sorted = *all[a];
    std::sort(sorted.begin(), sorted.end());
    double largest = 0;  // Kolmogorov-Smirnov
    for (std::size_t i = 0; i < sorted.size(); ++i)
      largest = std::max(largest, std::fabs((static_cast<double>(i) + 0.5) / n - (1 - normal_tail(sorted[i]))));
    EXPECT_LT(largest, 2.8e-4 + 1.95 / std::sqrt(n)) << a << ": probability 0.001";

    for (std::size_t b = a; b < all.size(); ++b) {
      for (const std::size_t lag : {0, 1, 2, 15, 16, 17, 32, 64, 256, 1024}) {
        if (a == b && lag == 0) continue;
        EXPECT_LT(std::fabs(mean_of(*all[a], *all[b], lag, 1)) * std::sqrt(n), 5) << a << ", " << b << ", lag " << lag;
        EXPECT_LT(std::fabs(mean_of(*all[a], *all[b], lag, 2)) * std::sqrt(n) / 2, 5.5)
            << a << ", " << b << ", lag " << lag;
      }
    }
  }
}

TEST(DeviateTerms, EveryBitOfACounterAndAKeyChangesThem) {
  const auto deviate = [](std::uint32_t key0, std::uint32_t key1, std::uint32_t row, std::uint32_t call) {
    alignas(64) float sums[kPairColumns];
    alignas(64) float differences[kPairColumns];
    cell_kernels().deviate_pairs({key0, key1, row, call, nullptr}, 1, sums, differences);
    std::vector<float> both(sums, sums + kPairColumns);
    both.insert(both.end(), differences, differences + kPairColumns);
    return both;
  };
  const std::vector<float> base = deviate(7, 9, 11, 1U << 20U);
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::uint32_t flip = 1U << bit;
    for (const std::vector<float>& other : {deviate(7 ^ flip, 9, 11, 1U << 20U), deviate(7, 9 ^ flip, 11, 1U << 20U),
                                            deviate(7, 9, 11 ^ flip, 1U << 20U)}) {
      int same = 0;
      for (std::size_t i = 0; i < base.size(); ++i) same += base[i] == other[i] ? 1 : 0;
      EXPECT_LT(same, 4) << "bit " << bit;
    }
  }
}

}  // namespace
}  // namespace xw::cells
