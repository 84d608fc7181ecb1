// What parts of a model lose on a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sensitivity/sensitivity.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/toolchain/sensitivity/report.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

class SensitivityTest : public test::CompiledModel {
 protected:
  static SensitivityPlan plan() {
    SensitivityPlan plan;
    plan.text = "abc abd abe the quick brown fox abc abd abe the lazy dog";
    plan.perplexity.context = 16;
    plan.perplexity.show_progress = false;
    return plan;
  }
  static RunOptions noisy() {
    RunOptions run;
    run.chip.noise = "gaussian:gamma=0.2";
    return run;
  }
  /// Mean loss of the text with these calls on the chip, measured by evaluate(): another way to the same figure.
  static double loss(OpenedModel& opened, const std::vector<bool>& on_chip, std::uint32_t seed) {
    EvaluationPlan evaluated;
    evaluated.text = plan().text;
    evaluated.perplexity = plan().perplexity;
    opened.place_calls(on_chip);
    const Evaluation result = evaluate(opened, evaluated, {seed, 1}, {});
    opened.place_calls({});
    return result.json["runs"][0]["perplexity"]["mean_nll_nats"];
  }
};

TEST_F(SensitivityTest, GroupsHoldEveryCallOnceInEveryWayOfGrouping) {
  const auto program = program::Program::open(program_);
  const std::size_t calls = program->manifest().calls.size();
  std::uint64_t macs = 0;
  for (const program::MatrixInfo& matrix : program->manifest().matrices)
    macs += std::uint64_t{matrix.in_features} * matrix.out_features;
  for (const SensitivityBy by : {SensitivityBy::kCall, SensitivityBy::kLayer, SensitivityBy::kKind}) {
    std::vector<std::uint32_t> seen;
    std::uint64_t total = 0;
    for (const SensitivityGroup& group : sensitivity_groups(*program, {by})) {
      EXPECT_EQ(group.by, by);
      EXPECT_GT(group.tiles, 0) << group.name;
      seen.insert(seen.end(), group.calls.begin(), group.calls.end());
      total += group.macs;
    }
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen.size(), calls);
    for (std::size_t i = 0; i < calls; ++i) EXPECT_EQ(seen[i], i);
    EXPECT_EQ(total, macs);
  }
  EXPECT_EQ(sensitivity_groups(*program, {SensitivityBy::kCall}).size(), calls);
}

TEST_F(SensitivityTest, LossesAreThoseOfEvaluationsWithPartsOnTheChip) {
  OpenedModel opened(program_, noisy(), {}, 1);
  SensitivityPlan by_kind = plan();
  by_kind.by = {SensitivityBy::kKind};
  const Sensitivity found = measure_sensitivity(opened, by_kind, {5, 2}, {}).result;
  const std::size_t calls = opened.program()->manifest().calls.size();
  const double nothing = loss(opened, std::vector<bool>(calls, false), 5);
  EXPECT_NEAR(found.reference, nothing, 1e-9);
  const double whole = (loss(opened, {}, 5) + loss(opened, {}, 6)) / 2;
  ASSERT_EQ(found.times.size(), 1U);
  const std::vector<SensitivityGroup>& groups = found.times[0].groups;
  EXPECT_NEAR(found.times[0].all.mean, whole - nothing, 1e-9);
  ASSERT_FALSE(groups.empty());
  RunOptions quiet = noisy();
  quiet.chip.noise = "ideal";
  OpenedModel ideal(program_, quiet, {}, 1);
  bool differ = false;
  for (const SensitivityGroup& group : groups) {
    std::vector<bool> only(calls, false), without(calls, true);
    for (const std::uint32_t call : group.calls) {
      only[call] = true;
      without[call] = false;
    }
    const double alone = (loss(opened, only, 5) + loss(opened, only, 6)) / 2;
    EXPECT_NEAR(group.alone.mean, alone - nothing, 1e-9) << group.name;
    EXPECT_NEAR(group.regained.value().mean, whole - (loss(opened, without, 5) + loss(opened, without, 6)) / 2, 1e-9);
    EXPECT_NEAR(group.ranges.mean, loss(ideal, only, 5) - nothing, 1e-9);
    EXPECT_NEAR(group.noise.mean, group.alone.mean - group.ranges.mean, 1e-9);
    EXPECT_GT(group.alone.standard_error, 0);
    differ = differ || std::abs(group.alone.mean - groups[0].alone.mean) > 1e-6;
  }
  EXPECT_TRUE(differ);
}

