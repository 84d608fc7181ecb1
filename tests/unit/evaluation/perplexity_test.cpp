// Perplexity of a model whose probabilities are known.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/perplexity.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "arch/support/parallel.hpp"
#include "host/evaluation/likelihood.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/evaluation/bigram.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::evaluation {
namespace {

using test::Bigram;
using test::Tokens;
using xw::test::expect_error;

PerplexityOptions options(std::uint32_t context, std::uint64_t max_tokens = 0, BosChoice bos = BosChoice::kTokenizer) {
  PerplexityOptions result;
  result.context = context;
  result.max_tokens = max_tokens;
  result.bos = bos;
  result.show_progress = false;
  return result;
}

TEST(Likelihood, IsTheLogSoftmax) {
  const std::vector<float> logits{std::log(1.0F), std::log(2.0F), std::log(5.0F)};
  EXPECT_NEAR(likelihood(logits, 0).log_probability, std::log(1.0 / 8), 1e-6);
  EXPECT_NEAR(likelihood(logits, 1).log_probability, std::log(2.0 / 8), 1e-6);
  EXPECT_FALSE(likelihood(logits, 1).is_argmax);
  EXPECT_NEAR(likelihood(logits, 2).log_probability, std::log(5.0 / 8), 1e-6);
  EXPECT_TRUE(likelihood(logits, 2).is_argmax);
}

TEST(Likelihood, IsStableAndBreaksTiesBySmallerId) {
  const std::vector<float> logits{1000.0F, 1000.0F, -1000.0F};
  EXPECT_NEAR(likelihood(logits, 1).log_probability, std::log(0.5), 1e-6);
  EXPECT_TRUE(likelihood(logits, 0).is_argmax);
  EXPECT_FALSE(likelihood(logits, 1).is_argmax);
  EXPECT_NEAR(likelihood(logits, 2).log_probability, -2000.0 - std::log(2.0), 1e-3);
}

TEST(Perplexity, WindowsOfALongRopeModelHaveTheFactorsOfTheirLength) {
  transformer::test::TinyConfig config;
  config.context = 300;
  config.rope_short = {1.0, 1.2, 1.4, 1.6};
  config.rope_long = {1.0, 2.5, 6.0, 14.0};
  config.original_context = 100;
  const transformer::test::TinyModel tiny(config);
  ThreadPool pool(1);
  transformer::Model model(tiny.graph(), tiny.source, nullptr, pool);
  const auto tokens = tiny.tokens(250, 3);
  for (const std::uint32_t context : {100U, 101U, 250U}) {  // computed in batches of fewer tokens
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < tokens.size(); begin += context) {
      const auto end = std::min<std::size_t>(begin + context, tokens.size());
      const std::vector<std::int32_t> window(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                                             tokens.begin() + static_cast<std::ptrdiff_t>(end));
      const std::vector<double> logits = tiny.logits(window);
      for (std::size_t i = 0; i + 1 < window.size(); ++i) {
        double total = 0;
        for (std::size_t v = 0; v < config.vocab; ++v) total += std::exp(logits[i * config.vocab + v]);
        sum += std::log(total) - logits[i * config.vocab + static_cast<std::size_t>(window[i + 1])];
        ++count;
      }
    }
    EXPECT_NEAR(perplexity(model, tokens, -1, options(context)).mean_nll, sum / static_cast<double>(count), 1e-5)
        << context;
  }
}

TEST(Perplexity, WindowsWithoutBosPredictAllButTheirFirstToken) {
  Bigram bigram;
  const Tokens text{1, 2, 3, 4, 1, 1, 2, 5, 3, 2, 4};  // windows 1 2 3 4 | 1 1 2 5 | 3 2 4
  const PerplexityResult result = perplexity(*bigram.model, text, -1, options(4));
  std::vector<double> nll;
  for (const std::size_t i : {1U, 2U, 3U, 5U, 6U, 7U, 9U, 10U})
    nll.push_back(-bigram.log_probability(text[i], text[i - 1]));
  double sum = 0;
  double squares = 0;
  for (const double value : nll) sum += value;
  for (const double value : nll) squares += (value - sum / 8) * (value - sum / 8);
  EXPECT_EQ(result.tokens, 8U);
  EXPECT_EQ(result.windows, 3U);
  EXPECT_FALSE(result.bos);
  EXPECT_NEAR(result.mean_nll, sum / 8, 1e-6);
  EXPECT_NEAR(result.perplexity, std::exp(sum / 8), 1e-5);
  EXPECT_NEAR(result.standard_error, std::sqrt(squares / 7 / 8), 1e-6);
  EXPECT_GT(result.seconds, 0);
}

