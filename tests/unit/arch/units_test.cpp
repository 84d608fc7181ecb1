// Numbers with units, and what is none.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/units.hpp"

#include <gtest/gtest.h>

namespace {

using xw::duration_text;
using xw::parse_bytes;
using xw::parse_duration;

TEST(ParseDuration, SecondsAndUnits) {
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("3600"), 3600);
  EXPECT_EQ(parse_duration("1e3s"), 1000);
  EXPECT_EQ(parse_duration("1.5h"), 5400);
  EXPECT_EQ(parse_duration("2min"), 120);
  EXPECT_EQ(parse_duration("1d"), 86400);
  EXPECT_EQ(parse_duration("1w"), 7 * 86400);
  EXPECT_EQ(parse_duration("1y"), 365 * 86400);
  EXPECT_EQ(parse_duration("5ms"), 0.005);
}

TEST(ParseDuration, AnythingElseIsNone) {
  for (const char* text : {"", "d", "-1", "1 d", "1dd", "1x", "nan", "inf", "1e999", "0x10"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationText, TheLargestUnitThatIsShort) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(0.005), "0.005 s");
  EXPECT_EQ(duration_text(59), "59 s");
  EXPECT_EQ(duration_text(60), "1 min");
  EXPECT_EQ(duration_text(90), "1.5 min");
  EXPECT_EQ(duration_text(3600), "1 h");
  EXPECT_EQ(duration_text(5400), "1.5 h");
  EXPECT_EQ(duration_text(86400), "1 d");
  EXPECT_EQ(duration_text(30 * 86400), "30 d");
  EXPECT_EQ(duration_text(31536000), "1 y");
  EXPECT_EQ(duration_text(86401), "86401 s");
  for (const double seconds : {0.0, 1.0, 90.0, 5400.0, 86400.0, 1e7 + 1, 31536000.0, 1e10}) {
    std::string text = duration_text(seconds);
    text.erase(text.find(' '), 1);
    EXPECT_EQ(parse_duration(text), seconds) << text;
  }
}

TEST(ParseBytes, PowersOf1024) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("4096"), 4096U);
  EXPECT_EQ(parse_bytes("64K"), 65536U);
  EXPECT_EQ(parse_bytes("256M"), 1U << 28U);
  EXPECT_EQ(parse_bytes("8GiB"), std::uint64_t{8} << 30U);
  EXPECT_EQ(parse_bytes("8589934592G"), std::uint64_t{1} << 63U);
}

TEST(ParseBytes, AnythingElseIsNone) {
  for (const char* text : {"", "M", "-1", "1.5G", "1T", "8589934593G", "99999999999999999999"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
}

}  // namespace
