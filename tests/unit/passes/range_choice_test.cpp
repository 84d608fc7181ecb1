// The ways of choosing a range.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/passes/calibration.hpp"

namespace xw::passes {
namespace {

TEST(RangeChoice, TextAndBack) {
  for (const char* text : {"max", "mse", "percentile:99.99", "percentile:100", "std:18", "std:2.5"}) {
    EXPECT_EQ(to_string(parse_range_choice(text)), text);
  }
  EXPECT_EQ(parse_range_choice("percentile:99.9").method, RangeMethod::kPercentile);
  EXPECT_EQ(parse_range_choice("std:18").parameter, 18.0);
}

TEST(RangeChoice, RefusesOtherTexts) {
  for (const char* text :
       {"", "maximum", "percentile", "percentile:", "percentile:0", "percentile:101", "percentile:-1", "percentile:nan",
        "percentile:99x", "std:0", "std:", "std:inf", "std:1e99", "MSE"}) {
    SCOPED_TRACE(text);
    try {
      (void)parse_range_choice(text);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("expected"));
    }
  }
}

TEST(ChooseRange, EveryMethodOnHandMadeSamples) {
  RangeStatistics statistics;
  std::vector<float> x(98, 1.0F);
  x.push_back(-2.0F);
  x.push_back(8.0F);
  statistics.add(x);
  EXPECT_EQ(choose_range(statistics, parse_range_choice("max"), 127), 8.0F);
  EXPECT_NEAR(choose_range(statistics, parse_range_choice("percentile:98"), 127), 1.0F, 0.01F);
  EXPECT_NEAR(choose_range(statistics, parse_range_choice("percentile:99"), 127), 2.0F, 0.02F);
  // mean (98 - 2 + 8) / 100 = 1.04; squares (98 * 0.04^2 + 3.04^2 + 6.96^2) / 99 = 0.5842
  EXPECT_NEAR(choose_range(statistics, parse_range_choice("std:10"), 127), 10 * std::sqrt(57.84 / 99), 1e-3);
  const float mse = choose_range(statistics, parse_range_choice("mse"), 127);
  EXPECT_GT(mse, 7.0F) << "clamping the one outlier would cost more than the steps";
  EXPECT_LE(mse, 8.0F);
}

TEST(ChooseRange, ZerosGiveOne) {
  RangeStatistics statistics;
  EXPECT_EQ(choose_range(statistics, parse_range_choice("max"), 127), 1.0F);
  statistics.add(std::vector<float>(10, 0.0F));
  for (const char* text : {"max", "mse", "percentile:99", "std:3"})
    EXPECT_EQ(choose_range(statistics, parse_range_choice(text), 127), 1.0F);
}

TEST(ChooseRange, APercentileOfMostlyZerosIsTheMaximum) {
  RangeStatistics statistics;
  std::vector<float> x(100, 0.0F);
  x[7] = 3.0F;
  statistics.add(x);
  EXPECT_EQ(choose_range(statistics, parse_range_choice("percentile:50"), 127), 3.0F);
}

}  // namespace
}  // namespace xw::passes
