// Where a continuation begins among the tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/encoded_task.hpp"

#include <gtest/gtest.h>

#include "host/evaluation/text.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/evaluation/bigram.hpp"

namespace xw::evaluation {
namespace {

using test::Tokens;
using xw::test::expect_error;

// The characters are <s> a b c d and the space: 0 to 5.
EncodedRequest encoded(const Request& request, std::int32_t bos = -1, std::uint32_t limit = 64) {
  return encode_request(test::characters(bos >= 0), request, bos, limit, "here");
}

TEST(EncodeRequest, TheContinuationIsWhatTheWholeTextHasBehindTheContext) {
  EXPECT_EQ(encoded({"ab", " c"}), (EncodedRequest{{1, 2, 5, 3}, 2}));
  EXPECT_EQ(encoded({"ab", " c"}, 0), (EncodedRequest{{0, 1, 2, 5, 3}, 3}));
}

TEST(EncodeRequest, WhiteSpaceAtTheEndOfTheContextBelongsToTheContinuation) {
  EXPECT_EQ(encoded({"ab  ", "c"}), (EncodedRequest{{1, 2, 5, 5, 3}, 2}));
}

TEST(EncodeRequest, MergesAcrossTheBorderCountForTheContinuation) {
  tokenizer::TokenizerData data = test::characters(false).data();
  data.tokens.push_back("bc");
  data.types.push_back(tokenizer::TokenType::kNormal);
  data.merges = {"b c"};
  const tokenizer::Tokenizer tokenizer(std::move(data));
  // The context alone is a b, the whole a bc: as many tokens as the context has stand before the continuation.
  EXPECT_EQ(encode_request(tokenizer, {"ab", "cd"}, -1, 64, "here"), (EncodedRequest{{1, 6, 4}, 2}));
  expect_error(ErrorCode::kInvalidArgument, "here: the continuation 'c' adds no token to its context", [&] {
    static_cast<void>(encode_request(tokenizer, {"ab", "c"}, -1, 64, "here"));
  });
}

TEST(EncodeRequest, ATextWithItsOwnBeginningGetsNoSecondOne) {
  EXPECT_EQ(encoded({"<s>a", "b"}, 0), (EncodedRequest{{0, 1, 2}, 2}));
}

TEST(EncodeRequest, WithoutContextTheBeginningOfASequenceIsOne) {
  EXPECT_EQ(encoded({"", "a"}), (EncodedRequest{{0, 1}, 1}));
  EXPECT_EQ(encoded({"  ", "a"}), (EncodedRequest{{0, 5, 5, 1}, 1}));
  EXPECT_EQ(encoded({"", "a"}, 0), (EncodedRequest{{0, 1}, 1}));
  tokenizer::TokenizerData data = test::characters(false).data();
  data.bos = -1;
  data.eos = 4;
  EXPECT_EQ(encode_request(tokenizer::Tokenizer(data), {"", "a"}, -1, 64, "here"), (EncodedRequest{{4, 1}, 1}));
  data.eos = -1;
  expect_error(ErrorCode::kInvalidArgument, "here: the context is empty", [&] {
    static_cast<void>(encode_request(tokenizer::Tokenizer(data), {"", "a"}, -1, 64, "here"));
  });
}

TEST(EncodeRequest, LongContextsLoseTheirBeginning) {
  // Five inputs predict the sixth token.
  EXPECT_EQ(encoded({"ddddddddab", " c"}, -1, 5), (EncodedRequest{{4, 4, 1, 2, 5, 3}, 4}));
  EXPECT_EQ(encoded({"ab", "bcd"}, -1, 3), (EncodedRequest{{2, 2, 3, 4}, 1}));
  expect_error(ErrorCode::kInvalidArgument, "here: the continuation has 4 tokens, the context of the model 3", [] {
    static_cast<void>(encoded({"ab", "bcda"}, -1, 3));
  });
}

TEST(EncodePrompt, LeavesRoomForWhatIsGenerated) {
  const auto prompt = [](const std::string& text, std::uint32_t limit, std::uint32_t tokens) {
    return encode_prompt(test::characters(true), text, 0, limit, tokens, "here");
  };
  EXPECT_EQ(prompt("abc", 8, 4), (EncodedRequest{{0, 1, 2, 3}, 4}));
  EXPECT_EQ(prompt("abcd", 8, 5), (EncodedRequest{{2, 3, 4}, 3}));
  expect_error(ErrorCode::kInvalidArgument, "here: expected fewer new tokens than the context of the model, 8, found 8",
               [&] { static_cast<void>(prompt("a", 8, 8)); });
}

TEST(WhiteSpace, IsThatOfUnicode) {
  EXPECT_EQ(trimmed("\t a b \n\xC2\xA0\xE3\x80\x80"), "a b");
  EXPECT_EQ(trimmed(" \xE2\x80\x89"), "");
  EXPECT_EQ(trimmed("a\xE2\x80\x8B"), "a\xE2\x80\x8B") << "the zero-width space is none";
  EXPECT_EQ(trimmed_end("ab\xA0"), 3U) << "not UTF-8";
}

}  // namespace
}  // namespace xw::evaluation
