// Evaluations over chips.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
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
  const std::filesystem::path file = folder_ / "results.json";
  const Evaluation both = evaluate(opened, sample_task(), {7, 2}, {"m.xwp", file}, observer);
  EXPECT_THAT(told, testing::ElementsAre("chip 7", "perplexity", "lambada", "chip 8", "perplexity", "lambada"));
  const nlohmann::ordered_json& runs = both.json["runs"];
  ASSERT_EQ(runs.size(), 2U);
  const double first = runs[0]["perplexity"]["perplexity"], second = runs[1]["perplexity"]["perplexity"];
  EXPECT_NE(first, second);
  // The second chip alone gives what it gave in company.
  run.chip.chip_seed = 8;
  OpenedModel alone(program_, run, {}, 1);
  EXPECT_EQ(evaluate(alone, sample_task(), {8, 1}, {}).json["runs"][0]["perplexity"]["mean_nll_nats"],
            runs[1]["perplexity"]["mean_nll_nats"]);
  ASSERT_TRUE(both.perplexity);
  EXPECT_DOUBLE_EQ(both.perplexity->mean, (first + second) / 2);
  EXPECT_EQ(runs[0]["chip_seed"], 7);
  EXPECT_EQ(both.json["perplexity"]["mean"], both.perplexity->mean);
  EXPECT_TRUE(both.json.contains("lambada_accuracy"));
  EXPECT_EQ(nlohmann::ordered_json::parse(read_text_file(file)), both.json);

  // A second call measures only what is not in the file.
  told.clear();
  observer.on_kept = [&](std::size_t chips) { told.push_back("kept " + std::to_string(chips)); };
  const Evaluation three = evaluate(opened, sample_task(), {7, 3}, {"m.xwp", file}, observer);
  EXPECT_THAT(told, testing::ElementsAre("kept 2", "chip 9", "perplexity", "lambada"));
  EXPECT_EQ(three.json["runs"][0], runs[0]);
  EvaluationTask other = sample_task();
  other.passages->push_back({"abc", " abe"});
  test::expect_error(ErrorCode::kInvalidArgument, {"other settings", "lambada"}, [&] {
    (void)evaluate(opened, other, {7, 3}, {"m.xwp", file});
  });
}

TEST_F(Evaluate, ReferencesHaveNoChips) {
  OpenedModel opened(checkpoint_, {}, {}, 1);
  EvaluationTask task = sample_task();
  task.passages.reset();
  const std::filesystem::path file = folder_ / "reference.json";
  const Evaluation one = evaluate(opened, task, {0, 1}, {"m", file});
  EXPECT_TRUE(one.perplexity);
  EXPECT_FALSE(one.lambada_accuracy);
  EXPECT_EQ(nlohmann::ordered_json::parse(read_text_file(file)), one.json);
  int measured = 0;
  EvaluationObserver observer;
  observer.on_perplexity = [&](const evaluation::PerplexityResult&) { ++measured; };
  (void)evaluate(opened, task, {0, 1}, {"m", file}, observer);
  EXPECT_EQ(measured, 1) << "nothing says that the checkpoint is the same";
  test::expect_error(ErrorCode::kInvalidArgument, {"needs an analog run", "fp32"}, [&] {
    (void)evaluate(opened, task, {0, 2}, {});
  });
  test::expect_error(ErrorCode::kInvalidArgument, "at least 1", [&] { (void)evaluate(opened, task, {0, 0}, {}); });
}

TEST(ChipSeedsCheck, SeedsHave32Bits) {
  EXPECT_NO_THROW(check(ChipSeeds{4294967294U, 2}));
  test::expect_error(ErrorCode::kInvalidArgument, "the last seed would be 4294967296", [] {
    check(ChipSeeds{4294967294U, 3});
  });
}

TEST(ChipSeedsCheck, TheirNumberIsBounded) {
  EXPECT_NO_THROW(check(ChipSeeds{0, 1'000'000}));
  test::expect_error(ErrorCode::kInvalidArgument, "--chip-seeds must be at most 1000000, found 4294967295", [] {
    check(ChipSeeds{0, 4294967295U});
  });
}

TEST_F(Evaluate, KeptRunsWithoutFiguresAreDamaged) {
  OpenedModel opened(program_, {}, {}, 1);
  const std::filesystem::path file = folder_ / "kept.json";
  const nlohmann::ordered_json whole = evaluate(opened, sample_task(), {0, 1}, {"m.xwp", file}).json;
  for (const char* kind : {"perplexity", "lambada"}) {
    for (const nlohmann::ordered_json& value : {nlohmann::ordered_json(), nlohmann::ordered_json::object()}) {
      nlohmann::ordered_json damaged = whole;
      damaged["runs"][0][kind] = value;
      write_text_file(file, damaged.dump());
      test::expect_error(ErrorCode::kFormat, {"kept.json: runs: run 0 is damaged", "perplexity.perplexity"}, [&] {
        (void)evaluate(opened, sample_task(), {0, 1}, {"m.xwp", file});
      });
    }
  }
}

}  // namespace
}  // namespace xw::toolchain
