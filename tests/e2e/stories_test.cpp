// A real model end to end in fp32: checkpoint, tokenizer and host transformer against llama2.c's published output.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "host/evaluation/perplexity.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/generate.hpp"
#include "tests/support/shared_data.hpp"

namespace xw {
namespace {

using Tokens = std::vector<std::int32_t>;

constexpr std::int32_t kBos = 1;

struct Opened {
  explicit Opened(const std::filesystem::path& path, unsigned threads = 2) : pool(threads) {
    const std::shared_ptr<const checkpoint::Checkpoint> file = checkpoint::open_checkpoint(path);
    model = std::make_unique<transformer::Model>(checkpoint::import_graph(*file),
                                                 std::make_shared<toolchain::CheckpointSource>(file), nullptr, pool);
  }
  ThreadPool pool;
  std::unique_ptr<transformer::Model> model;
};

/// What llama2.c prints: greedy from BOS, one token for each of `steps` positions, ended by another BOS.
Tokens greedy(transformer::Model& model, std::uint32_t steps) {
  transformer::Session session(model);
  return transformer::generate(session, Tokens{kBos}, {steps, {kBos}, {}}).tokens;
}

std::vector<float> all_logits(transformer::Model& model, const Tokens& tokens, std::size_t batch) {
  transformer::Session session(model);
  std::vector<float> result;
  for (std::size_t begin = 0; begin < tokens.size(); begin += batch) {
    const auto logits = session.forward(std::span(tokens).subspan(begin, std::min(batch, tokens.size() - begin)),
                                        transformer::LogitsOf::kAll);
    result.insert(result.end(), logits.begin(), logits.end());
  }
  return result;
}

/// The folder of the model, or nothing when it is absent.
std::optional<std::filesystem::path> stories() {
  return test::shared_path("data/weights/stories260K");
}

#define XW_NEED_STORIES(folder)  \
  const auto folder = stories(); \
  if (!folder) GTEST_SKIP() << "needs data/weights/stories260K beside the project"

TEST(Stories260K, GreedyTextIsTheOneThatLlama2cPublishes) {
  XW_NEED_STORIES(folder);
  const std::string expected = read_text_file(*folder / "expected_greedy_n200.txt");
  const tokenizer::Tokenizer tokenizer(tokenizer::read_tokenizer(*folder / "tok512.bin"));
  for (const char* file : {"stories260K.bin", "stories260K_v1.bin"}) {
    const Opened opened(*folder / file);
    const Tokens tokens = greedy(*opened.model, 200);
    tokenizer::StreamDecoder decoder(tokenizer);
    std::string text;
    for (const std::int32_t token : tokens) text += decoder.push(token);
    text += decoder.flush();
    EXPECT_EQ(text, expected.substr(0, expected.find_last_not_of('\n') + 1)) << file;
  }
}

TEST(Stories260K, BothExportVersionsGiveTheSameLogits) {
  XW_NEED_STORIES(folder);
  const Opened v0(*folder / "stories260K.bin");
  const Opened v1(*folder / "stories260K_v1.bin");
  const Tokens tokens = greedy(*v0.model, 60);
  EXPECT_EQ(all_logits(*v0.model, tokens, tokens.size()), all_logits(*v1.model, tokens, tokens.size()));
}

TEST(Stories260K, BitsDependNeitherOnBatchesNorOnThreads) {
  XW_NEED_STORIES(folder);
  const Opened reference(*folder / "stories260K.bin", 1);
  Tokens tokens{kBos};
  const Tokens text = greedy(*reference.model, 300);
  tokens.insert(tokens.end(), text.begin(), text.end());
  const auto expected = all_logits(*reference.model, tokens, tokens.size());
  for (const unsigned threads : {1U, 2U, 3U}) {
    const Opened opened(*folder / "stories260K.bin", threads);
    for (const std::size_t batch : {1U, 7U, 64U}) {
      EXPECT_EQ(all_logits(*opened.model, tokens, batch), expected) << "batch " << batch << " threads " << threads;
    }
  }
}

TEST(Stories260K, PerplexityOfStoriesIsFarBelowThatOfChance) {
  XW_NEED_STORIES(folder);
  const auto corpus = test::shared_path("data/corpora/tinystories_sample_197KB.txt");
  if (!corpus) GTEST_SKIP() << "needs data/corpora/tinystories_sample_197KB.txt beside the project";
  const tokenizer::Tokenizer tokenizer(tokenizer::read_tokenizer(*folder / "tok512.bin"));
  const Opened opened(*folder / "stories260K.bin");
  evaluation::PerplexityOptions options;
  options.context = 256;
  options.max_tokens = 4000;
  options.bos = evaluation::BosChoice::kAlways;
  options.show_progress = false;
  const auto result = evaluation::perplexity(*opened.model, tokenizer, read_text_file(*corpus), options);
  EXPECT_EQ(result.tokens, 4000U);
  // The vocabulary has 512 tokens; the model was trained to a validation loss of 1.297 nats (llama2.c, "stories260K").
  EXPECT_GT(result.mean_nll, 0.9);
  EXPECT_LT(result.mean_nll, 1.8);
}

}  // namespace
}  // namespace xw
