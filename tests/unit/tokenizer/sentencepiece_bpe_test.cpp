// SentencePiece BPE: hand-worked ids, and libsentencepiece as an independent oracle on models that it trains here.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <unistd.h>

#include "host/tokenizer/readers.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

using Ids = std::vector<TokenId>;

TEST(SentencePieceBpe, MergesByScore) {
  const Tokenizer t(test::sentencepiece_sample());
  EXPECT_EQ(t.encode("the", false, false), (Ids{261}));
  EXPECT_EQ(t.encode("the", true, false), (Ids{1, 261}));
  EXPECT_EQ(t.encode("", true, false), (Ids{1})) << "no prefix for an empty text";
  EXPECT_EQ(t.encode("the the", false, false), (Ids{261, 261}));
  // U+2581 t wins over h e by score; what is left of a run of spaces stays single.
  EXPECT_EQ(t.encode("  the", false, false), (Ids{262, 261}));
  EXPECT_EQ(t.encode("\xC3\xA4", false, false), (Ids{263, 267}));
}

TEST(SentencePieceBpe, FallsBackToBytes) {
  const Tokenizer t(test::sentencepiece_sample());
  EXPECT_EQ(t.encode("\n", false, false), (Ids{263, 3 + '\n'}));
  EXPECT_EQ(t.encode("he\xE2\x82\xAC", false, false), (Ids{263, 260, 3 + 0xE2, 3 + 0x82, 3 + 0xAC}));
  EXPECT_EQ(t.encode("he\xFFt", false, false), (Ids{263, 260, 3 + 0xFF, 264})) << "bytes that are not UTF-8";
  EXPECT_EQ(t.decode(Ids{1, 263, 260, 3 + 0xE2, 3 + 0x82, 3 + 0xAC, 2}), "he\xE2\x82\xAC");
}

TEST(SentencePieceBpe, UnknownTokenOncePerRunWithoutBytes) {
  TokenizerData data = test::sentencepiece_sample();
  for (TokenType& type : data.types) type = type == TokenType::kByte ? TokenType::kUnused : type;
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("xyz he \xE2\x82\xAC", false, false), (Ids{263, 0, 263, 260, 263, 0}));
  EXPECT_EQ(t.decode(Ids{263, 0, 263, 260}), " \xE2\x81\x87  he");
}

TEST(SentencePieceBpe, SpacePrefixRules) {
  TokenizerData data = test::sentencepiece_sample();
  const auto encode = [&](SpacePrefixRule rule, const char* text) {
    data.space_prefix_rule = rule;
    return Tokenizer(data).encode(text, false, true);
  };
  EXPECT_EQ(encode(SpacePrefixRule::kEverySegment, "the<s>the"), (Ids{261, 1, 261}));
  EXPECT_EQ(encode(SpacePrefixRule::kTextStart, "the<s>the"), (Ids{261, 1, 264, 260}));
  EXPECT_EQ(encode(SpacePrefixRule::kTextStart, "<s>the"), (Ids{263, 1, 264, 260}));
  EXPECT_EQ(encode(SpacePrefixRule::kEverySegment, "<s>the"), (Ids{1, 261}));
  EXPECT_EQ(encode(SpacePrefixRule::kEverySegmentUnlessSpace, "<s> the"), (Ids{1, 261}));
  EXPECT_EQ(encode(SpacePrefixRule::kEverySegmentUnlessSpace, "the<s>the"), (Ids{261, 1, 261}));
  EXPECT_EQ(encode(SpacePrefixRule::kFirstSegmentUnlessSpace, "the<s>the"), (Ids{261, 1, 264, 260}));
  EXPECT_EQ(encode(SpacePrefixRule::kFirstSegmentUnlessSpace, " the"), (Ids{261}));
  data.add_space_prefix = false;
  EXPECT_EQ(encode(SpacePrefixRule::kEverySegment, "the"), (Ids{264, 260}));
  EXPECT_EQ(Tokenizer(data).decode(Ids{261}), " the") << "without a prefix no space is dropped";
}

TEST(SentencePieceBpe, MergesByRankIfThereAreMerges) {
  TokenizerData data = test::sentencepiece_sample();
  data.scores.clear();
  data.merges = {"h e", "\xE2\x96\x81 t", "\xE2\x96\x81t he"};
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("the", false, false), (Ids{261}));
  EXPECT_EQ(t.encode("  the", false, false), (Ids{263, 263, 261})) << "there is no merge of two spaces";
}

TEST(SentencePieceBpe, TokensAcrossSpacesAreFound) {
  TokenizerData data = test::sentencepiece_sample();
  data.tokens.emplace_back("e\xE2\x96\x81");
  data.scores.push_back(100);
  data.types.push_back(TokenType::kNormal);
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("he t", false, false), (Ids{263, 265, 268, 264}));
}

TEST(SentencePieceBpe, UnusedTokensAreTakenApartAgain) {
  TokenizerData data = test::sentencepiece_sample();
  data.types[260] = TokenType::kUnused;  // "he"
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("the he", false, false), (Ids{261, 263, 265, 266}));
}

