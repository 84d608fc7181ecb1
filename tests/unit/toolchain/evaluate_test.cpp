// Evaluations over chips.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/toolchain/version.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

using Evaluate = test::CompiledModel;

EvaluationPlan sample_plan() {
  EvaluationPlan plan;
  plan.text = "abc abd abe the quick brown fox abc abd abe";
  plan.perplexity.context = 16;
  plan.perplexity.show_progress = false;
  plan.tasks.push_back(evaluation::parse_task(R"({"context": "abc", "continuation": "abd"})", "words", "words"));
  plan.tasks.push_back(evaluation::parse_task(R"({"context": "ab", "choices": ["cd", "ce", "fed"], "gold": 1})"
                                              "\n"
                                              R"({"context": "fe", "choices": ["ed", "e"], "gold": 0})",
                                              "letters", "letters"));
  return plan;
}

TEST_F(Evaluate, EverySeedIsAChipOfItsOwnAndIsToldAsItComes) {
  RunOptions run;
  run.chip.noise = "gaussian:gamma=0.2";
  OpenedModel opened(program_, run, {}, 1);
  std::vector<std::string> told;
  EvaluationObserver observer;
  observer.on_chip = [&](const EvaluatedChip& chip) { told.push_back("chip " + std::to_string(chip.chip_seed)); };
  observer.on_perplexity = [&](const evaluation::PerplexityResult&) { told.push_back("perplexity"); };
  observer.on_task = [&](const evaluation::Task& task, const evaluation::TaskResult&) { told.push_back(task.name); };
  const std::filesystem::path file = folder_ / "results.json";
  const Evaluation both = evaluate(opened, sample_plan(), {7, 2}, {"m.xwp", file}, observer);
  EXPECT_THAT(told, testing::ElementsAre("chip 7", "perplexity", "words", "letters", "chip 8", "perplexity", "words",
                                         "letters"));
  const nlohmann::ordered_json& runs = both.json["runs"];
  ASSERT_EQ(runs.size(), 2U);
  const double first = runs[0]["perplexity"]["perplexity"], second = runs[1]["perplexity"]["perplexity"];
  EXPECT_NE(first, second);
  // The second chip alone gives what it gave in company.
  run.chip.chip_seed = 8;
  OpenedModel alone(program_, run, {}, 1);
  EXPECT_EQ(evaluate(alone, sample_plan(), {8, 1}, {}).json["runs"][0]["perplexity"]["mean_nll_nats"],
            runs[1]["perplexity"]["mean_nll_nats"]);
  ASSERT_TRUE(both.perplexity);
  EXPECT_DOUBLE_EQ(both.perplexity->mean, (first + second) / 2);
  EXPECT_EQ(runs[0]["chip_seed"], 7);
  EXPECT_EQ(both.json["perplexity"]["mean"], both.perplexity->mean);
  ASSERT_EQ(both.tasks.size(), 5U);  // acc and log_likelihood, acc, acc_norm and acc_bytes
  EXPECT_EQ(both.tasks[1].task, "words");
  EXPECT_EQ(both.tasks[1].metric, "log_likelihood");
  EXPECT_EQ(both.json["tasks"]["words"]["log_likelihood"]["mean"], both.tasks[1].chips.mean);
  EXPECT_EQ(runs[1]["tasks"]["letters"]["per_item"]["log_likelihoods"].size(), 2U);
  EXPECT_NE(runs[0]["tasks"]["letters"]["per_item"], runs[1]["tasks"]["letters"]["per_item"]);
  EXPECT_EQ(nlohmann::ordered_json::parse(read_text_file(file)), both.json);

  // A second call measures only what is not in the file.
  told.clear();
  observer.on_kept = [&](std::size_t chips) { told.push_back("kept " + std::to_string(chips)); };
  const Evaluation three = evaluate(opened, sample_plan(), {7, 3}, {"m.xwp", file}, observer);
  EXPECT_THAT(told, testing::ElementsAre("kept 2", "chip 9", "perplexity", "words", "letters"));
  EXPECT_EQ(three.json["runs"][0], runs[0]);
  // Nor does another build, whose numbers may differ.
  nlohmann::ordered_json of_other_build = both.json;
  of_other_build["settings"]["build_id"] = "0123";
  write_text_file(folder_ / "other_build.json", of_other_build.dump());
  test::expect_error(ErrorCode::kInvalidArgument, "other settings: build_id was '0123' and is '" + build_id(), [&] {
    (void)evaluate(opened, sample_plan(), {7, 2}, {"m.xwp", folder_ / "other_build.json"});
  });
  EvaluationPlan other = sample_plan();
  other.tasks[1].items[0].gold = {0};
  test::expect_error(ErrorCode::kInvalidArgument, {"other settings", "tasks.letters was", "2 items"}, [&] {
    (void)evaluate(opened, other, {7, 3}, {"m.xwp", file});
  });
}

