// Moments against their definition.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/input_statistics.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.hpp"
#include "tests/unit/passes/numbers.hpp"

namespace xw::passes {
namespace {

using test::plain_product;

TEST(InputStatistics, MomentsAreThoseOfTheDefinition) {
  constexpr std::size_t kFeatures = 7;
  Matrix x = test::correlated_vectors(200, kFeatures, 11);
  for (std::size_t v = 0; v < x.rows; ++v)
    x(v, 2) += 1000;  // a mean that would eat the digits of a plain sum of squares
  InputStatistics statistics(kFeatures, 16);
  for (std::size_t begin = 0; begin < x.rows;) {
    const std::size_t count = std::min<std::size_t>(1 + begin % 37, x.rows - begin);
    statistics.add(std::span(x.data).subspan(begin * kFeatures, count * kFeatures), plain_product);
    begin += count;
  }
  ASSERT_EQ(statistics.count(), x.rows);
  const Matrix covariance = statistics.covariance();
  const Matrix second = statistics.second_moment();
  for (std::size_t i = 0; i < kFeatures; ++i) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      double mi = 0;
      double mj = 0;
      double product = 0;
      for (std::size_t v = 0; v < x.rows; ++v) {
        mi += static_cast<double>(x(v, i)) / static_cast<double>(x.rows);
        mj += static_cast<double>(x(v, j)) / static_cast<double>(x.rows);
        product += static_cast<double>(x(v, i)) * static_cast<double>(x(v, j)) / static_cast<double>(x.rows);
      }
      EXPECT_NEAR(static_cast<double>(covariance(i, j)), product - mi * mj, 2e-3) << i << " " << j;
      EXPECT_NEAR(static_cast<double>(second(i, j)) / (1 + std::abs(product)), product / (1 + std::abs(product)), 1e-5);
      EXPECT_NEAR(static_cast<double>(statistics.mean()[i]), mi, 1e-4);
    }
  }
}

TEST(InputStatistics, KeepsVectorsEvenly) {
  InputStatistics statistics(1, 8);
  std::vector<float> x(100);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  for (const float value : x) statistics.add(std::span(&value, 1), plain_product);
  const Matrix& samples = statistics.samples();
  ASSERT_GT(samples.rows, 4U);
  ASSERT_LE(samples.rows, 8U);
  for (std::size_t r = 1; r < samples.rows; ++r) EXPECT_EQ(samples(r, 0) - samples(r - 1, 0), samples(1, 0));
  EXPECT_GT(samples(samples.rows - 1, 0), 80);
}

TEST(InputStatistics, RefusesWhatIsNoNumber) {
  InputStatistics statistics(2, 4);
  const std::vector<float> bad{1, 2, 3, std::numeric_limits<float>::quiet_NaN()};
  xw::test::expect_error(ErrorCode::kNotFinite, "feature 1", [&] { statistics.add(bad, plain_product); });
  EXPECT_EQ(statistics.count(), 0U);
}

}  // namespace
}  // namespace xw::passes