TEST_F(SensitivityTest, LossesAloneAreThoseOfTheWholeMeasurement) {
  OpenedModel opened(program_, noisy(), {}, 1);
  SensitivityPlan by_call = plan();
  by_call.by = {SensitivityBy::kCall};
  const Sensitivity found = measure_sensitivity(opened, by_call, {5, 1}, {}).result;
  const std::map<std::string, double> alone = losses_alone(opened, by_call, 5);
  ASSERT_EQ(alone.size(), found.times[0].groups.size());
  for (const SensitivityGroup& group : found.times[0].groups) {
    ASSERT_TRUE(alone.contains(group.name));
    EXPECT_EQ(alone.at(group.name), group.alone.mean) << group.name;
  }
  EXPECT_NE(alone, losses_alone(opened, by_call, 6));
}

TEST_F(SensitivityTest, AnInterruptedMeasurementGoesOnWhereItEnded) {
  const std::filesystem::path file = folder_ / "sensitivity.json";
  OpenedModel opened(program_, noisy(), {}, 1);
  const SensitivityRun whole = measure_sensitivity(opened, plan(), {5, 1}, {"m.xwp", file});
  auto document = nlohmann::ordered_json::parse(read_text_file(file));
  EXPECT_EQ(document, whole.json);
  EXPECT_EQ(document["report"], "crossweave sensitivity");
  EXPECT_EQ(document["sensitivity"], to_json(whole.result));
  // One measurement is missing, and one is not what the model would say.
  nlohmann::ordered_json measured = document["runs"][0]["measured"];
  ASSERT_TRUE(measured.contains("chip 5 everything"));
  measured.erase("chip 5 everything");
  for (auto& nats : measured["nothing"]["nll_nats"]) nats = nats.get<double>() + 1;
  document["unfinished"] = {{"chip_seed", 5}, {"measured", measured}};
  document["runs"] = nlohmann::ordered_json::array();
  document["complete"] = false;
  write_text_file(file, document.dump());
  const SensitivityRun again = measure_sensitivity(opened, plan(), {5, 1}, {"m.xwp", file});
  EXPECT_GT(again.result.reference, whole.result.reference);
  EXPECT_EQ(again.json["runs"][0]["measured"]["chip 5 everything"],
            whole.json["runs"][0]["measured"]["chip 5 everything"]);
  SensitivityPlan other = plan();
  other.by = {SensitivityBy::kCall};
  test::expect_error(ErrorCode::kInvalidArgument, "other settings", [&] {
    (void)measure_sensitivity(opened, other, {5, 1}, {"m.xwp", file});
  });
}

TEST_F(SensitivityTest, ChipsMayBeOldAndCompensated) {
  RunOptions run = noisy();
  run.chip.noise = "pcm-aihwkit";
  OpenedModel young(program_, run, {}, 1);
  run.chip.seconds = 30.0 * 86400;
  OpenedModel old(program_, run, {}, 1);
  run.chip.compensation = "column:vectors=64";
  OpenedModel compensated(program_, run, {}, 1);
  const auto measure = [&](OpenedModel& opened) { return measure_sensitivity(opened, plan(), {5, 1}, {}).result; };
  const Sensitivity fresh = measure(young), aged = measure(old), mended = measure(compensated);
  // Ranges are those of cells without noise, which have no age.
  EXPECT_EQ(aged.ranges.mean, fresh.ranges.mean);
  EXPECT_EQ(mended.ranges.mean, fresh.ranges.mean);
  EXPECT_EQ(aged.reference, fresh.reference);
  EXPECT_NE(aged.times[0].all.mean, fresh.times[0].all.mean);
  EXPECT_NE(mended.times[0].all.mean, aged.times[0].all.mean);
  EXPECT_EQ(aged.times[0].seconds, 30.0 * 86400);
}

