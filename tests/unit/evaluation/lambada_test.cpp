// LAMBADA on a model whose probabilities are known.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/lambada.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/expect_error.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/unit/evaluation/bigram.hpp"

namespace xw::evaluation {
namespace {

using test::Bigram;
using xw::test::expect_error;

LambadaOptions options(std::uint64_t max_examples = 0) {
  LambadaOptions result;
  result.max_examples = max_examples;
  result.show_progress = false;
  return result;
}

TEST(Lambada, ReadsJsonLines) {
  const auto examples = parse_lambada(
      "{\"context\": \"a\\nb\", \"continuation\": \"c\", \"more\": 1}\n\n "
      "\r\n{\"continuation\":\"d\",\"context\":\"\"}",
      "x");
  EXPECT_EQ(examples, (std::vector<LambadaExample>{{"a\nb", "c"}, {"", "d"}}));
  EXPECT_TRUE(parse_lambada("", "x").empty());
}

TEST(Lambada, NamesTheLineOfAMistake) {
  const auto expect = [](const std::string& text, const std::string& message) {
    expect_error(ErrorCode::kFormat, message, [&] { static_cast<void>(parse_lambada(text, "file.jsonl")); });
  };
  const std::string good = "{\"context\": \"a\", \"continuation\": \"b\"}\n";
  expect(good + "{\"context\": \"a\"", "file.jsonl:2: expected one JSON object");
  expect(good + good + "[1]", "file.jsonl:3: expected one JSON object");
  expect("{\"context\": \"a\"}", "file.jsonl:1: expected a string \"continuation\"");
  expect("{\"context\": 3, \"continuation\": \"b\"}", "file.jsonl:1: expected a string \"context\"");
  expect_error(ErrorCode::kFileNotFound, "absent.jsonl", [] { static_cast<void>(read_lambada("absent.jsonl")); });
}

TEST(Lambada, ReadsThePublishedSet) {
  const auto path = xw::test::shared_path("data/eval/lambada_openai.jsonl");
  if (!path) GTEST_SKIP() << "needs data/eval/lambada_openai.jsonl beside the project";
  const auto examples = read_lambada(*path);
  ASSERT_EQ(examples.size(), 5153U);
  EXPECT_EQ(examples[0].continuation, "signs");
  EXPECT_TRUE(examples[0].context.ends_with("I don't care about"));
}

/// Log-probability of the continuation after a context, token by token.
double expected_log_probability(const Bigram& bigram, const test::Tokens& tokens, std::size_t context, bool& greedy) {
  double sum = 0;
  for (std::size_t i = context; i < tokens.size(); ++i) {
    sum += bigram.log_probability(tokens[i], tokens[i - 1]);
    greedy = greedy && bigram.likeliest(tokens[i - 1]) == tokens[i];
  }
  return sum;
}

TEST(Lambada, EveryTokenMustBeTheGreedyOne) {
  Bigram bigram(64);
  const auto tokenizer = test::characters(false);
  std::vector<LambadaExample> examples;
  const std::string letters = "?abcd";
  for (std::size_t before = 1; before <= 4; ++before) {
    for (std::size_t after = 1; after <= 4; ++after) {
      examples.push_back({"ca" + letters.substr(before, 1), letters.substr(after, 1)});
    }
  }
  // A space follows 'b', and 'c' a space: one example is greedy, the others are not.
  bigram.table[5 * test::kVocab + 2] += 10;
  bigram.table[3 * test::kVocab + 5] += 10;
  double log_probability = 0;
  std::uint64_t correct = 0;
  for (std::int32_t before = 1; before <= 4; ++before) {
    for (std::int32_t after = 1; after <= 4; ++after) {
      bool greedy = true;
      log_probability += expected_log_probability(bigram, {3, 1, before, 5, after}, 3, greedy);
      correct += greedy ? 1 : 0;
    }
  }
  ASSERT_TRUE(correct > 0 && correct < 16) << correct;
  const LambadaResult result = lambada(*bigram.model, tokenizer, examples, options());
  EXPECT_EQ(result.examples, 16U);
  EXPECT_EQ(result.correct, correct);
  EXPECT_EQ(result.tokens, 32U);
  const double p = static_cast<double>(correct) / 16;
  EXPECT_DOUBLE_EQ(result.accuracy, p);
  EXPECT_DOUBLE_EQ(result.accuracy_standard_error, std::sqrt(p * (1 - p) / 15));
  EXPECT_NEAR(result.perplexity, std::exp(-log_probability / 16), 1e-4 * result.perplexity);
}

TEST(Lambada, LimitAndBosAndVectors) {
  Bigram bigram(64);
  const std::vector<LambadaExample> examples{{"ab", "c"}, {"a", "dd"}, {"c", "c"}};
  LambadaOptions chosen = options(2);
  chosen.vector_base = 7;
  const LambadaResult result = lambada(*bigram.model, test::characters(true), examples, chosen);
  EXPECT_EQ(result.examples, 2U);
  EXPECT_EQ(result.tokens, 5U);
  // <s> a b | space (c), then <s> a | space d (d); logits are computed from the last context token on.
  std::vector<std::uint32_t> expected{9, 10, 8200, 8201, 8202};
  EXPECT_EQ(bigram.vectors, expected);
  bool greedy = true;
  const double sum = expected_log_probability(bigram, {0, 1, 2, 5, 3}, 3, greedy) +
                     expected_log_probability(bigram, {0, 1, 5, 4, 4}, 2, greedy);
  EXPECT_NEAR(result.perplexity, std::exp(-sum / 2), 1e-4 * result.perplexity);
}

TEST(Lambada, BosAloneIsAContext) {
  Bigram bigram(64);
  // " a" after nothing: the first space is predicted from BOS.
  const std::vector<LambadaExample> examples{{"", "a"}};
  EXPECT_EQ(lambada(*bigram.model, test::characters(true), examples, options()).tokens, 2U);
  expect_error(ErrorCode::kInvalidArgument, "example 1: the context is empty",
               [&] { static_cast<void>(lambada(*bigram.model, test::characters(false), examples, options())); });
}

TEST(Lambada, LongContextsAreCutAtTheFront) {
  Bigram bigram(6);
  const std::vector<LambadaExample> examples{{"ddddddddddddab", "c"}};
  const LambadaResult result = lambada(*bigram.model, test::characters(true), examples, options());
  bool greedy = true;
  EXPECT_NEAR(result.perplexity, std::exp(-expected_log_probability(bigram, {2, 5, 3}, 1, greedy)),
              1e-4 * result.perplexity);
  const std::vector<LambadaExample> too_long{{"a", "bbbbbbbbb"}};
  expect_error(ErrorCode::kInvalidArgument, "example 1: the continuation has 10 tokens, the context of the model 6",
               [&] { static_cast<void>(lambada(*bigram.model, test::characters(true), too_long, options())); });
}

TEST(Lambada, RejectsWhatCannotBeMeasured) {
  Bigram bigram(64);
  expect_error(ErrorCode::kInvalidArgument, "lambada: no examples",
               [&] { static_cast<void>(lambada(*bigram.model, test::characters(true), {}, options())); });
  const std::vector<LambadaExample> examples{{"a", "b"}, {"a", "c"}};
  bigram.table[3 * test::kVocab + 5] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorCode::kNotFinite, "the logits of example 1 are not finite",
               [&] { static_cast<void>(lambada(*bigram.model, test::characters(true), examples, options())); });
}

TEST(Lambada, ResultsAreReported) {
  LambadaResult result;
  result.accuracy = 0.25;
  result.accuracy_standard_error = 0.03125;
  result.perplexity = 20.5;
  result.examples = 200;
  result.correct = 50;
  result.tokens = 260;
  result.seconds = 3;
  EXPECT_EQ(to_text(result), "lambada accuracy 25.00 % +- 3.12 (50 of 200), perplexity per word 20.500, 3.0 s");
  const auto json = nlohmann::json::parse(to_json(result));
  EXPECT_EQ(json.at("kind"), "lambada");
  EXPECT_EQ(json.at("accuracy"), 0.25);
  EXPECT_EQ(json.at("word_perplexity"), 20.5);
  EXPECT_EQ(json.at("examples"), 200);
  EXPECT_EQ(json.at("correct"), 50);
}

}  // namespace
}  // namespace xw::evaluation
