// What parts of a model lose on a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sensitivity/sensitivity.hpp"

#include <gmock/gmock.h>

#include <cmath>
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
  EXPECT_NEAR(found.all.mean, whole - nothing, 1e-9);
  ASSERT_FALSE(found.groups.empty());
  RunOptions quiet = noisy();
  quiet.chip.noise = "ideal";
  OpenedModel ideal(program_, quiet, {}, 1);
  bool differ = false;
  for (const SensitivityGroup& group : found.groups) {
    std::vector<bool> only(calls, false), without(calls, true);
    for (const std::uint32_t call : group.calls) {
      only[call] = true;
      without[call] = false;
    }
    const double alone = (loss(opened, only, 5) + loss(opened, only, 6)) / 2;
    EXPECT_NEAR(group.alone.mean, alone - nothing, 1e-9) << group.name;
    EXPECT_NEAR(group.regained.mean, whole - (loss(opened, without, 5) + loss(opened, without, 6)) / 2, 1e-9);
    EXPECT_NEAR(group.ranges.mean, loss(ideal, only, 5) - nothing, 1e-9);
    EXPECT_NEAR(group.noise.mean, group.alone.mean - group.ranges.mean, 1e-9);
    EXPECT_GT(group.alone.standard_error, 0);
    differ = differ || std::abs(group.alone.mean - found.groups[0].alone.mean) > 1e-6;
  }
  EXPECT_TRUE(differ);
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
  EXPECT_NE(aged.all.mean, fresh.all.mean);
  EXPECT_NE(mended.all.mean, aged.all.mean);
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
  sensitivity.groups = {first, second};
  const std::string csv = to_csv(sensitivity);
  EXPECT_THAT(csv, testing::HasSubstr("call,\"a \"\"large\"\", one\",0,0,0.1,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  const std::string text = to_text(sensitivity);
  EXPECT_LT(text.find("large"), text.find("small"));
  EXPECT_THAT(text, testing::HasSubstr("100.00"));
}

}  // namespace
}  // namespace xw::toolchain
