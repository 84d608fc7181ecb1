// The read-noise source has the distribution of the contract: a sum of eight uniform bytes, independent in every index.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "models/analog/numerics.hpp"

namespace xw::analog {
namespace {

constexpr int kDraws = 1'000'000;
constexpr int kSupport = 2041;  // sums 0..2040
constexpr double kVariance = 8.0 * (256.0 * 256.0 - 1.0) / 12.0;

/// Exact probabilities of the sum of eight uniform bytes, by convolution.
std::vector<double> exact_distribution() {
  std::vector<double> p = {1.0};
  for (int byte = 0; byte < 8; ++byte) {
    std::vector<double> next(p.size() + 255, 0.0);
    for (std::size_t i = 0; i < p.size(); ++i) {
      for (std::size_t value = 0; value < 256; ++value) next[i + value] += p[i] / 256.0;
    }
    p = next;
  }
  return p;
}

struct Sample {
  std::vector<std::int64_t> counts = std::vector<std::int64_t>(kSupport);
  double mean = 0, variance = 0, kurtosis = 0;
};

Sample draw(const std::function<std::int32_t(std::uint32_t)>& h) {
  Sample sample;
  double s1 = 0, s2 = 0, s4 = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const std::int32_t value = h(i);
    EXPECT_LE(std::abs(value), 1020);
    ++sample.counts.at(static_cast<std::size_t>(value + 1020));
    const double d = value;
    s1 += d;
    s2 += d * d;
    s4 += d * d * d * d;
  }
  sample.mean = s1 / kDraws;
  sample.variance = s2 / kDraws - sample.mean * sample.mean;
  sample.kurtosis = s4 / kDraws / (s2 / kDraws * (s2 / kDraws));
  return sample;
}

/// A million draws along one index each.
const std::array<std::pair<const char*, std::function<std::int32_t(std::uint32_t)>>, 5> kWalks = {{
    {"vectors", [](std::uint32_t i) { return noise_h(1, 2, i, 0, 5); }},
    {"tiles", [](std::uint32_t i) { return noise_h(1, i, 7, 0, 5); }},
    {"seeds", [](std::uint32_t i) { return noise_h(i, 2, 7, 0, 5); }},
    {"columns and vectors", [](std::uint32_t i) { return noise_h(9, 2, i / 512, 0, i % 512); }},
    {"row0 and columns", [](std::uint32_t i) { return noise_h(9, 2, 3, i / 1024, i % 1024); }},
}};

TEST(NoiseStatistics, ExactDistributionIsIrwinHall) {  // the oracle itself: its moments have closed forms
  const std::vector<double> p = exact_distribution();
  ASSERT_EQ(p.size(), static_cast<std::size_t>(kSupport));
  double total = 0, mean = 0, m2 = 0, m4 = 0;
  for (int i = 0; i < kSupport; ++i) {
    const double d = i - 1020;
    const double q = p[static_cast<std::size_t>(i)];
    total += q;
    mean += q * d;
    m2 += q * d * d;
    m4 += q * d * d * d * d;
  }
  EXPECT_NEAR(total, 1.0, 1e-12);
  EXPECT_NEAR(mean, 0.0, 1e-9);
  EXPECT_NEAR(m2, kVariance, 1e-7);
  EXPECT_NEAR(m4 / m2 / m2, 3.0 - 1.2 / 8.0 * (65537.0 / 65535.0),
              1e-9);  // excess of one discrete uniform: -1.2 (n^2+1)/(n^2-1)
  EXPECT_NEAR(std::sqrt(kVariance), 209.02, 0.005);
}

TEST(NoiseStatistics, MomentsAndKolmogorovSmirnov) {
  const std::vector<double> p = exact_distribution();
  for (const auto& [name, h] : kWalks) {
    SCOPED_TRACE(name);
    const Sample sample = draw(h);
    EXPECT_NEAR(sample.mean, 0.0, 4.0 * std::sqrt(kVariance / kDraws));
    EXPECT_NEAR(sample.variance / kVariance, 1.0, 4.0 * std::sqrt(1.85 / kDraws));  // kurtosis - 1
    EXPECT_NEAR(sample.kurtosis, 2.85, 4.0 * std::sqrt(24.0 / kDraws));
    double distance = 0, exact = 0;
    std::int64_t seen = 0;
    for (std::size_t i = 0; i < kSupport; ++i) {
      exact += p[i];
      seen += sample.counts[i];
      distance = std::max(distance, std::fabs(static_cast<double>(seen) / kDraws - exact));
    }
    EXPECT_LT(distance, 1.95 / std::sqrt(kDraws));  // 0.1 % level; conservative for a discrete distribution
  }
}

double correlation(const std::function<std::int32_t(std::uint32_t)>& a,
                   const std::function<std::int32_t(std::uint32_t)>& b) {
  constexpr int kPairs = 200'000;
  double sum = 0;
  for (std::uint32_t i = 0; i < kPairs; ++i) sum += static_cast<double>(a(i)) * b(i);
  return sum / kPairs / kVariance * std::sqrt(static_cast<double>(kPairs));  // in standard errors
}

TEST(NoiseStatistics, NeighboursAreUncorrelated) {
  const auto base = [](std::uint32_t i) { return noise_h(3, 4, i, 100, 20); };
  const std::vector<std::pair<const char*, std::function<std::int32_t(std::uint32_t)>>> neighbours = {
      {"next column", [](std::uint32_t i) { return noise_h(3, 4, i, 100, 21); }},
      {"column of the next lane group", [](std::uint32_t i) { return noise_h(3, 4, i, 100, 84); }},
      {"next tile", [](std::uint32_t i) { return noise_h(3, 5, i, 100, 20); }},
      {"next vector", [](std::uint32_t i) { return noise_h(3, 4, i + 1, 100, 20); }},
      {"block below", [](std::uint32_t i) { return noise_h(3, 4, i, 356, 20); }},
      {"next seed", [](std::uint32_t i) { return noise_h(4, 4, i, 100, 20); }},
      {"seed and tile exchanged", [](std::uint32_t i) { return noise_h(4, 3, i, 100, 20); }},
  };
  for (const auto& [name, other] : neighbours) EXPECT_LT(std::fabs(correlation(base, other)), 4.0) << name;
  EXPECT_GT(correlation(base, base), 100.0) << "the test sees correlation where there is some";
}

}  // namespace
}  // namespace xw::analog
