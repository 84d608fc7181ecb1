// Upper, lower and title case: values from the Unicode Character Database.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/unicode/letter_case.hpp"

#include <gtest/gtest.h>

namespace xw::tokenizer {
namespace {

std::u32string mapped(char32_t code_point, LetterCase to) {
  return std::u32string(map_case(code_point, to));
}

TEST(LetterCase, MapsCharacters) {
  EXPECT_EQ(mapped(U'a', LetterCase::kUpper), U"A");
  EXPECT_EQ(mapped(U'a', LetterCase::kLower), U"");
  EXPECT_EQ(mapped(U'A', LetterCase::kTitle), U"");
  EXPECT_EQ(mapped(U'1', LetterCase::kUpper), U"");
  EXPECT_EQ(mapped(U'\u00DF', LetterCase::kUpper), U"SS");
  EXPECT_EQ(mapped(U'\u00DF', LetterCase::kTitle), U"Ss");
  EXPECT_EQ(mapped(U'\u01C6', LetterCase::kUpper), U"\u01C4");
  EXPECT_EQ(mapped(U'\u01C6', LetterCase::kTitle), U"\u01C5");
  EXPECT_EQ(mapped(U'\u0130', LetterCase::kLower), U"i\u0307");
  EXPECT_EQ(mapped(U'\U00010400', LetterCase::kLower), U"\U00010428");
  EXPECT_EQ(mapped(U'\uFB03', LetterCase::kUpper), U"FFI");
}

TEST(LetterCase, KnowsWhatHasACase) {
  for (const char32_t c : {U'a', U'Z', U'\u00E4', U'\u03A3', U'\u01C5'}) EXPECT_TRUE(is_cased(c));
  for (const char32_t c : {U'1', U' ', U'\u4E2D', U'\u0301'}) EXPECT_FALSE(is_cased(c));
}

}  // namespace
}  // namespace xw::tokenizer
