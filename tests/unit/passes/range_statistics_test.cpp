// Streaming statistics against sorting and plain loops.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "arch/support/error.hpp"
#include "compiler/passes/calibration.hpp"

namespace xw::passes {
namespace {

std::vector<float> samples(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.3, 1.0);
  std::uniform_real_distribution<double> uniform;
  std::vector<float> x(count);
  for (float& value : x) {  // normal with heavy tails, as activations have
    value = static_cast<float>(normal(random) * (uniform(random) < 0.01 ? 20 : 1) * (seed % 3 == 0 ? 1e-6 : 1));
  }
  return x;
}

double squared_error(const std::vector<float>& x, double beta, int dac_max) {
  double error = 0;
  for (const float value : x) {
    const double code = std::clamp(std::nearbyint(value * dac_max / beta), -1.0 * dac_max, 1.0 * dac_max);
    error += std::pow(value - code * beta / dac_max, 2);
  }
  return error;
}

TEST(RangeStatistics, EmptyIsZero) {
  const RangeStatistics statistics;
  EXPECT_EQ(statistics.count(), 0U);
  EXPECT_EQ(statistics.max_abs(), 0.0F);
  EXPECT_EQ(statistics.standard_deviation(), 0.0);
  EXPECT_EQ(statistics.quantile(0.5), 0.0F);
  EXPECT_EQ(statistics.mse_range(127), 0.0F);
}

TEST(RangeStatistics, MomentsMatchTwoPasses) {
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<float> x = samples(seed, 20'000);
    RangeStatistics statistics;
    for (std::size_t begin = 0; begin < x.size(); begin += 777) {
      statistics.add(std::span(x).subspan(begin, std::min<std::size_t>(777, x.size() - begin)));
    }
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
    double squares = 0;
    for (const float value : x) squares += (value - mean) * (value - mean);
    EXPECT_NEAR(statistics.standard_deviation(), std::sqrt(squares / static_cast<double>(x.size() - 1)), 1e-9);
    EXPECT_EQ(statistics.count(), x.size());
    float largest = 0;
    for (const float value : x) largest = std::max(largest, std::abs(value));
    EXPECT_EQ(statistics.max_abs(), largest) << "exact";
    EXPECT_EQ(statistics.quantile(1), largest);
  }
}

TEST(RangeStatistics, StandardDeviationSurvivesALargeMean) {
  RangeStatistics statistics;
  const std::vector<float> x{1e6F, 1e6F + 1, 1e6F + 2};
  statistics.add(x);
  EXPECT_NEAR(statistics.standard_deviation(), 1.0, 1e-9);
}

TEST(RangeStatistics, QuantilesAreWithinOneBin) {
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    const std::vector<float> x = samples(seed, 10'000);
    RangeStatistics statistics;
    statistics.add(x);
    std::vector<float> sorted;
    for (const float value : x) sorted.push_back(std::abs(value));
    std::sort(sorted.begin(), sorted.end());
    for (const double q : {0.0001, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.0}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " q " + std::to_string(q));
      const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()) - 1e-9)) - 1;
      EXPECT_GE(statistics.quantile(q), sorted[rank]);
      EXPECT_LE(statistics.quantile(q), sorted[rank] * 1.01F);
    }
  }
}

TEST(RangeStatistics, QuantileRefusesWhatIsNone) {
  RangeStatistics statistics;
  EXPECT_THROW((void)statistics.quantile(0), Error);
  EXPECT_THROW((void)statistics.quantile(1.5), Error);
  EXPECT_THROW((void)statistics.quantile(std::nan("")), Error);
}

TEST(RangeStatistics, MseRangeIsAsGoodAsTheBestOfAGrid) {
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    for (const int dac_max : {7, 31, 127}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " dac_max " + std::to_string(dac_max));
      const std::vector<float> x = samples(seed, 5'000);
      RangeStatistics statistics;
      statistics.add(x);
      const double chosen = squared_error(x, statistics.mse_range(dac_max), dac_max);
      double best = std::numeric_limits<double>::max();
      for (double beta = statistics.max_abs(); beta > statistics.max_abs() / 200.0; beta *= 0.99)
        best = std::min(best, squared_error(x, beta, dac_max));
      EXPECT_LE(chosen, best * 1.03);
    }
  }
}

TEST(RangeStatistics, MseRangeOfAUniformIsItsMaximum) {
  RangeStatistics statistics;
  std::vector<float> x;
  for (int i = -10'000; i <= 10'000; ++i) x.push_back(static_cast<float>(i) * 1e-4F);
  statistics.add(x);
  EXPECT_NEAR(statistics.mse_range(127), 1.0F, 0.02F);
}

TEST(RangeStatistics, MergeEqualsAddingEverything) {
  const std::vector<float> a = samples(1, 1000);
  const std::vector<float> b = samples(2, 3000);
  RangeStatistics both, first, second;
  both.add(a);
  both.add(b);
  first.add(a);
  second.add(b);
  first.merge(second);
  first.merge(RangeStatistics());
  EXPECT_EQ(first.count(), both.count());
  EXPECT_EQ(first.max_abs(), both.max_abs());
  EXPECT_EQ(first.quantile(0.9), both.quantile(0.9));
  EXPECT_EQ(first.mse_range(127), both.mse_range(127));
  EXPECT_NEAR(first.standard_deviation(), both.standard_deviation(), 1e-12);
}

TEST(RangeStatistics, RefusesWhatIsNotFiniteAndStaysAsItWas) {
  for (const float bad :
       {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    RangeStatistics statistics;
    try {
      statistics.add(std::vector<float>{1, 2, bad});
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNotFinite);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("at index 2"));
    }
    EXPECT_EQ(statistics.count(), 0U);
    EXPECT_EQ(statistics.max_abs(), 0.0F);
  }
}

TEST(RangeStatistics, ExtremesOfTheFormat) {
  RangeStatistics statistics;
  statistics.add(
      std::vector<float>{std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(), 0.0F, -0.0F});
  EXPECT_EQ(statistics.max_abs(), std::numeric_limits<float>::max());
  EXPECT_EQ(statistics.quantile(1), std::numeric_limits<float>::max());
  EXPECT_EQ(statistics.quantile(0.5), 0.0F);
}

}  // namespace
}  // namespace xw::passes