TEST_F(Evaluate, WhatIsAskedBesidesChangesNothing) {
  RunOptions run;
  run.chip.noise = "pcm-afm";
  run.chip.read_sigma = 0.05;
  OpenedModel opened(program_, run, {}, 1);
  const auto all = evaluate(opened, sample_plan(), {3, 1}, {}).json["runs"][0];
  EvaluationPlan alone = sample_plan();
  alone.text.reset();
  alone.tasks.erase(alone.tasks.begin());
  OpenedModel again(program_, run, {}, 2);
  const auto one = evaluate(again, alone, {3, 1}, {}).json["runs"][0];
  EXPECT_EQ(one["tasks"]["letters"]["per_item"], all["tasks"]["letters"]["per_item"]);
}

TEST_F(Evaluate, WhatIsFinishedOfAChipIsKept) {
  OpenedModel opened(program_, {}, {}, 1);
  const std::filesystem::path file = folder_ / "interrupted.json";
  const auto whole = evaluate(opened, sample_plan(), {0, 1}, {}).json["runs"][0];
  EvaluationObserver observer;
  observer.on_task = [](const evaluation::Task& task, const evaluation::TaskResult&) {
    if (task.name == "letters") throw Error(ErrorCode::kInterrupted, "Ctrl-C");
  };
  EXPECT_THROW((void)evaluate(opened, sample_plan(), {0, 1}, {"m.xwp", file}, observer), Error);
  auto kept = nlohmann::ordered_json::parse(read_text_file(file));
  EXPECT_EQ(kept["complete"], false);
  EXPECT_TRUE(kept["runs"].empty());
  // The second item of the last task is missing, and the first is not what the model would say.
  auto& letters = kept["unfinished"]["tasks"]["letters"]["per_item"];
  EXPECT_EQ(letters, whole["tasks"]["letters"]["per_item"]);
  letters["log_likelihoods"] = {{-1, -2, -3}};
  kept["unfinished"]["perplexity"]["nll_nats"][0] = 64.0;
  write_text_file(file, kept.dump());
  const auto rest = evaluate(opened, sample_plan(), {0, 1}, {"m.xwp", file}).json;
  EXPECT_EQ(rest["complete"], true);
  EXPECT_FALSE(rest.contains("unfinished"));
  const auto& run = rest["runs"][0];
  EXPECT_EQ(run["perplexity"]["per_window"]["nll_nats"][0], 64.0) << "not measured again";
  EXPECT_EQ(run["tasks"]["words"]["per_item"], whole["tasks"]["words"]["per_item"]);
  const auto& items = run["tasks"]["letters"]["per_item"]["log_likelihoods"];
  EXPECT_EQ(items[0], (std::vector<double>{-1, -2, -3}));
  EXPECT_EQ(items[1], whole["tasks"]["letters"]["per_item"]["log_likelihoods"][1]);
}

