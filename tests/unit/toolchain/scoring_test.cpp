// Logits and log-likelihoods of opened models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/scoring.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "arch/support/interrupt.hpp"
#include "host/toolchain/evaluate.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

class Scoring : public test::CompiledModel {
 protected:
  Scoring() : opened_(program_, noisy(), {}, 1) {}
  static RunOptions noisy() {
    RunOptions run;
    run.chip.read_sigma = 0.02;  // differs by the vector's index
    return run;
  }
  /// More than one piece of them.
  [[nodiscard]] std::vector<std::int32_t> tokens() const {
    const std::vector<std::int32_t> some = opened_.tokenizer().encode("abcab", false, false);
    std::vector<std::int32_t> all;
    while (all.size() < 70) all.insert(all.end(), some.begin(), some.end());
    return all;
  }
  OpenedModel opened_;
};

TEST_F(Scoring, LogitsAreThoseOfASession) {
  const std::vector<std::int32_t> ids = tokens();
  ASSERT_LE(ids.size(), opened_.model().context_length());
  transformer::Session session(opened_.model(), 5);
  const std::vector<float> expected = session.forward(ids, transformer::LogitsOf::kAll);
  const Logits all = sequence_logits(opened_, ids, true, 5);
  EXPECT_EQ(all.rows, ids.size());
  EXPECT_EQ(all.columns, opened_.model().num_logits());
  EXPECT_EQ(all.values, expected);
  const Logits last = sequence_logits(opened_, ids, false, 5);
  EXPECT_EQ(last.rows, 1U);
  EXPECT_TRUE(std::equal(last.values.begin(), last.values.end(), expected.end() - all.columns, expected.end()));
  EXPECT_NE(sequence_logits(opened_, ids, true, 6).values, expected);
}

TEST_F(Scoring, LogLikelihoodsAreLogSoftmaxOfLogits) {
  const std::vector<std::int32_t> ids = tokens();
  const Logits logits = sequence_logits(opened_, std::span(ids).first(ids.size() - 1), true);
  const std::vector<double> found = token_log_likelihoods(opened_, ids);
  ASSERT_EQ(found.size(), ids.size() - 1);
  for (std::size_t t = 0; t < found.size(); ++t) {
    const std::span<const float> row = std::span(logits.values).subspan(t * logits.columns, logits.columns);
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit));
    EXPECT_NEAR(found[t], row[static_cast<std::size_t>(ids[t + 1])] - std::log(sum), 1e-5) << t;
  }
  const std::vector<double> end = token_log_likelihoods(opened_, ids, ids.size() - 2);
  EXPECT_EQ(end, std::vector(found.end() - 2, found.end()));
}

TEST_F(Scoring, ItemsAndQuestionsHaveWhatATaskOfThemHas) {
  EvaluationPlan plan;
  evaluation::Task choices{"choices", evaluation::TaskKind::kChoice, false, {}};
  choices.items.push_back({"1", {{"ab", "c"}, {"ab", "a"}}, {0}, {}, {}, {}, {}, {}});
  choices.items.push_back({"2", {{"c", "ab"}, {"ca", "b"}}, {1}, {}, {}, {}, {}, {}});
  evaluation::Task generation{"answers", evaluation::TaskKind::kGeneration, false, {}};
  generation.items.push_back(
      {"1", {{"abc", ""}}, {}, {}, {}, {"x"}, {{}, 4, evaluation::AnswerFilter::kNone, false, false}, {}});
  generation.items.push_back(
      {"2", {{"b", ""}}, {}, {}, {}, {"x"}, {{}, 3, evaluation::AnswerFilter::kNone, false, false}, {}});
  plan.tasks = {choices, generation};
  plan.perplexity.show_progress = false;
  const nlohmann::ordered_json run = evaluate(opened_, plan, {}, {}).json["runs"][0]["tasks"];
  std::vector<ScoredItem> items;
  for (const evaluation::TaskItem& item : choices.items) items.push_back({item.place, item.requests});
  std::vector<std::vector<double>> found;
  for (const auto& item : score_items(opened_, items, plan.perplexity.bos)) {
    found.emplace_back();
    for (const evaluation::RequestScore& one : item) found.back().push_back(one.log_likelihood);
  }
  EXPECT_EQ(nlohmann::ordered_json(found), run["choices"]["per_item"]["log_likelihoods"]);
  std::vector<Question> questions;
  for (const evaluation::TaskItem& item : generation.items)
    questions.push_back({item.place, item.requests[0].context, item.generation});
  EXPECT_EQ(nlohmann::ordered_json(answer_questions(opened_, questions, plan.perplexity.bos)),
            run["answers"]["per_item"]["answer"]);
}

TEST_F(Scoring, RefusesWhatIsNoSequence) {
  const std::uint32_t context = opened_.model().context_length();
  const std::vector<std::int32_t> long_one(context + 1, 1), unknown{1, 1 << 20};
  test::expect_error(ErrorCode::kInvalidArgument, "at least one",
                     [&] { static_cast<void>(sequence_logits(opened_, {}, true)); });
  test::expect_error(ErrorCode::kCapacity, "beyond the model's context of " + std::to_string(context),
                     [&] { static_cast<void>(sequence_logits(opened_, long_one, true)); });
  test::expect_error(ErrorCode::kInvalidArgument, "vocabulary",
                     [&] { static_cast<void>(sequence_logits(opened_, unknown, true)); });
  test::expect_error(ErrorCode::kInvalidArgument, "vocabulary",
                     [&] { static_cast<void>(token_log_likelihoods(opened_, unknown)); });
  for (const std::size_t begin : {0, 2})
    test::expect_error(ErrorCode::kInvalidArgument, "begin", [&] {
      static_cast<void>(token_log_likelihoods(opened_, std::vector{1, 1}, begin));
    });
}

TEST_F(Scoring, CtrlCEndsItAndTheNextCallWorks) {
  const std::vector<std::int32_t> ids = tokens();
  {
    const InterruptScope scope;
    ::raise(SIGINT);
    ::raise(SIGINT);  // a second one does not end the process
    test::expect_error(ErrorCode::kInterrupted, "interrupted",
                       [&] { static_cast<void>(sequence_logits(opened_, ids, true)); });
    test::expect_error(ErrorCode::kInterrupted, "interrupted",
                       [&] { static_cast<void>(token_log_likelihoods(opened_, ids)); });
    test::expect_error(ErrorCode::kInterrupted, "interrupted", [&] {
      static_cast<void>(score_items(opened_, {{"1", {{"ab", "c"}}}}, {}));
    });
    test::expect_error(ErrorCode::kInterrupted, "interrupted", [&] {
      static_cast<void>(answer_questions(opened_, {{"1", "ab", {}}}, {}));
    });
  }
  EXPECT_FALSE(interrupt_requested());
  EXPECT_EQ(sequence_logits(opened_, ids, true).rows, ids.size());
}

}  // namespace
}  // namespace xw::toolchain
