// Whatever a file says, a terminal only shows it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/printable.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "arch/support/utf8.hpp"

namespace {

using xw::printable;
using xw::printable_lines;
using namespace std::string_literals;

TEST(Printable, OrdinaryTextStaysAsItIs) {
  for (const std::string text : {"", "model.layers.0.mlp", "C:\\models\\x", "gr\u00fc\u00df Gott", "\u6a21\u578b",
                                 "\U0001F468\u200D\U0001F469", "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645"}) {
    EXPECT_EQ(printable(text), text);
    EXPECT_EQ(printable_lines(text), text);
  }
}

TEST(Printable, ControlCharactersAreEscaped) {
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(printable("zero\0end"s), "zero\\x00end");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\u009b31m"), "\\x9b31m");  // CSI as one character
}

TEST(Printable, LinesAndTabsStayInTextOfSeveralLines) {
  EXPECT_EQ(printable_lines("a\n\tb\r\x1b[31m\n"), "a\n\tb\\r\\x1b[31m\n");
}

TEST(Printable, BytesThatAreNotUtf8AreEscapedOneByOne) {
  EXPECT_EQ(printable("caf\xe9.gguf"), "caf\\xe9.gguf");
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");           // cut
}

TEST(Printable, CharactersThatReorderOrHideTextAreEscaped) {
  EXPECT_EQ(printable("exe\u202Efdp"), "exe\\u{202e}fdp");
  EXPECT_EQ(printable("a\u2066b\u2069"), "a\\u{2066}b\\u{2069}");
  EXPECT_EQ(printable("\uFEFFa\u200Bb"), "\\u{feff}a\\u{200b}b");
  EXPECT_EQ(printable("a\u2028b"), "a\\u{2028}b");
  EXPECT_EQ(printable("\U000E0041"), "\\u{e0041}");
}

TEST(AsUtf8, EscapesOnlyBytesThatAreNotUtf8) {
  EXPECT_EQ(xw::as_utf8("line\n\u202E\x1b"), "line\n\u202E\x1b");
  EXPECT_EQ(xw::as_utf8("caf\xe9 \xff\xfe.gguf"), "caf\\xe9 \\xff\\xfe.gguf");
  EXPECT_EQ(xw::as_utf8(""), "");
}

TEST(PrintableJson, KeepsTheValueAndHidesNothingFromTheReader) {
  EXPECT_EQ(xw::printable_json("{\n\t\"a\": \"gr\u00fc\u00df\"}"), "{\n\t\"a\": \"gr\u00fc\u00df\"}");
  EXPECT_EQ(xw::printable_json("\"\u009b\u202e\x7f\""), "\"\\u009b\\u202e\\u007f\"");
  EXPECT_EQ(xw::printable_json("\"\U000E0041\""), "\"\\udb40\\udc41\"");
}

TEST(Printable, AnyBytesBecomeOneLineOfUtf8WithoutControlCharactersAndEscapingIsIdempotent) {
  constexpr unsigned kSeed = 20240611;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  std::uniform_int_distribution<int> byte(0, 255), length(0, 64);
  for (int repeat = 0; repeat < 5000; ++repeat) {
    std::string text(static_cast<std::size_t>(length(random)), '\0');
    for (char& c : text) c = static_cast<char>(byte(random));
    const std::string result = printable(text);
    EXPECT_EQ(xw::valid_prefix_length(result, 0), result.size());
    for (const char c : result) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << repeat;
    EXPECT_EQ(printable(result), result);
    EXPECT_EQ(printable(printable_lines(text)), result);
  }
}

}  // namespace
