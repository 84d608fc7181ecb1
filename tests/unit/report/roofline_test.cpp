// The roofline of a chip, by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/roofline.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace xw::report {
namespace {

using systemc::StepKind;

/// 4 tiles of 8 x 16; an MVM takes 10 + 2 * 20 + 4 * 5 + 16 * 0.5 = 78 ns.
[[nodiscard]] arch::ChipDescription made_chip() {
  arch::ChipDescription chip;
  chip.rows = 8;
  chip.cols = 16;
  chip.adcs_per_tile = 4;
  chip.read_phases = 2;
  const auto constant = [](double value) {
    arch::Sourced sourced;
    sourced.value = value;
    return sourced;
  };
  chip.timing = {{"dac", constant(10)},        {"mvm", constant(20)},
                 {"adc_round", constant(5)},   {"rescale_output", constant(0.5)},
                 {"memory_rate", constant(3)}, {"digital_mac_rate", constant(7)}};
  return chip;
}

/// Attention reads 2 bytes per position and 5 more, the output layer 1000, and only for tokens whose logits are wanted.
[[nodiscard]] systemc::ChipPlan made_plan() {
  systemc::ChipPlan plan;
  plan.num_tiles = 4;
  systemc::Step attention, output;
  attention.kind = StepKind::kAttention;
  attention.work.memory_bytes = 5;
  attention.per_position.memory_bytes = 2;
  output.work.memory_bytes = 1000;
  output.logits = true;
  plan.steps = {attention, output};
  return plan;
}

TEST(Roofline, RoofsFollowFromTheConstants) {
  const Roofs roofs = roofs_of(made_plan(), made_chip());
  EXPECT_DOUBLE_EQ(roofs.tiles_ops_per_s.value(), 4 * 2 * 8 * 16 / 78e-9);
  EXPECT_DOUBLE_EQ(roofs.digital_ops_per_s.value(), 14e9);
  EXPECT_DOUBLE_EQ(roofs.memory_bytes_per_s.value(), 3e9);
}

TEST(Roofline, CrossbarsAboveEachOtherTakeTurnsAndChipsWorkAtOnce) {
  arch::ChipDescription chip = made_chip();
  chip.tiers = 2;
  EXPECT_DOUBLE_EQ(roofs_of(made_plan(), chip).tiles_ops_per_s.value(), 2 * 2 * 8 * 16 / 78e-9);
  systemc::ChipPlan plan = made_plan();
  plan.num_tiles = 12;
  plan.tiles_per_chip = 4;
  plan.num_chips = 3;
  const Roofs roofs = roofs_of(plan, made_chip());
  EXPECT_DOUBLE_EQ(roofs.tiles_ops_per_s.value(), 12 * 2 * 8 * 16 / 78e-9);
  EXPECT_DOUBLE_EQ(roofs.digital_ops_per_s.value(), 42e9);
  EXPECT_DOUBLE_EQ(roofs.memory_bytes_per_s.value(), 9e9);
}

TEST(Roofline, AChipWithoutConstantsHasNoRoofs) {
  arch::ChipDescription chip = made_chip();
  chip.timing.clear();
  const nlohmann::ordered_json json = roofline_json(made_plan(), chip, {});
  EXPECT_EQ(json.dump(), R"({"kind":"modelled","points":[]})");
}

TEST(Roofline, MemoryIsThatOfTheTokensAndOfWhatDidNotFitTheBuffer) {
  ChipRun run;
  run.workload.first_position = 10;
  run.workload.prompt_tokens = 2;
  run.result.tokens = {{0, 10, true, 0, 1}, {0, 11, true, 1, 2}};
  run.result.spilled_bytes = 40;
  run.result.total_ns = 50;
  run.result.cell_macs = 3;
  run.result.digital_macs = 4;
  const std::uint64_t expected = (5 + 2 * 11) + (5 + 2 * 12 + 1000) + 40;
  EXPECT_EQ(memory_bytes(made_plan(), run), expected);
  const nlohmann::ordered_json json = roofline_json(made_plan(), made_chip(), {{"a prompt", &run}});
  EXPECT_EQ(json["points"][0]["name"], "a prompt");
  EXPECT_EQ(json["points"][0]["operations"], 14);
  EXPECT_EQ(json["points"][0]["memory_bytes"], expected);
  EXPECT_EQ(json["points"][0]["time_ns"], 50);
  run.workload.digital_on_host = true;
  EXPECT_EQ(memory_bytes(made_plan(), run), 0U);
}

}  // namespace
}  // namespace xw::report
