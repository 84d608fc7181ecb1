// Many completions at once, against each of them alone.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/completion_engine.hpp"

#include <gtest/gtest.h>

#include "host/toolchain/text_session.hpp"
#include "host/transformer/generate.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/server/default_model.hpp"

namespace xw::server {
namespace {

using test::default_model;
using xw::test::expect_error;

std::vector<std::int32_t> tokens_of(const std::string& text) {
  return toolchain::prompt_tokens(default_model().tokenizer(), text);
}

/// Everything of a completion.
CompletionPiece whole(Completion& completion) {
  CompletionPiece all;
  while (const std::optional<CompletionPiece> piece = completion.next()) {
    all.text += piece->text;
    all.scores.insert(all.scores.end(), piece->scores.begin(), piece->scores.end());
    all.new_tokens += piece->new_tokens;
    all.finish = piece->finish;
  }
  return all;
}

/// The text that the generation loop of `crossweave run` gives.
std::string alone(const CompletionRequest& request) {
  transformer::GenerateOptions options;
  options.max_tokens = request.max_tokens;
  options.sampler = request.sampler;
  return test::continued(default_model().tokenizer().decode(request.prompt), options);
}

TEST(CompletionEngine, CompletionsTogetherAreThoseAlone) {
  const std::vector<std::string> prompts{"Once upon a time", "The dog", "Lily and Tom went to the park. They saw", "A",
                                         "One day, a big bear"};
  std::vector<CompletionRequest> requests;
  for (std::size_t i = 0; i < 14; ++i) {
    CompletionRequest request;
    request.prompt = tokens_of(prompts[i % prompts.size()]);
    request.max_tokens = static_cast<std::uint32_t>(5 + 7 * (i % 4));
    request.sampler.temperature = i % 3 == 0 ? 0 : 0.9;
    request.sampler.seed = i;
    requests.push_back(request);
  }
  std::vector<std::string> expected;
  for (const CompletionRequest& request : requests) expected.push_back(alone(request));
  CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                          {.sequences = 3, .length = 128, .waiting = 20});
  std::vector<std::shared_ptr<Completion>> completions;
  for (const CompletionRequest& request : requests) completions.push_back(engine.submit(request));
  std::uint64_t made = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const CompletionPiece all = whole(*completions[i]);
    EXPECT_EQ(all.text, expected[i]) << "request " << i;
    EXPECT_EQ(all.finish, all.new_tokens == requests[i].max_tokens ? FinishReason::kLength : FinishReason::kStop);
    made += all.new_tokens;
  }
  const EngineCounters counters = engine.counters();
  EXPECT_EQ(counters.completions, requests.size());
  EXPECT_EQ(counters.new_tokens, made);
  EXPECT_LT(counters.steps, made * 2 / 3) << "tokens of several sequences in a step";
}

TEST(CompletionEngine, ScoresOfPromptAndAnswerAreThoseOfTheModel) {
  CompletionRequest request;
  request.prompt = tokens_of(
      "Once upon a time there was a little girl named Lily. She loved to play outside in the park with her friends. "
      "One day, she saw a big red ball and she wanted to play with it. She ran to the ball and picked it up. Then she "
      "saw her mom.");
  ASSERT_GT(request.prompt.size(), 41U);
  request.max_tokens = 3;
  request.log_probabilities = 2;
  request.score_prompt = true;
  std::vector<TokenScore> scores;
  {
    CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                            {.sequences = 2, .length = 128, .waiting = 2});
    scores = whole(*engine.submit(request)).scores;
  }
  ASSERT_EQ(scores.size(), request.prompt.size() + 3);
  EXPECT_FALSE(scores[0].log_probability.has_value());
  std::vector<std::int32_t> all;
  for (const TokenScore& score : scores) all.push_back(score.token);
  EXPECT_TRUE(std::equal(request.prompt.begin(), request.prompt.end(), all.begin()));
  transformer::Session session(default_model().model());
  const std::vector<float> logits = session.forward(all, transformer::LogitsOf::kAll);
  const std::size_t columns = default_model().model().num_logits();
  for (std::size_t t = 1; t < all.size(); ++t) {
    const std::span<const float> row = std::span(logits).subspan((t - 1) * columns, columns);
    const TokenScore expected = score_token(row, all[t], 2);
    EXPECT_EQ(scores[t].log_probability, expected.log_probability) << "token " << t;
    ASSERT_EQ(scores[t].top.size(), 2U);
    EXPECT_EQ(scores[t].top[0].token, expected.top[0].token);
    if (t >= request.prompt.size()) {
      EXPECT_EQ(scores[t].token, scores[t].top[0].token) << "greedy";
    }
  }
}