TEST(SentencePieceBpe, DropsSpaceOfTheFirstPieceOnly) {
  const Tokenizer t(test::sentencepiece_sample());
  EXPECT_EQ(t.decode(Ids{261, 261}), "the the");
  EXPECT_EQ(t.decode(Ids{1, 261}), "the");
  EXPECT_EQ(t.decode(Ids{262, 260}), " he");
  EXPECT_EQ(t.decode(Ids{260, 261}), "he the");
  EXPECT_EQ(t.decode(Ids{1, 261, 2}, true), "<s>the</s>");
  EXPECT_EQ(t.piece(261), " the");
}

// ---- libsentencepiece as oracle ----

/// A text with words, numbers, punctuation, accents and repeated spaces.
std::vector<std::string> training_lines() {
  std::vector<std::string> lines;
  std::mt19937_64 rng(12345);
  const std::vector<std::string> words = {"the",
                                          "analog",
                                          "chip",
                                          "multiplies",
                                          "matrices",
                                          "and",
                                          "vectors",
                                          "in",
                                          "memory",
                                          "Z\xC3\xBCrich",
                                          "\xC3\xA9t\xC3\xA9",
                                          "tile",
                                          "tiles",
                                          "noise",
                                          "noisy",
                                          "drift",
                                          "drifts",
                                          "token",
                                          "tokens",
                                          "3.14",
                                          "2048",
                                          "na\xC3\xAFve"};
  for (int i = 0; i < 400; ++i) {
    std::string line;
    for (std::size_t n = 4 + rng() % 8; n > 0; --n)
      line += words[rng() % words.size()] + (rng() % 7 == 0 ? ", " : rng() % 9 == 0 ? "  " : " ");
    lines.push_back(line + ".");
  }
  return lines;
}

class TrainedModel {
 public:
  explicit TrainedModel(const std::string& options) {
    const std::filesystem::path folder = std::filesystem::temp_directory_path();
    const std::string stem =
        (folder / ("xw_sp_" + std::to_string(::getpid()) + "_" + std::to_string(std::hash<std::string>()(options))))
            .string();
    {
      std::ofstream text(stem + ".txt");
      for (const std::string& line : training_lines()) text << line << '\n';
    }
    const auto status = sentencepiece::SentencePieceTrainer::Train(
        "--input=" + stem + ".txt --model_prefix=" + stem +
        " --model_type=bpe --normalization_rule_name=identity --minloglevel=2 " + options);
    EXPECT_TRUE(status.ok()) << status.ToString();
    bytes_ = test::read_file(stem + ".model");
    for (const char* extension : {".txt", ".model", ".vocab"}) std::filesystem::remove(stem + extension);
    EXPECT_TRUE(oracle_.LoadFromSerializedProto(bytes_).ok());
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] Ids encode(const std::string& text) const { return oracle_.EncodeAsIds(text); }
  [[nodiscard]] std::string decode(const Ids& ids) const { return oracle_.DecodeIds(ids); }

 private:
  std::string bytes_;
  sentencepiece::SentencePieceProcessor oracle_;
};

class SentencePieceOracle : public testing::TestWithParam<const char*> {};

TEST_P(SentencePieceOracle, AgreesWithLibsentencepiece) {
  const TrainedModel model(GetParam());
  const Tokenizer t(read_sentencepiece_model(test::as_bytes(model.bytes()), "trained.model"));
  const std::uint64_t seed = 31;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 rng(seed);
  std::vector<std::string> texts = training_lines();
  for (int i = 0; i < 500; ++i) texts.push_back(test::random_text(rng, rng() % 40, false));
  for (const char* text : {"", " ", "  ", " a", "a ", "a  b", "<s>", "<unk>", "<0x41>", "\xE2\x96\x81", "[SEP]x[SEP]",
                           " [SEP] ", "tokentoken", "\n\n", "multipl"})
    texts.emplace_back(text);
  for (const std::string& text : texts) {
    const Ids expected = model.encode(text);
    ASSERT_EQ(t.encode(text, false, false), expected) << "[" << text << "]";
    ASSERT_EQ(t.decode(expected), model.decode(expected)) << "[" << text << "]";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options, SentencePieceOracle,
    testing::Values("--vocab_size=400 --byte_fallback=true",
                    "--vocab_size=400 --byte_fallback=true --remove_extra_whitespaces=false",
                    "--vocab_size=150 --remove_extra_whitespaces=false",
                    "--vocab_size=400 --byte_fallback=true --add_dummy_prefix=false",
                    "--vocab_size=400 --byte_fallback=true --user_defined_symbols=[SEP],ile",
                    "--vocab_size=200 --split_by_whitespace=false --remove_extra_whitespaces=false",
                    "--vocab_size=190 --bos_id=-1 --eos_id=-1 --pad_id=1 --split_digits=true"));

}  // namespace
}  // namespace xw::tokenizer