TEST_F(Evaluate, AChipIsMeasuredAtEveryTime) {
  RunOptions run;
  run.chip.noise = "pcm-aihwkit";
  EvaluationPlan plan = sample_plan();
  plan.times = {0, 3600, 86400};
  OpenedModel opened(program_, run, {}, 1);
  std::vector<std::string> told;
  EvaluationObserver observer;
  observer.on_chip = [&](const EvaluatedChip& chip) {
    told.push_back(std::to_string(chip.chip_seed) + " at " + std::to_string(static_cast<int>(chip.seconds)));
  };
  const std::filesystem::path file = folder_ / "ages.json";
  const Evaluation all = evaluate(opened, plan, {4, 2}, {"m.xwp", file}, observer);
  EXPECT_THAT(told, testing::ElementsAre("4 at 0", "4 at 3600", "4 at 86400", "5 at 0", "5 at 3600", "5 at 86400"));
  ASSERT_EQ(all.times.size(), 3U);
  EXPECT_EQ(all.json["settings"]["seconds"], (std::vector<double>{0, 3600, 86400}));
  EXPECT_EQ(all.json["times"][2]["time"], "1 d");
  // Each is what a chip gives that is as old from the beginning.
  run.chip.seconds = 86400;
  run.chip.chip_seed = 5;
  OpenedModel old(program_, run, {}, 1);
  const Evaluation alone = evaluate(old, sample_plan(), {5, 1}, {});
  EXPECT_EQ(alone.times[0].seconds, 86400);
  EXPECT_EQ(alone.json["runs"][0]["perplexity"]["mean_nll_nats"],
            all.json["runs"][1]["aged"][1]["perplexity"]["mean_nll_nats"]);
  EXPECT_EQ(alone.perplexity->values[0], all.times[2].perplexity->values[1]);
  EXPECT_NE(all.times[0].perplexity->values[1], all.times[2].perplexity->values[1]);
  EXPECT_EQ(alone.json["runs"][0]["tasks"]["letters"]["per_item"],
            all.json["runs"][1]["aged"][1]["tasks"]["letters"]["per_item"]);
  // The table has a line for every chip, time and figure.
  const std::string csv = to_csv(all);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 2 * 3 * (1 + 5));
  EXPECT_THAT(csv, testing::HasSubstr("\n5,86400.0,text,perplexity," +
                                      nlohmann::json(alone.perplexity->values[0]).dump() + "\n"));
  // A file that is whole is enough.
  told.clear();
  const Evaluation again = evaluate(opened, plan, {4, 2}, {"m.xwp", file}, observer);
  EXPECT_TRUE(again.json["runs"] == all.json["runs"]);
  EXPECT_TRUE(again.json["times"] == all.json["times"]);
  EXPECT_TRUE(told.empty());
}

TEST_F(Evaluate, FinishedTimesOfAChipAreKept) {
  RunOptions run;
  run.chip.noise = "pcm-hermes";
  EvaluationPlan plan = sample_plan();
  plan.times = {60, 3600};
  OpenedModel opened(program_, run, {}, 1);
  const std::filesystem::path file = folder_ / "interrupted_ages.json";
  const auto whole = evaluate(opened, plan, {0, 1}, {}).json["runs"][0];
  EvaluationObserver observer;
  int chips = 0;
  observer.on_chip = [&](const EvaluatedChip&) {
    if (++chips == 2) throw Error(ErrorCode::kInterrupted, "Ctrl-C");
  };
  EXPECT_THROW((void)evaluate(opened, plan, {0, 1}, {"m.xwp", file}, observer), Error);
  auto kept = nlohmann::ordered_json::parse(read_text_file(file));
  ASSERT_EQ(kept["unfinished"]["done"].size(), 1U);
  kept["unfinished"]["done"][0]["perplexity"]["perplexity"] = 77.0;  // not what the model would say
  write_text_file(file, kept.dump());
  const auto rest = evaluate(opened, plan, {0, 1}, {"m.xwp", file}).json["runs"][0];
  EXPECT_EQ(rest["perplexity"]["perplexity"], 77.0) << "not measured again";
  EXPECT_EQ(rest["aged"][0]["perplexity"]["mean_nll_nats"], whole["aged"][0]["perplexity"]["mean_nll_nats"]);
  // What is damaged is told.
  auto damaged = nlohmann::ordered_json::parse(read_text_file(file));
  damaged["runs"][0]["aged"] = 3;
  write_text_file(file, damaged.dump());
  test::expect_error(ErrorCode::kFormat, {"run of chip seed 0", "aged is damaged"}, [&] {
    (void)evaluate(opened, plan, {0, 1}, {"m.xwp", file});
  });
}

