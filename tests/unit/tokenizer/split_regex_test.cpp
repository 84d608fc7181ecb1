// Pre-token regexes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/split_regex.hpp"

#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

using Pieces = std::vector<std::string_view>;

SplitRegexes regexes(const char* name) {
  return SplitRegexes(find_pre_tokenizer(name).value().split_regexes);
}

TEST(SplitRegex, Gpt2) {
  const SplitRegexes gpt2 = regexes("gpt-2");
  EXPECT_EQ(gpt2.split("I'll go, 12 miles!"), (Pieces{"I", "'ll", " go", ",", " 12", " miles", "!"}));
  EXPECT_EQ(gpt2.split("a  b\n\n c "), (Pieces{"a", " ", " b", "\n\n", " c", " "}));
  EXPECT_EQ(gpt2.split(""), Pieces{});
}

TEST(SplitRegex, FamiliesDifferInDigitsAndNewlines) {
  EXPECT_EQ(regexes("llama-bpe").split("1234 x\n\ny"), (Pieces{"123", "4", " x", "\n\n", "y"}));
  EXPECT_EQ(regexes("qwen2").split("1234"), (Pieces{"1", "2", "3", "4"}));
  EXPECT_EQ(regexes("smollm").split("a 12"), (Pieces{"a", " ", "1", "2"}));
  EXPECT_EQ(regexes("llama3").split("It'S"), (Pieces{"It", "'S"})) << "case-insensitive contractions";
}

TEST(SplitRegex, PiecesAreTheTextAndBrokenRunsStandAlone) {
  const std::uint64_t seed = 17;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 rng(seed);
  for (const char* name :
       {"default", "gpt-2", "llama-bpe", "smollm", "qwen2", "tekken", "deepseek-coder", "deepseek-v3"}) {
    const SplitRegexes split = regexes(name);
    for (int round = 0; round < 100; ++round) {
      const std::string text = test::random_text(rng, rng() % 80, true);
      std::string joined;
      for (const std::string_view piece : split.split(text)) {
        ASSERT_FALSE(piece.empty());
        const bool broken = !utf8_at(piece, 0).valid;
        if (!broken) {
          ASSERT_EQ(valid_prefix_length(piece, 0), piece.size());
        }
        joined += piece;
      }
      ASSERT_EQ(joined, text) << name;
    }
  }
}

TEST(SplitRegex, WhiteSpaceIsUnicodeWhiteSpace) {
  const SplitRegexes split(std::vector<std::string>{R"(\s+)"});
  EXPECT_EQ(split.split("a\xC2\xA0\xE2\x80\x83 b"), (Pieces{"a", "\xC2\xA0\xE2\x80\x83 ", "b"}));
  EXPECT_EQ(split.split("a\xE1\xA0\x8E"
                        "b"),
            (Pieces{"a\xE1\xA0\x8E"
                    "b"}))
      << "U+180E is no white space";
  const SplitRegexes in_class(std::vector<std::string>{R"([^\s]+)"});
  EXPECT_EQ(in_class.split("ab \xE1\xA0\x8E"), (Pieces{"ab", " ", "\xE1\xA0\x8E"}));
  const SplitRegexes negated(std::vector<std::string>{R"(\S\S)"});
  EXPECT_EQ(negated.split("abc d"), (Pieces{"ab", "c d"}));
}

TEST(SplitRegex, EmptyMatchesMoveOn) {
  const SplitRegexes split(std::vector<std::string>{"x*"});
  EXPECT_EQ(split.split("\xC3\xA4xx\xC3\xA4"), (Pieces{"\xC3\xA4", "xx", "\xC3\xA4"}));
  const SplitRegexes lookahead(std::vector<std::string>{"(?=b)"});
  EXPECT_EQ(lookahead.split("abab"), (Pieces{"abab"}));
}

TEST(SplitRegex, RefusesWhatItCannotRead) {
  const auto make = [](const std::string& pattern) {
    return [pattern] { (void)SplitRegexes(std::vector<std::string>{pattern}); };
  };
  test::expect_error(ErrorCode::kUnsupported, {"split regex \"(a\"", "parenthes"}, make("(a"));
  test::expect_error(ErrorCode::kUnsupported, {"nested character classes"}, make("[a[bc]]"));
  test::expect_error(ErrorCode::kUnsupported, {"intersections"}, make("[a-z&&b]"));
  test::expect_error(ErrorCode::kUnsupported, {"\\h is not supported"}, make("\\h"));
  test::expect_error(ErrorCode::kUnsupported, {"longer than"}, make(std::string(20000, 'a')));
  EXPECT_EQ(translate_pattern("[[:alpha:]]]"), "[[:alpha:]]]");
  EXPECT_EQ(translate_pattern("[]a]\\["), "[]a]\\[");
}

TEST(SplitRegex, PathologicalPatternsEndWithAnError) {
  const SplitRegexes split(std::vector<std::string>{"(a+a+)+$"});
  test::expect_error(ErrorCode::kUnsupported, {"limit"}, [&] { (void)split.split(std::string(64, 'a') + "b"); });
}

TEST(SplitRegex, LongRunsAreFine) {
  const SplitRegexes gpt2 = regexes("llama-bpe");
  for (const char* unit : {" ", "a", "1", "\n", "!", "\xF0\x9F\x98\x80"}) {
    std::string text;
    for (int i = 0; i < 200000; ++i) text += unit;
    std::size_t total = 0;
    for (const std::string_view piece : gpt2.split(text)) total += piece.size();
    EXPECT_EQ(total, text.size());
  }
}

}  // namespace
}  // namespace xw::tokenizer
