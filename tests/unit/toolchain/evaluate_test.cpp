// Evaluations over chips.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

using Evaluate = test::CompiledModel;

EvaluationTask sample_task() {
  EvaluationTask task;
  task.text = "abc abd abe the quick brown fox abc abd abe";
  task.perplexity.context = 16;
  task.perplexity.show_progress = false;
  task.passages = std::vector<evaluation::LambadaExample>{{"abc", " abd"}};
  task.lambada.show_progress = false;
  return task;
}

TEST_F(Evaluate, EverySeedIsAChipOfItsOwnAndIsToldAsItComes) {
  RunOptions run;
  run.chip.noise = "gaussian:gamma=0.2";
  OpenedModel opened(program_, run, {}, 1);
  std::vector<std::string> told;
  EvaluationObserver observer;
  observer.on_chip = [&](const ChipEvaluation& chip) { told.push_back("chip " + std::to_string(chip.chip_seed)); };
  observer.on_perplexity = [&](const evaluation::PerplexityResult&) { told.push_back("perplexity"); };
  observer.on_lambada = [&](const evaluation::LambadaResult&) { told.push_back("lambada"); };
  const std::vector<ChipEvaluation> chips = evaluate(opened, sample_task(), {7, 2}, observer);
  EXPECT_THAT(told, testing::ElementsAre("chip 7", "perplexity", "lambada", "chip 8", "perplexity", "lambada"));
  ASSERT_EQ(chips.size(), 2U);
  EXPECT_NE(chips[0].perplexity->perplexity, chips[1].perplexity->perplexity);
  // The second chip alone gives what it gave in company.
  run.chip.chip_seed = 8;
  OpenedModel alone(program_, run, {}, 1);
  EXPECT_EQ(evaluate(alone, sample_task(), {8, 1})[0].perplexity->mean_nll, chips[1].perplexity->mean_nll);

  const auto statistics = perplexities(chips);
  ASSERT_TRUE(statistics);
  EXPECT_DOUBLE_EQ(statistics->mean, (chips[0].perplexity->perplexity + chips[1].perplexity->perplexity) / 2);
  const nlohmann::ordered_json json = evaluation_json(chips, "m.xwp");
  EXPECT_EQ(json["runs"].size(), 2U);
  EXPECT_EQ(json["runs"][0]["chip_seed"], 7);
  EXPECT_EQ(json["perplexity"]["mean"], statistics->mean);
  EXPECT_TRUE(json.contains("lambada_accuracy"));
}

TEST_F(Evaluate, ReferencesHaveNoChips) {
  OpenedModel opened(checkpoint_, {}, {}, 1);
  EvaluationTask task = sample_task();
  task.passages.reset();
  const std::vector<ChipEvaluation> one = evaluate(opened, task, {0, 1});
  EXPECT_TRUE(one[0].perplexity);
  EXPECT_FALSE(lambada_accuracies(one));
  test::expect_error(ErrorCode::kInvalidArgument, {"needs an analog run", "fp32"}, [&] {
    (void)evaluate(opened, task, {0, 2});
  });
  test::expect_error(ErrorCode::kInvalidArgument, "at least 1", [&] { (void)evaluate(opened, task, {0, 0}); });
}

}  // namespace
}  // namespace xw::toolchain
