// How converters differ: the option, the deviates, offsets in units of the sum.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/converter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::cells {
namespace {

TEST(ConverterSpread, IsReadAndWritten) {
  const auto same = [](const char* text, ConverterSpread expected, const char* canonical) {
    const ConverterSpread spread = parse_converter_spread(text);
    EXPECT_EQ(spread, expected) << text;
    EXPECT_EQ(spread.text(), canonical);
    EXPECT_EQ(parse_converter_spread(spread.text()), spread);
  };
  same("0.05", {0.05, 0}, "gain=0.05");
  same("0", {0, 0}, "gain=0");
  same("gain=0.2", {0.2, 0}, "gain=0.2");
  same("offset=256", {0, 256}, "offset=256");
  same("offset=0.25,gain=1e-3", {0.001, 0.25}, "gain=0.001,offset=0.25");
  EXPECT_FALSE(parse_converter_spread("0").any());
  EXPECT_TRUE(parse_converter_spread("offset=1").any());
}

TEST(ConverterSpread, RefusesWhatMeansNothing) {
  for (const char* text : {"", "-0.1", "0.3", "nan", "0.05x", "gain=", "gain=0.05,", "gain=0.1,gain=0.1",
                           "0.1,offset=1", "offset=1,0.1", "offset=257", "offset=-1", "offset=nan", "width=1"}) {
    test::expect_error(ErrorCode::kInvalidArgument, "found '" + std::string(text) + "'",
                       [&] { (void)parse_converter_spread(text); });
  }
}

TEST(ConverterOffset, IsNormalOfItsOwnForEveryColumnTileAndChip) {
  constexpr int kColumns = 20000;
  double sum = 0, squares = 0, with_gain = 0, neighbours = 0, last = 0;
  for (std::uint32_t col = 0; col < kColumns; ++col) {
    const double codes = converter_offset(5, 3, col, 2.0);
    sum += codes;
    squares += codes * codes;
    with_gain += codes * (converter_gain(5, 3, col, 0.1) - 1) * 10;
    neighbours += codes * last;
    last = codes;
  }
  const double error = 5 / std::sqrt(kColumns);  // 5 deviations of a mean of numbers of size 1
  EXPECT_NEAR(sum / kColumns, 0, 2 * error);
  EXPECT_NEAR(squares / kColumns, 4, 4 * std::sqrt(2) * error);
  EXPECT_NEAR(with_gain / kColumns, 0, 2 * error);
  EXPECT_NEAR(neighbours / kColumns, 0, 4 * error);
  EXPECT_NE(converter_offset(5, 3, 0, 1), converter_offset(6, 3, 0, 1));
  EXPECT_NE(converter_offset(5, 3, 0, 1), converter_offset(5, 4, 0, 1));
}

TEST(OffsetWord, IsInUnitsOfTheSumWithinTheConverter) {
  EXPECT_EQ(offset_word(1, 32768, 16, 127), 2);
  EXPECT_EQ(offset_word(-2.25, 32768, 16, 127), -4) << "half to even";
  EXPECT_EQ(offset_word(200, 32768, 20, 127), 127 * 32);
  EXPECT_EQ(offset_word(-200, 32768, 20, 127), -127 * 32);
  EXPECT_EQ(offset_word(127, 1, 40, 127), (1 << 30) - 1) << "no wrapping";
  EXPECT_EQ(offset_word(-127, 1, 40, 127), 1 - (1 << 30));
}

}  // namespace
}  // namespace xw::cells
