// Token ids that other implementations gave.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "host/tokenizer/unicode/utf8.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<TokenId>;

nlohmann::json fixture(const char* name) {
  return nlohmann::json::parse(test::read_file(test::source_dir() / "tests/fixtures/tokenizer" / name));
}

/// A file named by an environment variable, or below the project's cache.
std::optional<fs::path> cached(const char* variable, const char* relative) {
  const char* named = std::getenv(variable);
  const fs::path path = named != nullptr ? fs::path(named) : test::source_dir() / ".cache" / relative;
  return fs::exists(path) ? std::optional(path) : std::nullopt;
}

/// Texts separated by lines "__ggml_vocab_test__" in .inp, one line of ids for each in .out.
void expect_ggml_vectors(const Tokenizer& t, const std::string& name) {
  const auto inputs = test::shared_path("data/tokenizers/ggml-vocab/" + name + ".gguf.inp");
  const auto outputs = test::shared_path("data/tokenizers/ggml-vocab/" + name + ".gguf.out");
  ASSERT_TRUE(inputs && outputs);
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::string rest = test::read_file(*inputs);
  std::stringstream lines(test::read_file(*outputs));
  std::string line;
  std::size_t count = 0;
  for (std::size_t pos = 0; pos < rest.size(); ++count) {
    const std::size_t end = rest.find(separator, pos);
    const std::string text = rest.substr(pos, end == std::string::npos ? end : end - pos);
    if (end == std::string::npos) break;  // what follows the last separator is no case
    ASSERT_TRUE(std::getline(lines, line));
    std::stringstream words(line);
    Ids expected;
    for (TokenId id = 0; words >> id;) expected.push_back(id);
    EXPECT_EQ(t.encode(text, false, false), expected) << "[" << text << "]";
    EXPECT_EQ(t.decode(expected), text);
    pos = end + separator.size();
  }
  EXPECT_GE(count, 40U);
}

TEST(GgmlVectors, Gpt2) {
  const auto vocab = test::shared_path("data/tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf");
  if (!vocab) GTEST_SKIP() << "shared data is absent";
  expect_ggml_vectors(Tokenizer(read_tokenizer(*vocab)), "ggml-vocab-gpt-2");
}

TEST(GgmlVectors, LlamaSentencePiece) {
  const auto vocab = test::shared_path("data/tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf");
  if (!vocab) GTEST_SKIP() << "shared data is absent";
  expect_ggml_vectors(Tokenizer(read_tokenizer(*vocab)), "ggml-vocab-llama-spm");
  const auto model = test::shared_path("data/tokenizers/llama2/tokenizer.bin");
  expect_ggml_vectors(Tokenizer(read_tokenizer(model.value())), "ggml-vocab-llama-spm");
}

TEST(GgmlVectors, Llama3) {
  if (!test::shared_path("data/tokenizers/ggml-vocab/ggml-vocab-llama-bpe.gguf.inp"))
    GTEST_SKIP() << "shared data is absent";
  const auto json = cached("XW_LLAMA3_TOKENIZER", "tokenizers/llama3/tokenizer.json");
  if (!json) GTEST_SKIP() << "no Llama 3 tokenizer; scripts/fetch_tokenizer.sh llama3 gets it";
  const Tokenizer t(read_tokenizer(*json));
  EXPECT_EQ(t.data().pre_tokenizer, "llama-bpe");
  EXPECT_TRUE(t.data().ignore_merges);
  EXPECT_TRUE(t.data().add_bos);
  EXPECT_EQ(t.data().bos, 128000);
  EXPECT_EQ(t.vocab_size(), 128256U);
  expect_ggml_vectors(t, "ggml-vocab-llama-bpe");
}

TEST(LlamaCppVectors, PreTokenizers) {
  const auto vocab = test::shared_path("data/tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf");
  if (!vocab) GTEST_SKIP() << "shared data is absent";
  const TokenizerData gpt2 = read_tokenizer(*vocab);
  for (const auto& family : fixture("pre_tokenizer_vectors.json")) {
    TokenizerData data = gpt2;
    const auto pre = find_pre_tokenizer(family.at("pre").get<std::string>());
    ASSERT_TRUE(pre.has_value());
    data.split_regexes = pre->split_regexes;
    data.ignore_merges = pre->ignore_merges;
    const Tokenizer t(data);
    for (const auto& vector : family.at("vectors")) {
      EXPECT_EQ(t.encode(vector.at("text").get<std::string>(), false, false), vector.at("ids").get<Ids>())
          << family.at("pre") << ": " << vector.at("text");
    }
  }
}

