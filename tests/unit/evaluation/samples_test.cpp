// Sampled answers: what is drawn, and figures against counting.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/samples.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "host/evaluation/run_task.hpp"
#include "host/evaluation/score.hpp"
#include "host/evaluation/task_file.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/evaluation/bigram.hpp"

namespace xw::evaluation {
namespace {

using xw::test::expect_error;

TEST(PassAt, IsThePartOfAllSubsetsWithARightAnswer) {
  for (std::size_t n = 1; n <= 9; ++n) {
    for (std::size_t right = 0; right <= n; ++right) {
      std::map<int, std::pair<double, double>> counted;  // subset size -> (with a right one, all)
      for (std::uint32_t subset = 1; subset < (1U << n); ++subset) {
        auto& [hits, all] = counted[std::popcount(subset)];
        hits += (subset & ((1U << right) - 1)) != 0 ? 1 : 0;
        all += 1;
      }
      for (const auto& [k, count] : counted)
        EXPECT_NEAR(pass_at(n, right, static_cast<std::size_t>(k)), count.first / count.second, 1e-14)
            << right << " of " << n << ", " << k << " drawn";
    }
  }
  EXPECT_NEAR(pass_at(1024, 1, 512), 0.5, 1e-12) << "no overflow";
}

std::vector<SampledAnswer> answers(const std::vector<std::pair<const char*, double>>& all) {
  std::vector<SampledAnswer> result;
  for (const auto& [text, likelihood] : all) result.push_back({text, likelihood});
  return result;
}

TEST(Choice, MostAgreeOnTheMajorityAndTheFirstOfEqualsWins) {
  GenerationRule rule;
  const auto all = answers({{"3", -1}, {"4", -9}, {" 4 ", -8}, {"3", -2}, {"4", -3}});
  EXPECT_EQ(majority(all, 1, rule), 0U);
  EXPECT_EQ(majority(all, 3, rule), 1U) << "answers that the rule finds equal vote together";
  EXPECT_EQ(majority(all, 4, rule), 0U) << "two each";
  EXPECT_EQ(majority(all, 5, rule), 1U);
  EXPECT_EQ(likeliest(all, 5), 0U);
  EXPECT_EQ(likeliest(answers({{"x", -2}, {"y", -1}, {"z", -1}}), 3), 1U);
}

TEST(Choice, AnswersWithoutANumberDoNotVote) {
  GenerationRule rule;
  rule.filter = AnswerFilter::kFlexibleExtract;
  const auto all = answers({{kNoNumber, 0}, {kNoNumber, 0}, {"7", 0}, {kNoNumber, 0}});
  EXPECT_EQ(majority(all, 2, rule), 0U);
  EXPECT_EQ(majority(all, 4, rule), 2U);
}

TEST(SampleCounts, ArePowersOfTwoAndTheEnd) {
  EXPECT_EQ(sample_counts(1), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(sample_counts(8), (std::vector<std::uint32_t>{1, 2, 4, 8}));
  EXPECT_EQ(sample_counts(11), (std::vector<std::uint32_t>{1, 2, 4, 8, 11}));
}

/// Samples from the bigram model until the space or <s>.
class SampleAnswers : public testing::Test {
 protected:
  SampleAnswers() {
    data_.end_of_generation = {0};
    rule_.until = {" "};
    rule_.max_tokens = 6;
    rule_.filter = AnswerFilter::kNone;
  }
  SampledAnswers sample(std::uint32_t samples, double temperature = 1, std::uint64_t item = 0, std::uint64_t seed = 1) {
    const Sampling sampling{samples, {temperature, 0, 1, seed}};
    const tokenizer::Tokenizer tokenizer(data_);
    transformer::Session session(*bigram_.model);
    bigram_.vectors.clear();
    return sample_answers(*bigram_.model, session, tokenizer, {{1, 2}, 2}, rule_, sampling, item, 50);
  }
  test::Bigram bigram_{32};
  tokenizer::TokenizerData data_ = test::characters(false).data();
  GenerationRule rule_;
};

TEST_F(SampleAnswers, ComeAsOftenAsTheModelSays) {
  // The bigram's probabilities are known: P(text) = product over its tokens, with what ends it.
  constexpr std::uint32_t kSamples = 1000, kItems = 20;
  std::map<std::string, double> found;
  for (std::uint64_t item = 0; item < kItems; ++item) {
    for (const SampledAnswer& answer : sample(kSamples, 1, item).answers) found[answer.text] += 1.0 / kSamples / kItems;
  }
  const auto after = [&](std::int32_t next, std::int32_t current) {
    return std::exp(bigram_.log_probability(next, current));
  };
  const double empty = after(0, 2) + after(5, 2);
  const double one_a = after(1, 2) * (after(0, 1) + after(5, 1));
  const double sigma = std::sqrt(0.25 / (kSamples * kItems));
  EXPECT_NEAR(found[""], empty, 5 * sigma);
  EXPECT_NEAR(found["a"], one_a, 5 * sigma);
  EXPECT_GT(found.size(), 10U);
}

TEST_F(SampleAnswers, HaveTheLikelihoodOfTheirTokens) {
  std::size_t checked = 0;
  for (const SampledAnswer& answer : sample(200).answers) {
    double sum = 0;
    std::int32_t current = 2;
    for (const char c : answer.text) {
      sum += bigram_.log_probability(c - 'a' + 1, current);
      current = c - 'a' + 1;
    }
    const std::size_t tokens = answer.text.size();
    if (tokens == rule_.max_tokens) {
      EXPECT_NEAR(answer.log_likelihood, sum / static_cast<double>(tokens), 1e-5) << answer.text;
      ++checked;
      continue;
    }
    const double by_token = (sum + bigram_.log_probability(0, current)) / static_cast<double>(tokens + 1);
    const double by_text = (sum + bigram_.log_probability(5, current)) / static_cast<double>(tokens + 1);
    EXPECT_LT(std::min(std::abs(answer.log_likelihood - by_token), std::abs(answer.log_likelihood - by_text)), 1e-5)
        << answer.text;
  }
  EXPECT_GT(checked, 0U) << "some end only by their length";
}

TEST_F(SampleAnswers, FewerAreTheFirstOfMoreAndItemsAreIndependent) {
  const std::vector<SampledAnswer> many = sample(12).answers;
  const std::vector<SampledAnswer> few = sample(5).answers;
  EXPECT_EQ(std::vector<SampledAnswer>(many.begin(), many.begin() + 5), few);
  EXPECT_EQ(sample(12).answers, many);
  EXPECT_NE(sample(12, 1, 1).answers, many);
  EXPECT_NE(sample(12, 1, 0, 2).answers, many);
}

TEST_F(SampleAnswers, TakeVectorIndicesOneAfterTheOther) {
  const SampledAnswers sampled = sample(7);
  // Only the last token of the prompt needs the call; then every token that is computed has the next index.
  ASSERT_FALSE(bigram_.vectors.empty());
  EXPECT_EQ(sampled.tokens, 2 + bigram_.vectors.size() - 1);
  for (std::size_t i = 0; i < bigram_.vectors.size(); ++i) EXPECT_EQ(bigram_.vectors[i], 51 + i);
  EXPECT_LE(sampled.tokens, 2 + 7 * rule_.max_tokens);
}

TEST_F(SampleAnswers, AreGreedyAtTemperatureZero) {
  const tokenizer::Tokenizer tokenizer(data_);
  transformer::Session session(*bigram_.model);
  const std::string greedy = generate_answer(*bigram_.model, session, tokenizer, {{1, 2}, 2}, rule_, 0);
  EXPECT_EQ(sample(1, 0).answers[0].text, greedy);
  rule_.max_tokens = 0;
  EXPECT_EQ(sample(2).answers[1].text, "");
}

TEST(Sampling, WhatCannotBeMeantIsRefused) {
  expect_error(ErrorCode::kInvalidArgument, "1 to 1024, found 0", [] { check({0, {1, 0, 1, 0}}); });
  expect_error(ErrorCode::kInvalidArgument, "found 1025", [] { check({1025, {1, 0, 1, 0}}); });
  expect_error(ErrorCode::kInvalidArgument, "temperature above 0", [] { check({2, {0, 0, 1, 0}}); });
  expect_error(ErrorCode::kInvalidArgument, "top_p", [] { check({1, {1, 0, 0, 0}}); });
  check({1, {0, 0, 1, 0}});
}

TEST(SampledTask, HasTheFiguresOfItsAnswersAndGoesOnFromAFile) {
  test::Bigram bigram{32};
  tokenizer::TokenizerData data = test::characters(false).data();
  data.end_of_generation = {0};
  const tokenizer::Tokenizer tokenizer(data);
  const Task task = parse_task(R"({"context": "ab", "answers": ["a"], "until": [" "], "max_tokens": 4})"
                               "\n"
                               R"({"context": "cd", "answers": ["b", ""], "until": [" "], "max_tokens": 4})",
                               "f", "sampled");
  const EncodedTask encoded = encode(task, tokenizer, BosChoice::kNever, 32);
  RunTaskOptions options;
  options.sampling = {6, {1, 0, 1, 3}};
  TaskResult whole;
  run_task(*bigram.model, tokenizer, task, encoded, whole, options);
  ASSERT_EQ(whole.items.size(), 2U);
  const std::vector<Metric> all = metrics(task, whole.items);
  std::vector<std::string> names;
  for (const Metric& metric : all) names.push_back(metric.name);
  EXPECT_EQ(names, (std::vector<std::string>{"exact_match", "pass@2", "majority@2", "likeliest@2", "pass@4",
                                             "majority@4", "likeliest@4", "pass@6", "majority@6", "likeliest@6"}));
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(whole.items[i].samples.size(), 6U);
    double right = 0;
    for (const SampledAnswer& sample : whole.items[i].samples)
      right += i == 0 ? sample.text == "a" : sample.text == "b" || sample.text.empty();
    EXPECT_DOUBLE_EQ(all[0].values[i], right / 6);
    EXPECT_DOUBLE_EQ(all[7].values[i], right > 0 ? 1 : 0);
  }
  // Written, read, and cut after the first item: the second is the same again.
  const TaskResult read = parse_task_result(task, to_json(task, whole), "file");
  EXPECT_EQ(read.items, whole.items);
  TaskResult cut = read;
  cut.items.resize(1);
  run_task(*bigram.model, tokenizer, task, encoded, cut, options);
  EXPECT_EQ(cut.items, whole.items);
  nlohmann::ordered_json damaged = to_json(task, whole);
  damaged["per_item"]["log_likelihood_per_token"][1].erase(0);
  expect_error(ErrorCode::kFormat, "log_likelihood_per_token",
               [&] { static_cast<void>(parse_task_result(task, damaged, "file")); });
}

}  // namespace
}  // namespace xw::evaluation
