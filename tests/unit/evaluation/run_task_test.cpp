// Tasks on a model whose probabilities are known.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/run_task.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "arch/support/error.hpp"
#include "host/evaluation/task_file.hpp"
#include "tests/unit/evaluation/bigram.hpp"

namespace xw::evaluation {
namespace {

using test::Bigram;

TaskResult run(Bigram& bigram, const Task& task, bool add_bos = false) {
  const tokenizer::Tokenizer tokenizer = test::characters(add_bos);
  TaskResult result;
  run_task(*bigram.model, tokenizer, task, encode(task, tokenizer, BosChoice::kTokenizer, 64), result);
  return result;
}

Metric metric(const Task& task, const TaskResult& result, const std::string& name) {
  for (const Metric& one : metrics(task, result.items)) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "no metric " << name;
  return {};
}

TEST(RunTask, EveryTokenOfALastWordMustBeTheGreedyOne) {
  Bigram bigram(64);
  // A space follows 'b', and 'c' a space: one example is greedy, the others are not.
  bigram.table[5 * test::kVocab + 2] += 10;
  bigram.table[3 * test::kVocab + 5] += 10;
  std::string lines;
  double log_probability = 0, correct = 0;
  const std::string letters = "?abcd";
  for (std::int32_t before = 1; before <= 4; ++before) {
    for (std::int32_t after = 1; after <= 4; ++after) {
      lines += R"({"context": "ca)" + letters.substr(static_cast<std::size_t>(before), 1) + R"(", "continuation": ")" +
               letters.substr(static_cast<std::size_t>(after), 1) + "\"}\n";
      log_probability += bigram.log_probability(5, before) + bigram.log_probability(after, 5);
      correct += bigram.likeliest(before) == 5 && bigram.likeliest(5) == after ? 1 : 0;
    }
  }
  ASSERT_TRUE(correct > 0 && correct < 16) << correct;
  const Task task = parse_task(lines, "f", "last");
  const TaskResult result = run(bigram, task);
  ASSERT_EQ(result.items.size(), 16U);
  EXPECT_EQ(result.tokens, 16U * 4) << "the last token is only predicted";
  const double p = correct / 16;
  EXPECT_DOUBLE_EQ(metric(task, result, "acc").mean, p);
  EXPECT_NEAR(metric(task, result, "acc").standard_error, std::sqrt(p * (1 - p) / 15), 1e-12);
  EXPECT_NEAR(metric(task, result, "log_likelihood").mean, log_probability / 16, 1e-5);
  EXPECT_NEAR(to_json(task, result)["perplexity"].get<double>(), std::exp(-log_probability / 16), 1e-3);
}

TEST(RunTask, ChoicesAreTheLikeliestWithAndWithoutTheirLengths) {
  Bigram bigram(64);
  const Task task = parse_task(R"({"context": "a", "choices": ["b", "cdcd"], "gold": 1})"
                               "\n"
                               R"({"context": "b", "choices": ["dddd", "a"], "gold": 0})",
                               "f", "t");
  const TaskResult result = run(bigram, task, true);
  const auto sum = [&](std::initializer_list<std::int32_t> tokens) {
    double total = 0;
    for (auto token = tokens.begin() + 1; token != tokens.end(); ++token) {
      total += bigram.log_probability(*token, *(token - 1));
    }
    return total;
  };
  const double expected[2][2] = {{sum({1, 5, 2}), sum({1, 5, 3, 4, 3, 4})}, {sum({2, 5, 4, 4, 4, 4}), sum({2, 5, 1})}};
  double right = 0, right_by_length = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t c = 0; c < 2; ++c) EXPECT_NEAR(result.items[i].log_likelihoods[c], expected[i][c], 1e-5);
    const double lengths[2] = {i == 0 ? 1.0 : 4.0, i == 0 ? 4.0 : 1.0};
    const std::size_t gold = 1 - i;
    right += expected[i][gold] > expected[i][1 - gold] ? 0.5 : 0;
    right_by_length += expected[i][gold] / lengths[gold] > expected[i][1 - gold] / lengths[1 - gold] ? 0.5 : 0;
  }
  EXPECT_NE(right, right_by_length) << "the test would not tell them apart";
  EXPECT_EQ(metric(task, result, "acc").mean, right);
  EXPECT_EQ(metric(task, result, "acc_norm").mean, right_by_length);
}

TEST(RunTask, AnswersAreGenerated) {
  Bigram bigram(64);
  for (std::size_t i = 0; i < test::kVocab; ++i) bigram.table[(i + 1) % test::kVocab * test::kVocab + i] += 50;
  const Task task = parse_task(R"({"context": "a", "answers": ["bc"], "until": ["d"], "max_tokens": 9})"
                               "\n"
                               R"({"context": "b", "answers": ["c"], "max_tokens": 3})",
                               "f", "t");
  const TaskResult result = run(bigram, task);
  EXPECT_EQ(result.items[0].answer, "bc");
  EXPECT_EQ(result.items[1].answer, "cd");
  EXPECT_EQ(metric(task, result, "exact_match").mean, 0.5);
}

TEST(RunTask, ItemsTakeVectorsOneAfterTheOtherWhateverIsDoneAlready) {
  const Task task = parse_task(R"({"context": "ab", "choices": ["c", "d"], "gold": 0})"
                               "\n"
                               R"({"context": "a", "choices": ["cc", "d"], "gold": 0})"
                               "\n"
                               R"({"context": "b", "choices": ["c", "dd"], "gold": 0})",
                               "f", "t");
  Bigram whole(64), rest(64);
  const TaskResult all = run(whole, task);
  // Item 0: a b space; item 1: a space c; item 2: b space d. Logits from the last token of the context on.
  EXPECT_EQ(whole.vectors, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  const tokenizer::Tokenizer tokenizer = test::characters(false);
  TaskResult part;
  part.items = {all.items[0], all.items[1]};
  std::size_t calls = 0;
  RunTaskOptions options;
  options.on_item = [&](const TaskResult& so_far) { calls += so_far.items.size(); };
  run_task(*rest.model, tokenizer, task, encode(task, tokenizer, BosChoice::kTokenizer, 64), part, options);
  EXPECT_EQ(part.items, all.items);
  EXPECT_EQ(rest.vectors, (std::vector<std::uint32_t>{6, 7, 8}));
  EXPECT_EQ(calls, 3U);
}

TEST(RunTask, WhatEndsItLeavesTheItemsBefore) {
  const Task task = parse_task(R"({"context": "a", "continuation": "b"})"
                               "\n"
                               R"({"context": "a", "continuation": "c"})",
                               "f", "t");
  Bigram bigram(64);
  const tokenizer::Tokenizer tokenizer = test::characters(false);
  TaskResult result;
  RunTaskOptions options;
  options.on_item = [](const TaskResult&) { throw Error(ErrorCode::kInterrupted, "Ctrl-C"); };
  EXPECT_THROW(
      run_task(*bigram.model, tokenizer, task, encode(task, tokenizer, BosChoice::kTokenizer, 64), result, options),
      Error);
  EXPECT_EQ(result.items.size(), 1U);
}

}  // namespace
}  // namespace xw::evaluation