TEST_F(Evaluate, ChipsWithFaultsSayWhatIsBrokenAndMapsCountAsSettings) {
  const std::filesystem::path map = folder_ / "map.csv", file = folder_ / "faults.json";
  write_text_file(map, "tile,0\n");
  RunOptions run;
  run.chip.faults = "map=" + map.string();
  EvaluationPlan plan = sample_plan();
  plan.tasks.clear();
  OpenedModel broken(program_, run, {}, 1);
  const Evaluation lost = evaluate(broken, plan, {0, 1}, {"m.xwp", file});
  EXPECT_EQ(lost.json["runs"][0]["faults"]["lost_tiles"], (std::vector<int>{0}));
  run.chip.spares = "tiles=1";
  OpenedModel mended(program_, run, {}, 1);
  const Evaluation moved = evaluate(mended, plan, {0, 1}, {});
  EXPECT_EQ(moved.json["runs"][0]["faults"]["lost_tiles"].size(), 0U);
  EXPECT_EQ(moved.json["runs"][0]["faults"]["moved_tiles"].size(), 1U);
  OpenedModel whole(program_, {}, {}, 1);
  const double expected = evaluate(whole, plan, {0, 1}, {}).perplexity->mean;
  EXPECT_EQ(moved.perplexity->mean, expected) << "cells without noise";
  EXPECT_NE(lost.perplexity->mean, expected);
  write_text_file(map, "tile,1\n");
  run.chip.spares = "none";
  OpenedModel other(program_, run, {}, 1);
  test::expect_error(ErrorCode::kInvalidArgument, "other settings: faults_map was", [&] {
    (void)evaluate(other, plan, {0, 1}, {"m.xwp", file});
  });
}

TEST_F(Evaluate, AStudyIsAnotherSettingAndTheOthersAreNone) {
  const std::filesystem::path file = folder_ / "study.json";
  const auto measure = [&](const std::string& device) {
    RunOptions run;
    run.chip.noise = "ideal";
    run.device = device;
    OpenedModel opened(program_, run, {}, 1);
    EXPECT_THAT(opened.describe(), testing::HasSubstr(device + " device"));
    return evaluate(opened, sample_plan(), {7, 1}, {"m.xwp", file});
  };
  const double wires = measure("functional:ir-drop=0.001").json["runs"][0]["perplexity"]["perplexity"];
  test::expect_error(ErrorCode::kInvalidArgument, "other settings", [&] { (void)measure("functional"); });
  std::filesystem::remove(file);
  const Evaluation plain = measure("functional");
  EXPECT_FALSE(plain.json["settings"].contains("device"));
  EXPECT_NE(plain.json["runs"][0]["perplexity"]["perplexity"], wires);
}

TEST_F(Evaluate, ImpossibleTimesAreRefused) {
  EvaluationPlan plan = sample_plan();
  OpenedModel steady(program_, {}, {}, 1);
  plan.times = {0, 3600};
  test::expect_error(ErrorCode::kInvalidArgument, {"times: ideal does not drift", "1 h"}, [&] {
    (void)evaluate(steady, plan, {0, 1}, {});
  });
  RunOptions run;
  run.chip.noise = "pcm-afm";
  OpenedModel drifting(program_, run, {}, 1);
  plan.times = {3600, 60};
  test::expect_error(ErrorCode::kInvalidArgument, "expected growing times, found 1 min after 1 h", [&] {
    (void)evaluate(drifting, plan, {0, 1}, {});
  });
  OpenedModel reference(checkpoint_, {}, {}, 1);
  test::expect_error(ErrorCode::kInvalidArgument, "only chips of analog runs age", [&] {
    (void)evaluate(reference, plan, {0, 1}, {});
  });
}