TEST_F(SensitivityTest, EveryTimeIsThatOfChipsOpenedAtThatTime) {
  RunOptions run = noisy();
  run.chip.noise = "pcm-aihwkit";
  run.chip.compensation = "global:vectors=16";
  SensitivityPlan aged = plan();
  aged.by = {SensitivityBy::kKind};
  aged.times = {0, 3600, 30.0 * 86400};
  OpenedModel opened(program_, run, {}, 1);
  const SensitivityRun all = measure_sensitivity(opened, aged, {5, 2}, {});
  ASSERT_EQ(all.result.times.size(), aged.times.size());
  for (std::size_t t = 0; t < aged.times.size(); ++t) {
    const SensitivityAtTime& time = all.result.times[t];
    EXPECT_EQ(time.seconds, aged.times[t]);
    run.chip.seconds = aged.times[t];
    OpenedModel at_once(program_, run, {}, 1);
    SensitivityPlan one = aged;
    one.times = {};
    const Sensitivity expected = measure_sensitivity(at_once, one, {5, 2}, {}).result;
    EXPECT_EQ(all.result.reference, expected.reference);
    EXPECT_EQ(time.all.mean, expected.times[0].all.mean);
    ASSERT_EQ(time.groups.size(), expected.times[0].groups.size());
    for (std::size_t g = 0; g < time.groups.size(); ++g) {
      const SensitivityGroup &found = time.groups[g], &other = expected.times[0].groups[g];
      EXPECT_EQ(found.alone.mean, other.alone.mean) << found.name;
      EXPECT_EQ(found.ranges.mean, other.ranges.mean) << found.name;
      EXPECT_EQ(found.noise.standard_error, other.noise.standard_error) << found.name;
      EXPECT_EQ(found.regained.value().mean, other.regained.value().mean) << found.name;
    }
    EXPECT_EQ(all.json["sensitivity"]["times"][t]["all"]["mean"], time.all.mean);
    EXPECT_EQ(all.json["sensitivity"]["times"][t]["groups"].size(), time.groups.size());
  }
  EXPECT_NE(all.result.times[0].all.mean, all.result.times[1].all.mean);
  EXPECT_NE(all.result.times[1].all.mean, all.result.times[2].all.mean);
  EXPECT_EQ(all.json["sensitivity"]["times"][2]["time"], "30 d");
  EXPECT_EQ(all.json["sensitivity"]["all"], all.json["sensitivity"]["times"][0]["all"]);
}

TEST_F(SensitivityTest, AnInterruptedMeasurementOfTimesGoesOnAtTheRightAge) {
  const std::filesystem::path file = folder_ / "aged_sensitivity.json";
  RunOptions run = noisy();
  run.chip.noise = "pcm-aihwkit";
  SensitivityPlan aged = plan();
  aged.by = {SensitivityBy::kKind};
  aged.times = {60, 86400};
  OpenedModel opened(program_, run, {}, 1);
  const SensitivityRun whole = measure_sensitivity(opened, aged, {5, 1}, {"m.xwp", file});
  auto document = nlohmann::ordered_json::parse(read_text_file(file));
  // Only measurements of the first time, but for the last one, are kept; the chip of the model is as old as the last left it.
  nlohmann::ordered_json measured;
  std::string last;
  for (const auto& [key, windows] : document["runs"][0]["measured"].items()) {
    if (key.find("at 86400") != std::string::npos) continue;
    measured[key] = windows;
    last = key;
  }
  ASSERT_THAT(last, testing::HasSubstr("at 60"));
  measured.erase(last);
  document["unfinished"] = {{"chip_seed", 5}, {"measured", measured}};
  document["runs"] = nlohmann::ordered_json::array();
  document["complete"] = false;
  write_text_file(file, document.dump());
  const SensitivityRun again = measure_sensitivity(opened, aged, {5, 1}, {"m.xwp", file});
  EXPECT_EQ(again.json["sensitivity"], whole.json["sensitivity"]);
  SensitivityPlan other = aged;
  other.times = {60};
  test::expect_error(ErrorCode::kInvalidArgument, "other settings", [&] {
    (void)measure_sensitivity(opened, other, {5, 1}, {"m.xwp", file});
  });
}

TEST_F(SensitivityTest, RefusesTimesThatTheChipCannotHave) {
  SensitivityPlan aged = plan();
  aged.times = {0, 3600};
  OpenedModel opened(program_, noisy(), {}, 1);
  test::expect_error(ErrorCode::kInvalidArgument, {"gaussian:gamma=0.2 does not drift", "1 h"}, [&] {
    (void)measure_sensitivity(opened, aged, {5, 1}, {});
  });
  aged.times = {3600, 60};
  RunOptions run = noisy();
  run.chip.noise = "pcm-afm";
  OpenedModel drifting(program_, run, {}, 1);
  test::expect_error(ErrorCode::kInvalidArgument, "expected growing times, found 1 min after 1 h", [&] {
    (void)measure_sensitivity(drifting, aged, {5, 1}, {});
  });
}

