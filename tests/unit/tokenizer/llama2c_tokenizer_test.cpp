// llama2.c tokenizer.bin files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "host/tokenizer/readers.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

std::string word(std::uint32_t value) {
  std::string out;
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}
std::string token(const std::string& text, float score) {
  return word(std::bit_cast<std::uint32_t>(score)) + word(static_cast<std::uint32_t>(text.size())) + text;
}
std::string sample() {
  std::string bytes = word(6) + token("<unk>", 0) + token("\n<s>\n", 0) + token("\n</s>\n", 0);
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", byte);
    bytes += token(text, 0);
  }
  return bytes + token(" t", -1) + token("he", -2) + token(" the", -3) + token(" ", -4) + token("t", -5) +
         token("h", -6) + token("e", -7);
}
TokenizerData read(const std::string& bytes) {
  return read_llama2c(test::as_bytes(bytes), "tok.bin");
}

TEST(Llama2cTokenizer, ReadsScoresAndBytes) {
  const TokenizerData data = read(sample());
  EXPECT_EQ(data.tokens.size(), 3U + 256 + 7);
  EXPECT_EQ(data.tokens[1], "<s>");
  EXPECT_EQ(data.types[2], TokenType::kControl);
  EXPECT_EQ(data.types[3 + 'A'], TokenType::kByte);
  EXPECT_EQ(data.tokens[261], "\xE2\x96\x81the");
  EXPECT_EQ(data.scores[261], -3);
  EXPECT_EQ(data.end_of_generation, (std::vector<TokenId>{2}));
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("the he\n", true, false), (std::vector<TokenId>{1, 261, 262, 260, 3 + '\n'}));
  EXPECT_EQ(t.decode(t.encode("the he\n", true, false)), "the he\n");
}

TEST(Llama2cTokenizer, TextsThatLookLikeBytesElsewhereAreText) {
  const std::string bytes =
      word(6) + token("<unk>", 0) + token("<s>", 0) + token("</s>", 0) + token(" ", -1) + token("<0x41>", -2);
  const TokenizerData data = read(bytes);
  EXPECT_EQ(data.types[4], TokenType::kNormal);
}

TEST(Llama2cTokenizer, EveryTruncationIsAnErrorOrAShorterVocabulary) {
  const std::string whole = sample();
  const std::size_t start = whole.size() - 60;
  for (std::size_t size = start; size < whole.size(); ++size) {
    try {
      EXPECT_LT(read(whole.substr(0, size)).tokens.size(), 266U);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFormat);
      EXPECT_NE(std::string(error.what()).find("truncated in "), std::string::npos) << error.what();
    }
  }
}

TEST(Llama2cTokenizer, NamesWhatIsWrong) {
  const auto fails = [](std::initializer_list<std::string_view> parts, const std::string& bytes) {
    test::expect_error(ErrorCode::kFormat, parts, [&] { (void)read(bytes); });
  };
  fails({"tok.bin, byte 0", "truncated"}, "abc");
  fails({"maximum token length 0"}, word(0));
  fails({"maximum token length 4294967295, expected 1 to"}, word(0xFFFFFFFF));
  fails({"byte 4", "header of token 0"}, word(5) + "xx");
  fails({"token 0 has a length of 4294967295"}, word(5) + word(0) + word(0xFFFFFFFF));
  fails({"truncated in token 0 of 9 bytes"}, word(5) + word(0) + word(9) + "ab");
  fails({"1 tokens, expected at least"}, word(5) + token("a", 0));
  fails({"token 266 is a duplicate of token 260"}, sample() + token("he", 0));
  fails({"token 266 is empty"}, sample() + token("", 0));
  fails({"score of token 266 is not finite"}, sample() + token("x", std::numeric_limits<float>::quiet_NaN()));
}

}  // namespace
}  // namespace xw::tokenizer
