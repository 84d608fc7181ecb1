// Strict UTF-8.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/unicode/utf8.hpp"

#include <gtest/gtest.h>

namespace xw::tokenizer {
namespace {

TEST(Utf8, EveryCodePointRoundTrips) {
  for (std::uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const Utf8Char read = utf8_at(text, 0);
    ASSERT_TRUE(read.valid) << c;
    ASSERT_EQ(read.code_point, c);
    ASSERT_EQ(read.length, text.size());
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_FALSE(utf8_at(std::string_view(text).substr(0, cut), 0).valid);
      ASSERT_EQ(incomplete_suffix_length("ab" + text.substr(0, cut)), cut);
    }
    ASSERT_EQ(incomplete_suffix_length(text), 0U);
  }
}

TEST(Utf8, RejectsWhatIsNotWellFormed) {
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3(", "\xE2\x82(", "\xF0\x9F\x98("}) {
    const Utf8Char c = utf8_at(bad, 0);
    EXPECT_FALSE(c.valid) << bad;
    EXPECT_EQ(c.length, 1U);
    EXPECT_EQ(valid_prefix_length(bad, 0), 0U);
  }
  // A sequence that can never become well-formed is not incomplete.
  EXPECT_EQ(incomplete_suffix_length("\xED\xA0"), 0U);
  EXPECT_EQ(incomplete_suffix_length("\xF0\x8F"), 0U);
  EXPECT_EQ(incomplete_suffix_length("\xC0"), 0U);
}

TEST(Utf8, ReplacesAllOccurrences) {
  EXPECT_EQ(replace_all("a b  c ", " ", "__"), "a__b____c__");
  EXPECT_EQ(replace_all("", " ", "x"), "");
  EXPECT_EQ(replace_all("aaa", "aa", "b"), "ba");
}

TEST(Utf8, KnowsWhiteSpace) {
  int count = 0;
  for (std::uint32_t c = 0; c < 0x110000; ++c) count += is_white_space(c) ? 1 : 0;
  EXPECT_EQ(count, 25);  // PropList.txt, White_Space
  EXPECT_FALSE(is_white_space(0x180E));
  EXPECT_FALSE(is_white_space(0x200B));
}

}  // namespace
}  // namespace xw::tokenizer
