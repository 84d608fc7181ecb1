// Known inputs, factors, gains: definitions and hand-computed values.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/compensation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::cells {
namespace {

TEST(Compensation, ATextNamesItAndComesBack) {
  EXPECT_EQ(parse_compensation("none").text(), "none");
  EXPECT_EQ(parse_compensation("global").text(), "global:vectors=32");
  EXPECT_EQ(parse_compensation("column").text(), "column:vectors=256");
  EXPECT_EQ(parse_compensation("column:vectors=4096").vectors, 4096U);
  EXPECT_EQ(parse_compensation("column:reference=exact").text(), "column:vectors=256,reference=exact");
  EXPECT_FALSE(parse_compensation("column:reference=programmed").exact);
  for (const char* text : {"global:vectors=32", "column:vectors=1", "none", "global:vectors=3,reference=exact"}) {
    EXPECT_EQ(parse_compensation(text).text(), text);
  }
  for (const char* text : {"", "all", "none:vectors=3", "global:", "global:vectors=", "global:vectors=0",
                           "column:vectors=4097", "column:vectors=1x", "column:vectors=-1", "column:n=3",
                           "column:reference=ideal", "column:vectors=1,vectors=2"}) {
    test::expect_error(ErrorCode::kInvalidArgument, {"expected none, global or column", text},
                       [&] { (void)parse_compensation(text); });
  }
}

TEST(Compensation, KnownInputsAreOrthogonalAndOfFullScale) {
  constexpr std::uint32_t kSize = 64;
  for (std::uint32_t a = 0; a < kSize; ++a) {
    int sum = 0;
    for (std::uint32_t row = 0; row < kSize; ++row) {
      const int code = calibration_code(a, row, 127);
      ASSERT_TRUE(code == 127 || code == -127);
      sum += code > 0 ? 1 : -1;
    }
    EXPECT_LT(std::abs(sum), 40) << "neither all positive nor all negative";
    for (std::uint32_t b = 0; b < kSize; ++b) {
      int product = 0;
      for (std::uint32_t row = 0; row < kSize; ++row)
        product += calibration_code(a, row, 7) * calibration_code(b, row, 7);
      EXPECT_EQ(product, a == b ? 49 * static_cast<int>(kSize) : 0) << a << " and " << b;
    }
  }
}

TEST(Compensation, AmplitudesKeepAnswersInsideTheConverter) {
  // lambda 12: a full scale of 12 * 127 * 96; 512 rows: 12 * 127 / (1.6 * sqrt(512)) = 42.09.
  EXPECT_EQ(calibration_amplitude(12.0 * 127 * 96, 512, 96, 127), 42);
  EXPECT_EQ(calibration_amplitude(12.0 * 127 * 96, 4, 96, 127), 127);
  EXPECT_EQ(calibration_amplitude(0.1 * 127 * 96, 1024, 96, 127), 1);
}

TEST(Compensation, FactorsAreRatiosOfSums) {
  // Two tiles; the second has another converter gain, so that its codes weigh half.
  const std::vector<ColumnAnswers> answers = {{0, true, 1.0, 900, 600},  {0, true, 1.0, 300, 200},
                                              {3, true, 0.5, 400, 160},  {3, true, 0.5, 8, 4},
                                              {3, false, 0.5, 999, 999}, {4, true, 1.0, 0, 0}};
  const CompensationFactors global = compensation_factors(CompensationKind::kGlobal, answers, 10);
  EXPECT_EQ(global.factors, (std::vector<double>{1.5, 1.5, 408.0 / 164, 408.0 / 164, 1.0, 1.0}));
  EXPECT_EQ(global.too_small, 0U);
  const CompensationFactors column = compensation_factors(CompensationKind::kColumn, answers, 10);
  EXPECT_EQ(column.factors, (std::vector<double>{1.5, 1.5, 2.5, 408.0 / 164, 1.0, 1.0}));
  EXPECT_EQ(column.too_small, 2U) << "mean answers below one code: that of 8 and 4, and none at all";
  EXPECT_EQ(column.limited, 0U);
  const std::vector<ColumnAnswers> extreme = {{0, true, 1.0, 1000, 10}, {1, true, 1.0, 10, 1000}};
  const CompensationFactors limits = compensation_factors(CompensationKind::kGlobal, extreme, 1);
  EXPECT_EQ(limits.factors, (std::vector<double>{8.0, 0.125}));
  EXPECT_EQ(limits.limited, 2U);
  EXPECT_EQ(compensation_factors(CompensationKind::kNone, answers, 10).factors, std::vector<double>(6, 1.0));
}

TEST(Compensation, GainsShareTheLargestShiftThatFits) {
  const ConverterGains same = scaled_gains(40000, 25, std::vector<double>{1.0, 1.5, 0.5});
  EXPECT_EQ(same.gains, (std::vector<std::uint16_t>{40000, 60000, 20000}));
  EXPECT_EQ(same.shift, 25U);
  const ConverterGains halved = scaled_gains(40000, 25, std::vector<double>{1.0, 2.0, 0.5});
  EXPECT_EQ(halved.gains, (std::vector<std::uint16_t>{20000, 40000, 10000}));
  EXPECT_EQ(halved.shift, 24U);
  const ConverterGains eighth = scaled_gains(65535, 25, std::vector<double>{8.0});
  EXPECT_EQ(eighth.gains, std::vector<std::uint16_t>{65535});
  EXPECT_EQ(eighth.shift, 22U);
  const ConverterGains end = scaled_gains(60000, 1, std::vector<double>{4.0, 1.0});
  EXPECT_EQ(end.gains, (std::vector<std::uint16_t>{65535, 60000}));
  EXPECT_EQ(end.shift, 1U);
  EXPECT_EQ(end.limited, 1U);
}

}  // namespace
}  // namespace xw::cells