TEST(CompletionEngine, AStopTextEndsIt) {
  CompletionRequest request;
  request.prompt = tokens_of("Once upon a time");
  request.max_tokens = 40;
  const std::string text = alone(request);
  const std::string stop = text.substr(text.find(' ', 10), 6);
  request.stop = {stop};
  CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                          {.sequences = 1, .length = 64, .waiting = 2});
  const CompletionPiece all = whole(*engine.submit(request));
  EXPECT_EQ(all.text, text.substr(0, text.find(stop)));
  EXPECT_EQ(all.finish, FinishReason::kStop);
  EXPECT_LT(all.new_tokens, 40U);
}

TEST(CompletionEngine, AnEndIsScoredThoughItIsNoText) {
  CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                          {.sequences = 1, .length = 128, .waiting = 2});
  CompletionRequest request;
  request.prompt = tokens_of("The dog");
  request.max_tokens = 100;
  request.log_probabilities = 1;
  const CompletionPiece story = whole(*engine.submit(request));
  ASSERT_EQ(story.finish, FinishReason::kStop);
  ASSERT_EQ(story.scores.size(), story.new_tokens + 1);
  EXPECT_TRUE(default_model().tokenizer().is_end_of_generation(story.scores.back().token));
  // Evaluators score a text by the scores of it and one new token, whatever that is.
  for (std::size_t i = 0; i < story.new_tokens; ++i) request.prompt.push_back(story.scores[i].token);
  request.max_tokens = 1;
  request.score_prompt = true;
  const CompletionPiece scored = whole(*engine.submit(request));
  ASSERT_EQ(scored.scores.size(), request.prompt.size() + 1);
  EXPECT_EQ(scored.text, "");
  EXPECT_EQ(scored.scores.back().token, story.scores.back().token);
  EXPECT_NEAR(*scored.scores.back().log_probability, *story.scores.back().log_probability, 1e-5);
}

TEST(CompletionEngine, APromptAloneIsScoredAndASequenceEndsWhereItIsFull) {
  CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                          {.sequences = 1, .length = 12, .waiting = 2});
  CompletionRequest request;
  request.prompt = tokens_of("Once upon a time");
  request.max_tokens = 0;
  request.score_prompt = true;
  request.log_probabilities = 0;
  EXPECT_EQ(whole(*engine.submit(request)).scores.size(), request.prompt.size());
  request.max_tokens = 100;
  request.score_prompt = false;
  const CompletionPiece all = whole(*engine.submit(request));
  EXPECT_EQ(all.finish, FinishReason::kLength);
  EXPECT_EQ(all.new_tokens, 12 - request.prompt.size() + 1) << "the last token needs no place";
}

TEST(CompletionEngine, WhatIsCancelledMakesRoomAndWhatIsTooMuchIsRefused) {
  CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                          {.sequences = 1, .length = 512, .waiting = 2});
  CompletionRequest endless;
  endless.prompt = tokens_of("Once upon a time");
  endless.max_tokens = 500;
  const std::shared_ptr<Completion> first = engine.submit(endless);
  ASSERT_TRUE(first->next().has_value());  // it has the only sequence
  CompletionRequest request = endless;
  request.max_tokens = 2;
  const std::shared_ptr<Completion> second = engine.submit(request);
  const std::shared_ptr<Completion> third = engine.submit(request);
  expect_error(ErrorCode::kCapacity, "2 are waiting", [&] { static_cast<void>(engine.submit(request)); });
  first->cancel();
  third->cancel();
  EXPECT_EQ(whole(*second).new_tokens, 2U);
  request.prompt.clear();
  expect_error(ErrorCode::kInvalidArgument, "at least one token", [&] { static_cast<void>(engine.submit(request)); });
  request.prompt = {1, 1 << 20};
  expect_error(ErrorCode::kInvalidArgument, "found 1048576", [&] { static_cast<void>(engine.submit(request)); });
  request.prompt.assign(513, 1);
  expect_error(ErrorCode::kInvalidArgument, "at most 512 tokens, found 513",
               [&] { static_cast<void>(engine.submit(request)); });
  request.prompt = {1};
  request.sampler.top_p = 2;
  EXPECT_THROW(static_cast<void>(engine.submit(request)), Error);
  const std::shared_ptr<Completion> last = engine.submit(endless);
  ASSERT_TRUE(last->next().has_value());
  engine.stop();
  expect_error(ErrorCode::kInterrupted, "the server ends", [&] { static_cast<void>(whole(*last)); });
  expect_error(ErrorCode::kInterrupted, "the server ends", [&] { static_cast<void>(engine.submit(endless)); });
}

}  // namespace
}  // namespace xw::server
