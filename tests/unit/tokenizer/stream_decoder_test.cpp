// Streaming decode of incomplete and broken UTF-8.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

TEST(StreamDecoder, HoldsBackIncompleteCharacters) {
  const Tokenizer t(test::byte_level_sample());
  StreamDecoder stream(t);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0xA6), "");
  EXPECT_EQ(stream.push(0x99), "\xF0\x9F\xA6\x99");
  EXPECT_EQ(stream.push(256), "he");
  EXPECT_EQ(stream.flush(), "");
}

TEST(StreamDecoder, ReplacesBrokenBytes) {
  const Tokenizer t(test::byte_level_sample());
  StreamDecoder stream(t);
  EXPECT_EQ(stream.push(0xFF), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.push(0xC3), "");
  EXPECT_EQ(stream.push('('), "\xEF\xBF\xBD(");
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.push(0x96), "");
  EXPECT_EQ(stream.flush(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.flush(), "");
}

TEST(StreamDecoder, DropsTheFirstSpaceOfSentencePiece) {
  const Tokenizer t(test::sentencepiece_sample());
  StreamDecoder stream(t);
  EXPECT_EQ(stream.push(1), "");       // <s>
  EXPECT_EQ(stream.push(261), "the");  // U+2581 "the"
  EXPECT_EQ(stream.push(261), " the");
  EXPECT_EQ(stream.push(2), "");
}

TEST(StreamDecoder, EqualsDecodeForWellFormedText) {
  const std::uint64_t seed = 4;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 rng(seed);
  const Tokenizer byte_level(test::byte_level_sample());
  const Tokenizer sentencepiece(test::sentencepiece_sample());
  for (int round = 0; round < 300; ++round) {
    const std::string text = test::random_text(rng, rng() % 50, false);
    for (const Tokenizer* t : {&byte_level, &sentencepiece}) {
      const std::vector<TokenId> ids = t->encode(text, true, false);
      StreamDecoder stream(*t);
      std::string streamed;
      for (const TokenId id : ids) streamed += stream.push(id);
      streamed += stream.flush();
      ASSERT_EQ(streamed, t->decode(ids));
      ASSERT_EQ(streamed, text);
    }
  }
}

}  // namespace
}  // namespace xw::tokenizer
