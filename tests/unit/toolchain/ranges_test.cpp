// Choices of converter ranges from their text forms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/ranges.hpp"

#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "host/toolchain/mode.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::toolchain {
namespace {

using xw::test::expect_error;

TEST(InputRanges, NothingGivenIsTheDefaultByMeanSquare) {
  const InputRanges ranges = parse_input_ranges("");
  EXPECT_EQ(ranges.source, InputRanges::Source::kDefault);
  EXPECT_EQ(ranges.choice.method, passes::RangeMethod::kMse);
}

TEST(InputRanges, MethodsOnText) {
  EXPECT_EQ(parse_input_ranges("mse").source, InputRanges::Source::kText);
  const InputRanges percentile = parse_input_ranges("percentile:99.5");
  EXPECT_EQ(percentile.source, InputRanges::Source::kText);
  EXPECT_EQ(percentile.choice.method, passes::RangeMethod::kPercentile);
  EXPECT_EQ(percentile.choice.parameter, 99.5);
}

TEST(InputRanges, FixedNumbers) {
  const InputRanges ranges = parse_input_ranges("fixed:0.25");
  EXPECT_EQ(ranges.source, InputRanges::Source::kFixed);
  EXPECT_EQ(ranges.beta, 0.25F);
  EXPECT_EQ(parse_input_ranges("fixed:1e2").beta, 100.0F);
}

TEST(InputRanges, RefusesWhatIsNoPositiveNumber) {
  for (const char* number : {"", "zero", "0", "-1", "inf", "nan", "1x", "1e60", " 1"}) {
    expect_error(ErrorCode::kInvalidArgument, {"fixed:BETA", "positive number", "'" + std::string(number) + "'"},
                 [&] { (void)parse_input_ranges("fixed:" + std::string(number)); });
  }
  expect_error(ErrorCode::kInvalidArgument, "mse", [] { (void)parse_input_ranges("median"); });
}

TEST(AdcRange, NothingAutoOrANumber) {
  EXPECT_EQ(parse_adc_range("").source, AdcRange::Source::kDefault);
  EXPECT_EQ(parse_adc_range("auto").source, AdcRange::Source::kPerLayer);
  const AdcRange fixed = parse_adc_range("12.5");
  EXPECT_EQ(fixed.source, AdcRange::Source::kFixed);
  EXPECT_EQ(fixed.lambda, 12.5F);
  for (const char* text : {"0", "-3", "automatic", "1e7", "nan", "4 "}) {
    expect_error(ErrorCode::kInvalidArgument, {"ADC range", text}, [&] { (void)parse_adc_range(text); });
  }
}

TEST(Mode, NamesAreParsedBack) {
  for (const Mode mode : {Mode::kAnalog, Mode::kFp32, Mode::kInt8, Mode::kDigitalW8A8, Mode::kDigitalW4A8})
    EXPECT_EQ(parse_mode(name(mode)), mode);
  expect_error(ErrorCode::kInvalidArgument, {"digital-w8a8", "'digital'"}, [] { (void)parse_mode("digital"); });
}

}  // namespace
}  // namespace xw::toolchain