TEST_F(SensitivityTest, NeedsAChip) {
  RunOptions run;
  run.mode = Mode::kDigitalW8A8;
  OpenedModel opened(program_, run, {}, 1);
  test::expect_error(ErrorCode::kInvalidArgument, "digital-w8a8", [&] {
    (void)measure_sensitivity(opened, plan(), {0, 1}, {});
  });
  test::expect_error(ErrorCode::kInvalidArgument, "call, layer or kind, found 'tile'",
                     [] { (void)parse_sensitivity_by("tile"); });
}

TEST(SensitivityReport, NamesAreQuotedAndRowsAreSorted) {
  Sensitivity sensitivity;
  sensitivity.tokens = 10;
  sensitivity.chips = 1;
  SensitivityGroup first, second;
  first.name = "small";
  first.alone.mean = 0.001;
  second.name = "a \"large\", one";
  second.alone.mean = 0.1;
  sensitivity.times = {{0, {}, {first, second}}};
  const std::string csv = to_csv(sensitivity);
  EXPECT_THAT(csv, testing::StartsWith("seconds,by,name,tiles,"));
  EXPECT_THAT(csv, testing::HasSubstr(",call,\"a \"\"large\"\", one\",0,0,0.1,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  const std::string text = to_text(sensitivity);
  EXPECT_LT(text.find("large"), text.find("small"));
  EXPECT_THAT(text, testing::HasSubstr("100.00"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("after programming")));
}

TEST(SensitivityReport, WhatWasNotMeasuredIsNoZero) {
  Sensitivity sensitivity;
  sensitivity.tokens = 10;
  sensitivity.chips = 1;
  SensitivityGroup group;
  group.name = "qkv";
  group.alone.mean = 0.5;
  sensitivity.times = {{0, {}, {group}}};
  EXPECT_THAT(to_text(sensitivity), testing::Not(testing::HasSubstr("regained")));
  EXPECT_THAT(to_csv(sensitivity), testing::EndsWith(",0,0,,\r\n"));
  EXPECT_FALSE(to_json(sensitivity)["groups"][0].contains("regained"));
  sensitivity.times[0].groups[0].regained = LossDifference{};  // measured, and it is nothing
  EXPECT_THAT(to_text(sensitivity), testing::HasSubstr("regained"));
  EXPECT_THAT(to_csv(sensitivity), testing::EndsWith(",0,0,0,0\r\n"));
  EXPECT_TRUE(to_json(sensitivity)["groups"][0].contains("regained"));
}

TEST(SensitivityReport, EveryTimeHasItsRowsAndItsUnit) {
  Sensitivity sensitivity;
  sensitivity.tokens = 10;
  sensitivity.chips = 1;
  SensitivityGroup group;
  group.name = "qkv";
  group.alone.mean = 0.5;
  sensitivity.times.push_back({3600, {0.25, 0}, {group}});
  group.alone.mean = 0.75;
  sensitivity.times.push_back({86400, {-1.25, 0}, {group}});
  const std::string csv = to_csv(sensitivity);
  EXPECT_THAT(csv, testing::HasSubstr("\r\n3600.0,call,\"qkv\",0,0,0.5,"));
  EXPECT_THAT(csv, testing::HasSubstr("\r\n86400.0,call,\"qkv\",0,0,0.75,"));
  const std::string text = to_text(sensitivity);
  const std::size_t hour = text.find("1 h after programming"), day = text.find("1 d after programming");
  ASSERT_NE(hour, std::string::npos);
  ASSERT_NE(day, std::string::npos);
  EXPECT_LT(hour, text.find("500.00"));
  EXPECT_LT(text.find("500.00"), day);
  EXPECT_LT(day, text.find("750.00"));
  EXPECT_THAT(text, testing::HasSubstr("1 chip: +0.2500 "));
  EXPECT_THAT(text, testing::HasSubstr("1 chip: -1.2500 "));
  const auto json = to_json(sensitivity);
  EXPECT_EQ(json["seconds"], 3600);
  EXPECT_EQ(json["all"]["mean"], 0.25);
  EXPECT_EQ(json["times"][1]["all"]["mean"], -1.25);
  EXPECT_EQ(json["times"][1]["groups"][0]["alone"]["mean"], 0.75);
}

}  // namespace
}  // namespace xw::toolchain