TEST_F(Evaluate, ReferencesHaveNoChips) {
  OpenedModel opened(checkpoint_, {}, {}, 1);
  EvaluationPlan plan = sample_plan();
  plan.tasks.clear();
  const std::filesystem::path file = folder_ / "reference.json", named = folder_ / "named.bin";
  std::filesystem::copy_file(checkpoint_, named);
  const Evaluation one = evaluate(opened, plan, {0, 1}, {named, file});
  EXPECT_TRUE(one.perplexity);
  EXPECT_TRUE(one.tasks.empty());
  EXPECT_EQ(nlohmann::ordered_json::parse(read_text_file(file)), one.json);
  int measured = 0;
  EvaluationObserver observer;
  observer.on_perplexity = [&](const evaluation::PerplexityResult&) { ++measured; };
  (void)evaluate(opened, plan, {0, 1}, {named, file}, observer);
  EXPECT_EQ(measured, 0);
  std::filesystem::last_write_time(named, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  test::expect_error(ErrorCode::kInvalidArgument, {"other settings", "checkpoint was"}, [&] {
    (void)evaluate(opened, plan, {0, 1}, {named, file}, observer);
  });
  test::expect_error(ErrorCode::kInvalidArgument, {"needs an analog run", "fp32"}, [&] {
    (void)evaluate(opened, plan, {0, 2}, {});
  });
  test::expect_error(ErrorCode::kInvalidArgument, "at least 1", [&] { (void)evaluate(opened, plan, {0, 0}, {}); });
}

TEST_F(Evaluate, TasksHaveNamesOfTheirOwn) {
  EvaluationPlan plan = sample_plan();
  plan.tasks[1].name = "words";
  OpenedModel opened(program_, {}, {}, 1);
  test::expect_error(ErrorCode::kInvalidArgument, "two tasks are named 'words'", [&] {
    (void)evaluate(opened, plan, {0, 1}, {});
  });
}

TEST(ChipSeedsCheck, SeedsHave32Bits) {
  EXPECT_NO_THROW(check(ChipSeeds{4294967294U, 2}));
  test::expect_error(ErrorCode::kInvalidArgument, "the last seed would be 4294967296", [] {
    check(ChipSeeds{4294967294U, 3});
  });
}

TEST(ChipSeedsCheck, TheirNumberIsBounded) {
  EXPECT_NO_THROW(check(ChipSeeds{0, 1'000'000}));
  test::expect_error(ErrorCode::kInvalidArgument, "chip seeds: must be at most 1000000, found 4294967295", [] {
    check(ChipSeeds{0, 4294967295U});
  });
}

TEST_F(Evaluate, KeptRunsWithoutFiguresAreDamaged) {
  OpenedModel opened(program_, {}, {}, 1);
  const std::filesystem::path file = folder_ / "kept.json";
  using Json = nlohmann::ordered_json;
  const Json whole = evaluate(opened, sample_plan(), {0, 1}, {"m.xwp", file}).json;
  const auto refused = [&](const Json& damaged, const test::Parts& parts) {
    write_text_file(file, damaged.dump());
    test::expect_error(ErrorCode::kFormat, parts, [&] {
      (void)evaluate(opened, sample_plan(), {0, 1}, {"m.xwp", file});
    });
  };
  for (const Json& value : {Json(), Json::object()}) {
    Json damaged = whole;
    damaged["runs"][0]["perplexity"] = value;
    refused(damaged, {"kept.json: runs: run 0 is damaged", "perplexity.perplexity"});
    damaged = whole;
    damaged["runs"][0]["tasks"] = value;
    refused(damaged, {"kept.json: run of chip seed 0: tasks.words is damaged"});
    damaged = whole;
    damaged["runs"][0]["tasks"]["letters"] = value;
    refused(damaged, {"kept.json: run of chip seed 0: tasks.letters is damaged"});
  }
  Json damaged = whole;
  damaged["runs"][0]["tasks"]["letters"]["per_item"]["log_likelihoods"].erase(1);
  refused(damaged, {"tasks.letters is damaged: expected 2 items, found 1"});
  damaged = whole;
  damaged["runs"] = Json::array();
  damaged["unfinished"] = {{"chip_seed", 0}, {"perplexity", {{"tokens", {1}}}}};
  refused(damaged, {"perplexity.per_window is damaged"});
  damaged["unfinished"] = {{"chip_seed", "x"}};
  refused(damaged, {"kept.json: \"unfinished\" is damaged"});
}

}  // namespace
}  // namespace xw::toolchain
