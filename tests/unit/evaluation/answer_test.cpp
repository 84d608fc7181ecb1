// Generated answers. The expected extractions are those of Python's re.findall with the patterns of lm-evaluation-harness's GSM8K.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "host/evaluation/score.hpp"
#include "tests/unit/evaluation/bigram.hpp"

namespace xw::evaluation {
namespace {

TEST(AnswerFilterTest, FindsTheMarkedNumber) {
  const auto found = [](const char* text) { return filtered_answer(text, AnswerFilter::kStrictMatch); };
  EXPECT_EQ(found("so #### 42 and #### 43"), "42");
  EXPECT_EQ(found("#### -1,234.50."), "-1,234.50.");
  EXPECT_EQ(found("#### x #### 7"), "7");
  EXPECT_EQ(found("####7"), "[invalid]");
  EXPECT_EQ(found("#### -"), "[invalid]");
  EXPECT_EQ(found("#### $5"), "[invalid]");
}

TEST(AnswerFilterTest, FindsTheLastNumber) {
  const auto found = [](const char* text) { return filtered_answer(text, AnswerFilter::kFlexibleExtract); };
  EXPECT_EQ(found("3 apples and 4 more: 7"), "7");
  EXPECT_EQ(found("it costs $1,200.00 in all."), "$1,200.00");
  EXPECT_EQ(found("5 - 12 = -7"), "-7");
  EXPECT_EQ(found("-7."), "-7.");
  EXPECT_EQ(found("1 --- ..."), "...");
  EXPECT_EQ(found("a $ b . c -"), "[invalid]");
  EXPECT_EQ(found(""), "[invalid]");
}

TEST(AnswerFilterTest, StripsOrLeavesTheText) {
  EXPECT_EQ(filtered_answer(" \n x y\t", AnswerFilter::kStrip), "x y");
  EXPECT_EQ(filtered_answer(" x ", AnswerFilter::kNone), " x ");
}

TEST(IsAnswer, ComparesAsTheRuleSays) {
  GenerationRule rule;
  EXPECT_TRUE(is_answer("x", {"y", " x\n"}, rule));
  EXPECT_FALSE(is_answer("x", {"X", "x."}, rule));
  rule.ignore_case = true;
  EXPECT_TRUE(is_answer("x", {"X"}, rule));
  rule.ignore_punctuation = true;
  EXPECT_TRUE(is_answer("x", {"(X.)"}, rule));
  rule = {};
  rule.filter = AnswerFilter::kNone;
  EXPECT_FALSE(is_answer("x", {" x"}, rule));
  rule.filter = AnswerFilter::kStrictMatch;
  EXPECT_TRUE(is_answer("$1,200.", {"first 600 #### 5 #### 1200"}, rule));
  EXPECT_FALSE(is_answer("[invalid]", {"#### 1200"}, rule));
}

/// After every letter comes the next one, after d the space, after it <s>, which ends.
struct Alphabet {
  test::Bigram bigram{32};
  tokenizer::TokenizerData data = test::characters(false).data();
  Alphabet() {
    for (std::size_t i = 0; i < test::kVocab; ++i) bigram.table[(i + 1) % test::kVocab * test::kVocab + i] += 50;
    data.end_of_generation = {0};
  }
};

TEST(GenerateAnswer, EndsAtATextATokenOrTheNumberOfTokens) {
  Alphabet alphabet;
  const tokenizer::Tokenizer tokenizer(alphabet.data);
  transformer::Session session(*alphabet.bigram.model);
  const auto generated = [&](std::vector<std::string> until, std::uint32_t tokens) {
    GenerationRule rule;
    rule.until = std::move(until);
    rule.max_tokens = tokens;
    return generate_answer(*alphabet.bigram.model, session, tokenizer, {{5, 1}, 2}, rule, 7);
  };
  EXPECT_EQ(generated({}, 20), "bcd ");
  EXPECT_EQ(generated({}, 2), "bc");
  EXPECT_EQ(generated({"x", "cd"}, 20), "b") << "the text that ends it is not part of it";
  EXPECT_EQ(generated({"d", "c"}, 20), "b") << "the first in the text, not in the list";
  alphabet.bigram.vectors.clear();
  EXPECT_EQ(generated({"b"}, 20), "");
  EXPECT_EQ(alphabet.bigram.vectors, (std::vector<std::uint32_t>{8}))
      << "only the last token of the prompt has logits, from vector 7 + 1 on";
}

}  // namespace
}  // namespace xw::evaluation
