// Whole corpora: round trips, formats of one vocabulary against each other, and libsentencepiece as oracle.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <sentencepiece_processor.h>

#include "tests/support/shared_data.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

using Ids = std::vector<TokenId>;

constexpr const char* kLlama2Bin = "data/tokenizers/llama2/tokenizer.bin";
constexpr const char* kLlama2Model = "data/tokenizers/llama2/tokenizer.model";
constexpr const char* kTok512Bin = "data/weights/stories260K/tok512.bin";
constexpr const char* kTok512Model = "data/weights/stories260K/tok512.model";
constexpr const char* kTok105Model = "data/weights/babyllama/tok105.model";

std::vector<std::string> lines_of(const char* corpus) {
  std::vector<std::string> lines;
  std::stringstream text(test::read_file(test::shared_path(corpus).value()));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

/// Every `kStride`-th line of all corpora; 1 compares everything.
constexpr std::size_t kStride = 5;

std::vector<std::string> some_lines() {
  std::vector<std::string> lines = lines_of("data/corpora/wiki.test.raw");
  for (const char* corpus :
       {"data/corpora/tinystories_sample_197KB.txt", "data/corpora/tinystories_sample_248KB.txt"}) {
    for (std::string& line : lines_of(corpus)) lines.push_back(std::move(line));
  }
  std::vector<std::string> chosen;
  for (std::size_t i = 0; i < lines.size(); i += kStride) chosen.push_back(std::move(lines[i]));
  return chosen;
}

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::shared_path(kLlama2Bin) || !test::shared_path("data/corpora/wiki.test.raw"))
      GTEST_SKIP() << "shared data is absent";
  }
  static Tokenizer open(const char* path) { return Tokenizer(read_tokenizer(test::shared_path(path).value())); }
};

TEST_F(Corpus, RoundTripsWholeFiles) {
  const std::string wiki = test::read_file(test::shared_path("data/corpora/wiki.test.raw").value());
  for (const char* path : {"data/tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf",
                           "data/tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf", kLlama2Bin, kTok512Bin}) {
    const Tokenizer t = open(path);
    EXPECT_EQ(t.decode(t.encode(wiki, true, false)), wiki) << path;
  }
}

TEST_F(Corpus, RoundTripsRandomUnicodeAndBytes) {
  const std::uint64_t seed = 2718;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 rng(seed);
  const Tokenizer gpt2 = open("data/tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf");
  const Tokenizer llama2 = open(kLlama2Bin);
  for (int round = 0; round < 500; ++round) {
    const std::string text = test::random_text(rng, rng() % 100, true);
    ASSERT_EQ(gpt2.decode(gpt2.encode(text, false, false)), text);
    ASSERT_EQ(llama2.decode(llama2.encode(text, false, false)), text);
  }
}

TEST_F(Corpus, Llama2FormatsAgreeWithEachOtherAndLibsentencepiece) {
  const Tokenizer bin = open(kLlama2Bin);
  const Tokenizer model = open(kLlama2Model);
  const Tokenizer gguf = open("data/tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf");
  EXPECT_EQ(bin.data().tokens, model.data().tokens);
  EXPECT_EQ(bin.data().scores, model.data().scores);
  sentencepiece::SentencePieceProcessor oracle;
  ASSERT_TRUE(oracle.Load(test::shared_path(kLlama2Model)->string()).ok());
  std::size_t tokens = 0;
  for (const std::string& line : some_lines()) {
    const Ids ids = bin.encode(line, false, false);
    ASSERT_EQ(ids, oracle.EncodeAsIds(line)) << line;
    ASSERT_EQ(ids, model.encode(line, false, false)) << line;
    ASSERT_EQ(ids, gguf.encode(line, false, false)) << line;
    ASSERT_EQ(bin.decode(ids), oracle.DecodeIds(ids)) << line;
    tokens += ids.size();
  }
  EXPECT_GT(tokens, 350000U / kStride);
}

TEST_F(Corpus, SmallModelsAgreeWithLibsentencepiece) {
  for (const char* path : {kTok512Model, kTok105Model}) {
    const Tokenizer t = open(path);
    sentencepiece::SentencePieceProcessor oracle;
    ASSERT_TRUE(oracle.Load(test::shared_path(path)->string()).ok());
    for (const std::string& line : some_lines()) {
      const Ids ids = t.encode(line, false, false);
      ASSERT_EQ(ids, oracle.EncodeAsIds(line)) << path << ": " << line;
      // tok105.model carries the text of its unknown token in escaped form, which only libsentencepiece shows.
      if (std::find(ids.begin(), ids.end(), t.data().unknown) != ids.end()) continue;
      ASSERT_EQ(t.decode(ids), oracle.DecodeIds(ids)) << path << ": " << line;
    }
  }
}

TEST_F(Corpus, Tok512FormatsAgreeWhereSpacesAreSingle) {
  const Tokenizer bin = open(kTok512Bin);
  const Tokenizer model =
      open(kTok512Model);  // its normalizer removes extra spaces, of which tokenizer.bin knows nothing
  EXPECT_EQ(bin.data().tokens, model.data().tokens);
  std::size_t compared = 0;
  for (const std::string& line : some_lines()) {
    if (line.starts_with(' ') || line.ends_with(' ') || line.find("  ") != std::string::npos) continue;
    ASSERT_EQ(bin.encode(line, true, false), model.encode(line, true, false)) << line;
    ++compared;
  }
  EXPECT_GT(compared, 1000U / kStride);
}

}  // namespace
}  // namespace xw::tokenizer