TEST(LlamaCppVectors, SmolLm2) {
  const auto model = cached("XW_SMOLLM2_GGUF", "models/SmolLM2-135M-Instruct.Q4_1.gguf");
  if (!model) GTEST_SKIP() << "no SmolLM2 model in .cache/models or $XW_SMOLLM2_GGUF";
  const Tokenizer t(read_tokenizer(*model));
  EXPECT_EQ(t.data().pre_tokenizer, "smollm");
  EXPECT_EQ(t.vocab_size(), 49152U);
  EXPECT_FALSE(t.data().add_bos);
  EXPECT_TRUE(t.is_end_of_generation(2)) << "<|im_end|>";
  EXPECT_TRUE(t.is_end_of_generation(0)) << "<|endoftext|>";
  const nlohmann::json vectors = fixture("smollm2_vectors.json");
  for (const auto& vector : vectors.at("vectors")) {
    EXPECT_EQ(t.encode(vector.at("text").get<std::string>(), false, false), vector.at("ids").get<Ids>())
        << vector.at("text");
  }
  const auto& special = vectors.at("special");
  EXPECT_EQ(t.encode(special.at("text").get<std::string>(), false, true), special.at("ids").get<Ids>());
  EXPECT_EQ(parse(serialize(t.data()), "memory"), t.data());
}

TEST(LlamaCppVectors, Gemma3) {
  const auto model = cached("XW_GEMMA3_GGUF", "models/gemma-3-270m-q4_k_m.gguf");
  if (!model)
    GTEST_SKIP() << "no Gemma 3 model in .cache/models or $XW_GEMMA3_GGUF; scripts/fetch_model.sh gemma3-270m";
  const Tokenizer t(read_tokenizer(*model));
  EXPECT_EQ(t.vocab_size(), 262144U);
  EXPECT_TRUE(t.data().add_bos);
  EXPECT_EQ(t.data().bos, 2);
  EXPECT_FALSE(t.data().add_space_prefix);
  EXPECT_TRUE(t.is_end_of_generation(1)) << "<eos>";
  EXPECT_TRUE(t.is_end_of_generation(106)) << "<end_of_turn>";
  const nlohmann::json vectors = fixture("gemma3_vectors.json");
  for (const auto& vector : vectors.at("vectors")) {
    const auto text = vector.at("text").get<std::string>();
    const auto ids = vector.at("ids").get<Ids>();
    EXPECT_EQ(t.encode(text, false, false), ids) << vector.at("text");
    EXPECT_EQ(t.decode(ids), replace_all(text, kSpaceSymbol, " "));  // a visible space becomes a space
  }
  const auto& special = vectors.at("special");
  EXPECT_EQ(t.encode(special.at("text").get<std::string>(), false, true), special.at("ids").get<Ids>());
  EXPECT_EQ(parse(serialize(t.data()), "memory"), t.data());
}

TEST(HuggingFaceVectors, Gemma3) {
  const auto file = cached("XW_GEMMA3_TOKENIZER", "tokenizers/gemma3/tokenizer.json");
  if (!file) GTEST_SKIP() << "no tokenizer.json of Gemma 3; scripts/fetch_tokenizer.sh gemma3, or $XW_GEMMA3_TOKENIZER";
  const Tokenizer t(read_tokenizer(*file));
  EXPECT_TRUE(t.data().add_bos);
  EXPECT_EQ(t.data().bos, 2);
  EXPECT_TRUE(t.is_end_of_generation(106)) << "<end_of_turn>";
  const nlohmann::json vectors = fixture("gemma3_vectors.json");
  for (const auto& vector : vectors.at("vectors")) {  // that implementation always recognises special tokens
    const auto& ids = vector.contains("hf") ? vector.at("hf") : vector.at("ids");
    const auto text = vector.at("text").get<std::string>();
    if (text.find(kSpaceSymbol) != std::string::npos)
      continue;  // docs/tokenizers.md: visible spaces in texts are spaces
    EXPECT_EQ(t.encode(text, false, true), ids.get<Ids>()) << vector.at("text");
  }
}

}  // namespace
}  // namespace xw::tokenizer
