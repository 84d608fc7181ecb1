// Statistics of pairs against published tables and hand-made samples.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/paired.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/support/expect_error.hpp"

namespace xw::evaluation {
namespace {

using xw::test::expect_error;

TEST(SignTest, CountsCoins) {
  EXPECT_EQ(sign_test(0, 0), 1);
  EXPECT_DOUBLE_EQ(sign_test(0, 1), 1);
  EXPECT_NEAR(sign_test(0, 6), 2.0 / 64, 1e-12);
  EXPECT_NEAR(sign_test(1, 7), 2 * 9.0 / 256, 1e-12);
  EXPECT_EQ(sign_test(5, 5), 1) << "not above 1";
  EXPECT_NEAR(sign_test(40, 60), 0.0568879, 1e-6);  // R: binom.test(40, 100)
}

TEST(StudentTTest, AgreesWithTheTables) {
  // Critical values of two-sided tests (Student's table).
  EXPECT_NEAR(student_t_test(12.706205, 1), 0.05, 1e-7);
  EXPECT_NEAR(student_t_test(4.302653, 2), 0.05, 1e-7);
  EXPECT_NEAR(student_t_test(-2.228139, 10), 0.05, 1e-7);
  EXPECT_NEAR(student_t_test(2.749996, 30), 0.01, 1e-7);
  EXPECT_NEAR(student_t_test(1.959964, 1e9), 0.05, 1e-6);
  EXPECT_NEAR(student_t_critical(0.05, 1), 12.706205, 1e-5);
  EXPECT_NEAR(student_t_critical(0.05, 9), 2.262157, 1e-6);
  EXPECT_NEAR(student_t_critical(0.01, 30), 2.749996, 1e-6);
  EXPECT_NEAR(student_t_critical(0.05, 1e9), 1.959964, 1e-5);
  EXPECT_EQ(student_t_test(0, 5), 1);
  EXPECT_EQ(student_t_test(std::numeric_limits<double>::infinity(), 5), 0);
  EXPECT_EQ(student_t_test(std::numeric_limits<double>::quiet_NaN(), 5), 1);
  // Cauchy's distribution: 1 - 2 atan(t) / pi.
  for (const double t : {0.1, 1.0, 7.0}) EXPECT_NEAR(student_t_test(t, 1), 1 - 2 * std::atan(t) / M_PI, 1e-12);
}

MeasuredRuns runs(std::vector<std::vector<double>> values, std::uint32_t first_seed = 0) {
  MeasuredRuns result;
  for (std::vector<double>& one : values) {
    result.seeds.push_back(first_seed++);
    result.runs.push_back(std::move(one));
  }
  return result;
}

TEST(ComparePaired, OneRunOfRightAndWrongIsMcNemars) {
  const PairedResult result =
      compare_paired(runs({{1, 1, 0, 0, 0, 1, 0, 0}}), runs({{1, 0, 1, 1, 1, 1, 1, 1}}), std::vector<double>(8, 1.0));
  EXPECT_DOUBLE_EQ(result.first_mean, 3.0 / 8);
  EXPECT_DOUBLE_EQ(result.second_mean, 7.0 / 8);
  EXPECT_DOUBLE_EQ(result.difference, 4.0 / 8);
  EXPECT_EQ(result.gained, 5U);
  EXPECT_EQ(result.lost, 1U);
  EXPECT_EQ(result.items_test, "McNemar, exact");
  EXPECT_NEAR(result.items_p, 2 * 7.0 / 64, 1e-12);
  EXPECT_EQ(result.chips_test, "");
  EXPECT_LE(result.low, result.difference);
  EXPECT_GE(result.high, result.difference);
}

TEST(ComparePaired, TheTTestsAreThoseOfTheTextbook) {
  // Differences 1, 2, 3, 6: mean 3, sample deviation sqrt(14 / 3), t = 3 / (sqrt(14 / 3) / 2).
  const PairedResult one = compare_paired(runs({{0, 0, 0, 0.5}}), runs({{1, 2, 3, 6.5}}), std::vector<double>(4, 1.0));
  EXPECT_EQ(one.items_test, "paired t");
  EXPECT_NEAR(one.items_p, student_t_test(3 / (std::sqrt(14.0 / 3) / 2), 3), 1e-12);
  // Over chips: means 1, 2 against 3, 5; the differences 2, 3 have t = 2.5 / 0.5.
  const std::vector<double> weights(2, 1.0);
  const PairedResult paired = compare_paired(runs({{0, 2}, {1, 3}}), runs({{2, 4}, {4, 6}}), weights);
  EXPECT_EQ(paired.chips_test, "paired t");
  EXPECT_NEAR(paired.chips_p, student_t_test(5, 1), 1e-12);
  EXPECT_NEAR(paired.second_deviation, std::sqrt(2.0), 1e-12);
  // Other chips: Welch, (1.5 - 4) / sqrt(0.5 / 2 + 2 / 2), freedom 1.25^2 / (0.25^2 + 1^2).
  const PairedResult others = compare_paired(runs({{0, 2}, {1, 3}}), runs({{2, 4}, {4, 6}}, 5), weights);
  EXPECT_EQ(others.chips_test, "Welch t");
  EXPECT_NEAR(others.chips_p, student_t_test(2.5 / std::sqrt(1.25), 1.25 * 1.25 / (0.0625 + 1)), 1e-12);
}

TEST(ComparePaired, WeightsMakeItTheDifferenceOfRatios) {
  // Windows of 2 and 6 tokens with 4 and 6 nats, then 5 and 9: 10 / 8 and 14 / 8 nats per token.
  const PairedResult result = compare_paired(runs({{4, 6}}), runs({{5, 9}}), {2, 6});
  EXPECT_DOUBLE_EQ(result.first_mean, 1.25);
  EXPECT_DOUBLE_EQ(result.difference, 0.5);
  // Residuals 1 - 0.5 * 2 = 0 and 3 - 0.5 * 6 = 0.
  EXPECT_EQ(result.items_p, 0);
  EXPECT_DOUBLE_EQ(result.low, 0.5);
  EXPECT_DOUBLE_EQ(result.high, 0.5);
}

TEST(ComparePaired, EqualValuesDoNotDiffer) {
  const MeasuredRuns same = runs({{1, 0, 1}, {0, 0, 1}});
  const PairedResult result = compare_paired(same, same, std::vector<double>(3, 1.0));
  EXPECT_EQ(result.difference, 0);
  EXPECT_EQ(result.items_p, 1);
  EXPECT_EQ(result.chips_p, 1);
  EXPECT_EQ(result.low, 0);
  EXPECT_EQ(result.high, 0);
}

TEST(ComparePaired, TheIntervalIsAboutAsWideAsTheNormalOne) {
  std::mt19937 generator(11);
  std::normal_distribution<double> normal(0.3, 1.0);
  const std::size_t n = 400;
  std::vector<double> before(n), after(n);
  for (std::size_t i = 0; i < n; ++i) after[i] = normal(generator);
  double squares = 0, mean = 0;
  for (const double value : after) mean += value / static_cast<double>(n);
  for (const double value : after) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  const PairedResult result = compare_paired(runs({before}), runs({after}), std::vector<double>(n, 1.0));
  EXPECT_NEAR(result.low, mean - 1.96 * error, 0.1 * error);
  EXPECT_NEAR(result.high, mean + 1.96 * error, 0.1 * error);
  const PairedResult again = compare_paired(runs({before}), runs({after}), std::vector<double>(n, 1.0));
  EXPECT_EQ(again.low, result.low) << "a function of the values";
}

TEST(ComparePaired, SpreadOfChipsWidensTheInterval) {
  const std::size_t n = 100;
  std::vector<std::vector<double>> calm, wild;
  for (int chip = 0; chip < 6; ++chip) {
    calm.emplace_back(n, 1.0);
    wild.emplace_back(n, chip % 2 == 0 ? 0.0 : 2.0);  // the same mean over chips
  }
  const MeasuredRuns zero = runs(std::vector<std::vector<double>>(6, std::vector<double>(n, 0.0)));
  const std::vector<double> weights(n, 1.0);
  const PairedResult one = compare_paired(zero, runs(calm), weights), two = compare_paired(zero, runs(wild), weights);
  EXPECT_NEAR(one.high - one.low, 0, 1e-12);
  // Means of 6 draws of 0 or 2 have a deviation of 1 / sqrt(6).
  EXPECT_NEAR(two.high - two.low, 2 * 1.96 / std::sqrt(6.0), 0.4);
  EXPECT_EQ(two.items_p, 0);
  EXPECT_GT(two.chips_p, 0.05);
}

TEST(ComparePaired, RefusesWhatAreNoPairs) {
  const auto compare = [](const MeasuredRuns& a, const MeasuredRuns& b, std::size_t items) {
    return [=] { static_cast<void>(compare_paired(a, b, std::vector<double>(items, 1.0))); };
  };
  expect_error(ErrorCode::kInvalidArgument, "at least one run and one item", compare(runs({}), runs({{1}}), 1));
  expect_error(ErrorCode::kInvalidArgument, "at least one run and one item", compare(runs({{}}), runs({{}}), 0));
  expect_error(ErrorCode::kInvalidArgument, "the same items: expected 2, found 1",
               compare(runs({{1, 2}}), runs({{1}}), 2));
}

}  // namespace
}  // namespace xw::evaluation
