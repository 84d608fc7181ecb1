// SentencePiece .model files: every error has a file that makes it fire.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "host/tokenizer/readers.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string number_field(unsigned number, std::uint64_t value) {
  return varint(number << 3) + varint(value);
}
std::string bytes_field(unsigned number, const std::string& bytes) {
  return varint((number << 3) | 2U) + varint(bytes.size()) + bytes;
}
std::string float_field(unsigned number, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  std::string out = varint((number << 3) | 5U);
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(bits >> (8 * i));
  return out;
}
std::string piece(const std::string& text, float score, unsigned type) {
  return bytes_field(1, bytes_field(1, text) + float_field(2, score) + number_field(3, type));
}
/// <unk>, <s>, </s>, U+2581, a, b, ab.
std::string pieces() {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("\xE2\x96\x81", -3, 1) +
         piece("a", -1, 1) + piece("b", -2, 1) + piece("ab", 0, 1);
}
std::string bpe() {
  return bytes_field(2, number_field(3, 2));
}

TokenizerData read(const std::string& bytes) {
  return read_sentencepiece_model(test::as_bytes(bytes), "x.model");
}

TEST(SentencePieceModel, ReadsPiecesAndDefaults) {
  const TokenizerData data = read(pieces() + bpe());
  EXPECT_EQ(data.algorithm, Algorithm::kSentencePieceBpe);
  EXPECT_EQ(data.tokens, (std::vector<std::string>{"<unk>", "<s>", "</s>", "\xE2\x96\x81", "a", "b", "ab"}));
  EXPECT_EQ(data.scores, (std::vector<float>{0, 0, 0, -3, -1, -2, 0}));
  EXPECT_EQ(data.types[0], TokenType::kUnknown);
  EXPECT_EQ(data.types[1], TokenType::kControl);
  EXPECT_EQ(data.unknown, 0);
  EXPECT_EQ(data.bos, 1);
  EXPECT_EQ(data.eos, 2);
  EXPECT_EQ(data.end_of_generation, (std::vector<TokenId>{2}));
  EXPECT_TRUE(data.add_bos);
  EXPECT_TRUE(data.add_space_prefix);
  EXPECT_TRUE(data.remove_extra_spaces);
  EXPECT_EQ(Tokenizer(data).encode("ab a", true, false), (std::vector<TokenId>{1, 3, 6, 3, 4}));
}

TEST(SentencePieceModel, ReadsNormalizerFlags) {
  const TokenizerData data =
      read(pieces() + bpe() + bytes_field(3, bytes_field(1, "identity") + number_field(3, 0) + number_field(4, 0)));
  EXPECT_FALSE(data.add_space_prefix);
  EXPECT_FALSE(data.remove_extra_spaces);
}

TEST(SentencePieceModel, UnknownFieldsAreSkipped) {
  const std::string extra =
      bytes_field(9, "abc") + number_field(10, 7) + varint((11U << 3) | 1U) + std::string(8, 'x') + float_field(12, 1);
  EXPECT_EQ(read(extra + pieces() + bpe() + extra), read(pieces() + bpe()));
}

TEST(SentencePieceModel, EveryTruncationIsAnError) {
  const std::string whole = pieces() + bpe();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    try {
      const TokenizerData data = read(whole.substr(0, size));
      ADD_FAILURE() << "no error for " << size << " of " << whole.size() << " bytes";
    } catch (const Error& error) {
      // Cut between pieces the model type is missing: unigram is the default.
      EXPECT_TRUE(error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kUnsupported) << error.what();
      EXPECT_NE(std::string(error.what()).find("x.model"), std::string::npos);
    }
  }
}

TEST(SentencePieceModel, NamesWhatIsWrong) {
  const auto fails = [](ErrorCode code, std::initializer_list<std::string_view> parts, const std::string& bytes) {
    test::expect_error(code, parts, [&] { (void)read(bytes); });
  };
  fails(ErrorCode::kFormat, {"x.model", "no pieces"}, "");
  fails(ErrorCode::kFormat, {"truncated"}, bytes_field(1, "abc").substr(0, 3));
  fails(ErrorCode::kFormat, {"wire type 7"}, std::string("\x0F"));
  fails(ErrorCode::kFormat, {"field number"}, std::string("\x02\x00", 2));
  fails(ErrorCode::kFormat, {"more than 10 bytes"}, std::string(11, '\xFF'));
  fails(ErrorCode::kFormat, {"field 1 has wire type 0, expected 2"}, number_field(1, 5));
  fails(ErrorCode::kFormat, {"piece 0", "type 9, expected 1 to 6"}, piece("a", 0, 9) + bpe());
  fails(ErrorCode::kFormat, {"token 7 is a duplicate of token 4: \"a\""}, pieces() + piece("a", 0, 1) + bpe());
  fails(ErrorCode::kFormat, {"token 7 is empty"}, pieces() + piece("", 0, 1) + bpe());
  fails(ErrorCode::kFormat, {"score of token 7 is not finite"},
        pieces() + piece("c", std::numeric_limits<float>::infinity(), 1) + bpe());
  fails(ErrorCode::kFormat, {"unknown-token id 99 is outside the vocabulary of 7"},
        pieces() + bytes_field(2, number_field(3, 2) + number_field(40, 99)));
  fails(ErrorCode::kFormat, {"byte token", "<0xZZ>"}, pieces() + piece("<0xZZ>", 0, 6) + bpe());
  fails(ErrorCode::kUnsupported, {"unigram", "BPE"}, pieces());
  fails(ErrorCode::kUnsupported, {"type 4 (char)"}, pieces() + bytes_field(2, number_field(3, 4)));
  fails(ErrorCode::kUnsupported, {"nmt_nfkc", "identity"},
        pieces() + bpe() + bytes_field(3, bytes_field(1, "nmt_nfkc") + bytes_field(2, "map")));
  fails(ErrorCode::kUnsupported, {"suffix"}, pieces() + bytes_field(2, number_field(3, 2) + number_field(24, 1)));
  fails(ErrorCode::kUnsupported, {"escaped"}, pieces() + bpe() + bytes_field(3, number_field(5, 0)));
}

TEST(SentencePieceModel, MissingControlTokensAreNone) {
  const TokenizerData data =
      read(pieces() + bytes_field(2, number_field(3, 2) + number_field(41, ~std::uint64_t{0}) + number_field(42, 4)));
  EXPECT_EQ(data.bos, -1);
  EXPECT_EQ(data.eos, -1) << "piece 4 is no control token";
  EXPECT_FALSE(data.add_bos);
}

}  // namespace
}  // namespace xw::tokenizer
