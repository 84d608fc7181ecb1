// Byte-level BPE on a small vocabulary with hand-worked ids.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "tests/support/warnings.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

using Ids = std::vector<TokenId>;

TEST(ByteAlphabet, IsABijectionWithKnownValues) {
  std::set<std::uint32_t> seen;
  for (unsigned byte = 0; byte < 256; ++byte) seen.insert(byte_to_code_point(static_cast<std::uint8_t>(byte)));
  EXPECT_EQ(seen.size(), 256U);
  EXPECT_EQ(byte_to_code_point(' '), 0x120U);  // as in GPT-2's vocabulary
  EXPECT_EQ(byte_to_code_point('\n'), 0x10AU);
  EXPECT_EQ(byte_to_code_point('!'), static_cast<std::uint32_t>('!'));
  EXPECT_EQ(byte_to_code_point(0xAD), 0x143U);
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
  EXPECT_FALSE(from_byte_alphabet("a b").has_value());
  EXPECT_FALSE(from_byte_alphabet("\xFF").has_value());
  EXPECT_FALSE(from_byte_alphabet("\xE2\x96\x81").has_value());
}

TEST(ByteLevelBpe, MergesByRank) {
  const Tokenizer t(test::byte_level_sample());
  EXPECT_EQ(t.encode("hello", false, false), (Ids{259}));
  EXPECT_EQ(t.encode("hell he ll", false, false), (Ids{258, ' ', 256, ' ', 257}));
  EXPECT_EQ(t.encode("lll", false, false), (Ids{257, 'l'}));  // leftmost first
  EXPECT_EQ(t.encode("hello world", false, false), (Ids{259, 260, 'o', 'r', 'l', 'd'}));
  EXPECT_EQ(t.encode("", false, false), Ids{});
  EXPECT_EQ(t.encode("\xC3\xA4", false, false), (Ids{0xC3, 0xA4}));
}

TEST(ByteLevelBpe, KeepsBytesThatAreNotUtf8) {
  const Tokenizer t(test::byte_level_sample());
  EXPECT_EQ(t.encode("he\xFF\xC3(\x80hello", false, false), (Ids{256, 0xFF, 0xC3, '(', 0x80, 259}));
  EXPECT_EQ(t.decode(Ids{256, 0xFF, 0xC3, '('}), "he\xFF\xC3(");
}

TEST(ByteLevelBpe, SpecialTokens) {
  TokenizerData data = test::byte_level_sample();
  data.add_bos = data.add_eos = true;
  const Tokenizer t(data);
  const Ids control_as_text = t.encode("<|endoftext|>", false, false);
  EXPECT_EQ(control_as_text.size(), 13U);
  EXPECT_EQ(t.encode("he<|endoftext|>he", false, true), (Ids{256, 261, 256}));
  EXPECT_EQ(t.encode("he<user>he", false, false), (Ids{256, 262, 256})) << "user-defined tokens are always split off";
  EXPECT_EQ(t.encode("he", true, false), (Ids{261, 256, 261}));
  EXPECT_EQ(t.piece(261), "");
  EXPECT_EQ(t.piece(261, true), "<|endoftext|>");
  EXPECT_EQ(t.piece(262), "<user>");
  EXPECT_EQ(t.decode(Ids{261, 256, 262}, true), "<|endoftext|>he<user>");
  EXPECT_TRUE(t.is_end_of_generation(261));
  EXPECT_FALSE(t.is_end_of_generation(262));
}

TEST(ByteLevelBpe, LongestSpecialTokenWins) {
  TokenizerData data = test::byte_level_sample();
  data.tokens.insert(data.tokens.end(), {"<|end", "<|end|>"});
  data.types.insert(data.types.end(), 2, TokenType::kControl);
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("<|end<|end|><|endoftext|><|e", false, true), (Ids{263, 264, 261, '<', '|', 'e'}));
}