TEST(Perplexity, WindowsWithBosPredictEveryToken) {
  Bigram bigram;
  const Tokens text{1, 2, 3, 4, 1, 1, 2};  // windows <s> 1 2 3 | <s> 4 1 1 | <s> 2
  const PerplexityResult result = perplexity(*bigram.model, text, 0, options(4));
  double sum = 0;
  for (std::size_t i = 0; i < text.size(); ++i) sum -= bigram.log_probability(text[i], i % 3 == 0 ? 0 : text[i - 1]);
  EXPECT_EQ(result.tokens, 7U);
  EXPECT_EQ(result.windows, 3U);
  EXPECT_TRUE(result.bos);
  EXPECT_NEAR(result.mean_nll, sum / 7, 1e-6);
}

TEST(Perplexity, ALoneLastTokenIsNotAWindow) {
  Bigram bigram;
  const PerplexityResult result = perplexity(*bigram.model, Tokens{1, 2, 3, 4, 1}, -1, options(4));
  EXPECT_EQ(result.tokens, 3U);
  EXPECT_EQ(result.windows, 1U);
}

TEST(Perplexity, OnlyTheFirstTokensIfAsked) {
  Bigram bigram;
  const Tokens text{1, 2, 3, 4, 1, 1, 2};
  const PerplexityResult part = perplexity(*bigram.model, text, -1, options(16, 3));
  const PerplexityResult whole = perplexity(*bigram.model, Tokens{1, 2, 3}, -1, options(16));
  EXPECT_EQ(part.tokens, 2U);
  EXPECT_EQ(part.mean_nll, whole.mean_nll);
}

TEST(Perplexity, EveryWindowHasItsOwnVectors) {
  Bigram bigram;
  PerplexityOptions chosen = options(4);
  chosen.vector_base = 100;
  static_cast<void>(perplexity(*bigram.model, Tokens{1, 2, 3, 4, 1, 1, 2}, 0, chosen));
  EXPECT_EQ(bigram.vectors, (std::vector<std::uint32_t>{100, 101, 102, 104, 105, 106, 108}));
}

TEST(Perplexity, KeptWindowsAreNotMeasuredAgain) {
  Bigram bigram;
  const Tokens text{1, 2, 3, 4, 1, 1, 2, 5, 3, 2, 4};  // windows 1 2 3 4 | 1 1 2 5 | 3 2 4
  PerplexityOptions chosen = options(4);
  std::vector<std::size_t> seen;
  chosen.on_window = [&](const std::vector<TextWindow>& windows) { seen.push_back(windows.size()); };
  const PerplexityResult whole = perplexity(*bigram.model, text, -1, chosen);
  EXPECT_EQ(seen, (std::vector<std::size_t>{1, 2, 3}));
  ASSERT_EQ(whole.per_window.size(), 3U);
  EXPECT_EQ(whole.per_window[2].tokens, 2U);
  EXPECT_NEAR(whole.per_window[2].nll, -bigram.log_probability(2, 3) - bigram.log_probability(4, 2), 1e-6);
  const auto windows = parse_windows(nlohmann::ordered_json::parse(to_json(whole.per_window).dump()), "here");
  EXPECT_EQ(windows, whole.per_window);
  chosen.kept.assign(windows.begin(), windows.begin() + 2);
  bigram.vectors.clear();
  const PerplexityResult rest = perplexity(*bigram.model, text, -1, chosen);
  EXPECT_EQ(bigram.vectors, (std::vector<std::uint32_t>{8, 9})) << "only the last window";
  EXPECT_EQ(rest.mean_nll, whole.mean_nll);
  EXPECT_EQ(rest.standard_error, whole.standard_error);
  EXPECT_EQ(rest.tokens, whole.tokens);
  chosen.kept[1].tokens = 2;
  expect_error(ErrorCode::kFormat, "window 1 has 2 tokens, expected 3",
               [&] { static_cast<void>(perplexity(*bigram.model, text, -1, chosen)); });
  for (const char* bad : {"5", "{}", R"({"tokens": [1], "nll_nats": [], "nll_squares": []})",
                          R"({"tokens": [-1], "nll_nats": [1], "nll_squares": [1]})",
                          R"({"tokens": [1], "nll_nats": ["x"], "nll_squares": [1]})"}) {
    expect_error(ErrorCode::kFormat, "here: perplexity.per_window is damaged",
                 [&] { static_cast<void>(parse_windows(nlohmann::ordered_json::parse(bad), "here")); });
  }
}