TEST(ByteLevelBpe, SpecialTokensSwallowWhiteSpace) {
  TokenizerData data = test::byte_level_sample();
  data.strip_left = {261};
  data.strip_right = {262};
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("he \n <|endoftext|> he", false, true), (Ids{256, 261, ' ', 256}));
  EXPECT_EQ(t.encode("he <user> \xC2\xA0\n he", false, true), (Ids{256, ' ', 262, 256}));
  EXPECT_EQ(t.encode("<user>  <|endoftext|>", false, true), (Ids{262, 261}));
}

TEST(ByteLevelBpe, IgnoreMergesTakesWholeWords) {
  TokenizerData data = test::byte_level_sample();
  data.tokens.push_back("hehe");  // no merge makes it
  data.types.push_back(TokenType::kNormal);
  EXPECT_EQ(Tokenizer(data).encode("hehe", false, false), (Ids{256, 256}));
  data.ignore_merges = true;
  EXPECT_EQ(Tokenizer(data).encode("hehe", false, false), (Ids{263}));
  EXPECT_EQ(Tokenizer(data).encode("hehehe", false, false), (Ids{256, 256, 256})) << "only whole pre-tokens";
}

TEST(ByteLevelBpe, SpacePrefixUnlessThereIsOne) {
  TokenizerData data = test::byte_level_sample();
  data.add_space_prefix = true;
  data.space_prefix_rule = SpacePrefixRule::kEverySegmentUnlessSpace;
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("w", false, false), (Ids{260}));
  EXPECT_EQ(t.encode(" w", false, false), (Ids{260}));
  EXPECT_EQ(t.encode("", false, false), Ids{});
}

TEST(ByteLevelBpe, BytesWithoutTokenAreLeftOut) {
  TokenizerData data = test::byte_level_sample();
  data.tokens['x'] = "unreachable";
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("axb", false, false), (Ids{'a', 'b'}));
}

TEST(ByteLevelBpe, RoundTripsAnyBytes) {
  const Tokenizer t(test::byte_level_sample());
  const std::uint64_t seed = 99;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 500; ++round) {
    const std::string text = test::random_text(rng, rng() % 60, true);
    ASSERT_EQ(t.decode(t.encode(text, false, false), true), text);
  }
}

TEST(Tokenizer, IdsBeyondTheVocabularyDecodeToNothing) {
  const Tokenizer t(test::byte_level_sample());
  StreamDecoder stream(t);
  for (const TokenId id : {263, 1 << 30}) {
    EXPECT_EQ(t.piece(id), "");
    EXPECT_EQ(t.piece(id, true), "");
    EXPECT_FALSE(t.is_end_of_generation(id));
    EXPECT_EQ(t.decode(Ids{'a', id, 'b'}), "ab");
    EXPECT_EQ(stream.push('a') + stream.push(id) + stream.push('b'), "ab");
  }
}

TEST(Tokenizer, RejectsNegativeIds) {
  const Tokenizer t(test::byte_level_sample());
  test::expect_error(ErrorCode::kInvalidArgument, {"token id -1"}, [&] { (void)t.piece(-1); });
  test::expect_error(ErrorCode::kInvalidArgument, {"token id -1"}, [&] { (void)t.is_end_of_generation(-1); });
  test::expect_error(ErrorCode::kInvalidArgument, {"token id -1"}, [&] { (void)t.decode(Ids{0, -1}); });
}

TEST(Tokenizer, WarnsOfABeginningThatIsThereTwice) {
  TokenizerData data = test::byte_level_sample();
  data.add_bos = true;
  const Tokenizer t(data);
  test::Warnings warnings;
  EXPECT_EQ(t.encode("a", true, true), (Ids{261, 'a'}));
  EXPECT_EQ(t.encode("<|endoftext|>a", false, true), (Ids{261, 'a'}));
  EXPECT_EQ(warnings.text, "");
  EXPECT_EQ(t.encode("<|endoftext|>a", true, true), (Ids{261, 261, 'a'}));
  EXPECT_TRUE(warnings.has("begins with <|endoftext|>, which the tokenizer adds")) << warnings.text;
}

}  // namespace
}  // namespace xw::tokenizer