TEST(Perplexity, LongWindowsRunInBatches) {
  Bigram bigram(1000);
  Tokens text;
  for (std::int32_t i = 0; i < 900; ++i) text.push_back(1 + i * i % 5);
  const PerplexityResult result = perplexity(*bigram.model, text, -1, options(1000));
  double sum = 0;
  for (std::size_t i = 1; i < text.size(); ++i) sum -= bigram.log_probability(text[i], text[i - 1]);
  EXPECT_EQ(result.tokens, 899U);
  EXPECT_NEAR(result.mean_nll, sum / 899, 1e-6);
}

TEST(Perplexity, TextsAreTokenizedAndBosFollowsTheTokenizer) {
  Bigram bigram;
  for (const bool add_bos : {false, true}) {
    const auto tokenizer = test::characters(add_bos);
    const auto direct = [&](std::int32_t bos) {
      return perplexity(*bigram.model, Tokens{1, 2, 5, 3}, bos, options(8)).mean_nll;
    };
    EXPECT_EQ(perplexity(*bigram.model, tokenizer, "ab c", options(8)).mean_nll, direct(add_bos ? 0 : -1));
    EXPECT_EQ(perplexity(*bigram.model, tokenizer, "ab c", options(8, 0, BosChoice::kAlways)).mean_nll, direct(0));
    EXPECT_EQ(perplexity(*bigram.model, tokenizer, "ab c", options(8, 0, BosChoice::kNever)).mean_nll, direct(-1));
  }
}

TEST(Perplexity, BosCanBeMissing) {
  tokenizer::TokenizerData data = test::characters(false).data();
  data.bos = -1;
  const tokenizer::Tokenizer without(data);
  expect_error(ErrorCode::kInvalidArgument, "the tokenizer has no beginning-of-sequence token",
               [&] { static_cast<void>(bos_token(without, BosChoice::kAlways)); });
  EXPECT_EQ(bos_token(without, BosChoice::kTokenizer), -1);
}

TEST(Perplexity, RejectsWhatCannotBeMeasured) {
  Bigram bigram;
  const auto run = [&](const Tokens& text, std::int32_t bos, std::uint32_t context) {
    return [&bigram, text, bos, context] { static_cast<void>(perplexity(*bigram.model, text, bos, options(context))); };
  };
  expect_error(ErrorCode::kInvalidArgument, "context must be from 2 to the model's 16 tokens, found 1",
               run({1, 2}, -1, 1));
  expect_error(ErrorCode::kInvalidArgument, "found 17", run({1, 2}, -1, 17));
  expect_error(ErrorCode::kInvalidArgument, "the text has only 1 tokens: nothing to predict", run({1}, -1, 4));
  expect_error(ErrorCode::kInvalidArgument, "the text has only 0 tokens", run({}, 0, 4));
  expect_error(ErrorCode::kInvalidArgument, "token id 6 is outside the vocabulary of 6", run({1, 6}, -1, 4));
  bigram.table[1 * test::kVocab + 3] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorCode::kNotFinite, "the logits of token 0 of window 0 are not finite", run({1, 2, 3}, -1, 3));
}

/// A mean that is a number, whose exponential is none.
TEST(Perplexity, OneBeyondTheLargestNumberIsANamedError) {
  Bigram bigram;
  for (float& logit : bigram.table) logit *= 1e5F;
  expect_error(ErrorCode::kNotFinite, "nats per token is beyond the largest number", [&] {
    static_cast<void>(perplexity(*bigram.model, Tokens{1, 2, 3, 4, 1, 1, 2, 5}, -1, options(8)));
  });
}

TEST(Perplexity, ResultsAreReported) {
  PerplexityResult result;
  result.mean_nll = 2.5;
  result.standard_error = 0.125;
  result.perplexity = 12.1825;
  result.tokens = 300;
  result.windows = 3;
  result.context = 128;
  result.bos = true;
  result.seconds = 1.25;
  EXPECT_EQ(to_text(result),
            "perplexity 12.1825 (mean NLL 2.50000 +- 0.12500 nats, 300 tokens in 3 windows of 128 with BOS, 1.2 s)");
  const auto json = to_json(result);
  EXPECT_EQ(json.at("kind"), "perplexity");
  EXPECT_EQ(json.at("perplexity"), 12.1825);
  EXPECT_EQ(json.at("mean_nll_nats"), 2.5);
  EXPECT_EQ(json.at("mean_nll_standard_error_nats"), 0.125);
  EXPECT_EQ(json.at("predicted_tokens"), 300);
  EXPECT_EQ(json.at("windows"), 3);
  EXPECT_EQ(json.at("context_tokens"), 128);
  EXPECT_EQ(json.at("bos"), true);
  EXPECT_EQ(json.at("seconds_measured"), 1.25);
}

}  // namespace
}  // namespace xw::evaluation
