// Tiles that are written anew on the simulated chip, against closed forms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "tests/unit/estimate/made_chip.hpp"

namespace xw::systemc {
namespace {

constexpr std::uint32_t kRows = 48, kCols = 40;
constexpr double kNear = 1e-6;
constexpr double kRowNs = 20000, kCellPj = 400;  // of descriptions without [chip.programming]

// Constants of made_chip().
[[nodiscard]] double tile_ns(std::uint32_t cols) {
  return 7 + 101 + (cols + 15) / 16 * 13 + cols * 0.25;
}
[[nodiscard]] double link_ns(std::uint32_t bytes) {
  return bytes / 8.0 + 11;
}

[[nodiscard]] arch::ChipDescription chip_with_memory(double bytes_per_ns) {
  arch::ChipDescription chip = test::made_chip();
  chip.timing.at("memory_rate").value = bytes_per_ns;
  return chip;
}

/// Two calls in the same tile, each of a round of its own, after a digital step.
[[nodiscard]] ChipPlan two_rounds() {
  ChipPlan plan;
  plan.num_tiles = 1;
  plan.num_layers = 1;
  plan.calls.push_back({"first", kRows, kCols, {{0, kRows, kCols, 0}}});
  plan.calls.push_back({"second", 32, 24, {{0, 32, 24, 0}}});
  plan.rounds = {{{0}, {kRows, kRows, kRows * kCols}}, {{0}, {32, 32, 32 * 24}}};
  plan.steps.emplace_back().work.macs = 160;
  for (std::uint32_t call = 0; call < 2; ++call) {
    plan.calls[call].round = call;
    Step& step = plan.steps.emplace_back();
    step.kind = StepKind::kCall;
    step.call = call;
  }
  return plan;
}

TEST(Chip, ATokenWaitsForTheWritingOfEveryRound) {
  const ChipResult result = simulate_chip(two_rounds(), test::made_chip(), {});
  const double writing = (kRows + 32) * kRowNs;
  const double time = 160 / 16.0 + 19 + link_ns(kRows) + tile_ns(kCols) + link_ns(4 * kCols) + link_ns(32) +
                      tile_ns(24) + link_ns(4 * 24) + writing;
  EXPECT_NEAR(result.total_ns, time, kNear);
  EXPECT_NEAR(result.critical_path_ns.total(), time, kNear);
  EXPECT_NEAR(result.critical_path_ns[Component::kWrite], writing, kNear);
  EXPECT_EQ(result.rounds_written, 2U);
  constexpr std::uint64_t kCells = kRows * kCols + 32 * 24;
  EXPECT_EQ(result.cells_written, kCells);
  EXPECT_NEAR(result.energy_pj[Component::kWrite], kCells * kCellPj, kNear);
  EXPECT_NEAR(result.energy_pj[Component::kMemory], kCells * 40.0, kNear) << "a byte per cell";
  EXPECT_NEAR(result.energy_pj[Component::kStatic], 0.5 * time * 1e3, 1e-2);
}

TEST(Chip, EveryTokenWritesTheRoundsAnew) {
  ChipWorkload workload;
  workload.generated_tokens = 5;
  const ChipResult result = simulate_chip(two_rounds(), test::made_chip(), workload);
  EXPECT_EQ(result.rounds_written, 10U);
  const double one = simulate_chip(two_rounds(), test::made_chip(), {}).total_ns;
  EXPECT_NEAR(result.total_ns, 5 * one, kNear);
}

TEST(Chip, TheMemoryLimitsWriting) {
  const ChipResult result = simulate_chip(two_rounds(), chip_with_memory(0.0001), {});  // 10 us a byte
  const double writing = (kRows * kCols + 32 * 24) / 0.0001;
  EXPECT_NEAR(result.critical_path_ns[Component::kMemory], writing, 1e-3);
  EXPECT_EQ(result.critical_path_ns[Component::kWrite], 0);
  EXPECT_NEAR(result.critical_path_ns.total(), result.total_ns, 1e-3);
}

TEST(Chip, TilesAtOnceAreThoseOfTheDescription) {
  arch::ChipDescription chip = test::made_chip();
  chip.programming.at("tiles_at_once").value = 2;
  chip.programming.at("row").value = 1000;
  ChipPlan plan = two_rounds();
  plan.num_tiles = 5;
  plan.rounds[0] = {{0, 1, 2, 3, 4}, {5 * 40, 40, 5 * 40 * 40}};
  const ChipResult result = simulate_chip(plan, chip, {});
  // Five tiles of 40 rows, two at a time, row by row: 100 rows one after the other. The second round: one tile of 32 rows.
  EXPECT_NEAR(result.critical_path_ns[Component::kWrite], (100 + 32) * 1000, kNear);
}

TEST(Chip, TokensOfAPassShareWhatIsWritten) {
  ChipPlan plan = two_rounds();
  plan.steps.erase(plan.steps.begin());  // calls only
  for (const bool is_prompt : {false, true}) {
    SCOPED_TRACE(is_prompt ? "a prompt of 6" : "6 sequences");
    ChipWorkload workload;
    (is_prompt ? workload.prompt_tokens : workload.num_sequences) = 6;
    const ChipResult result = simulate_chip(plan, test::made_chip(), workload);
    EXPECT_EQ(result.rounds_written, 2U);
    // Between the writings the tokens follow each other through one call.
    double time = (kRows + 32) * kRowNs;
    for (std::uint32_t call = 0; call < 2; ++call) {
      ChipPlan alone = plan;
      alone.rounds.clear();
      alone.calls[call].round = kNoRound;
      alone.steps = {plan.steps[call]};
      ChipWorkload all;
      all.num_sequences = 6;
      time += simulate_chip(alone, test::made_chip(), all).total_ns;
    }
    EXPECT_NEAR(result.total_ns, time, kNear);
    EXPECT_EQ(result.block_mvms, 12U);
  }
  ChipWorkload workload;
  workload.num_sequences = 3;
  workload.prompt_tokens = 4;
  workload.generated_tokens = 3;
  EXPECT_EQ(simulate_chip(plan, test::made_chip(), workload).rounds_written, 6U)
      << "the prompts, then two tokens of each";
}

TEST(Chip, RoundsThatNobodyNeedsAreNotWritten) {
  ChipPlan plan = two_rounds();
  for (Step& step : plan.steps) {
    if (step.kind == StepKind::kCall) step.digital_positions = 2;
  }
  ChipWorkload workload;
  workload.generated_tokens = 5;
  EXPECT_EQ(simulate_chip(plan, test::made_chip(), workload).rounds_written, 2U * 3)
      << "the first two tokens are digital";
  plan = two_rounds();
  plan.steps.back().logits = true;
  workload = {};
  workload.prompt_tokens = 4;
  EXPECT_EQ(simulate_chip(plan, test::made_chip(), workload).rounds_written, 2U) << "the last token needs the second";
}

TEST(Chip, CallsOfOneRoundAndOfNoneWriteNothingMore) {
  ChipPlan plan = two_rounds();
  const Step first = plan.steps[1], second = plan.steps[2];
  plan.steps = {first, first, second, first, second, second};
  EXPECT_EQ(simulate_chip(plan, test::made_chip(), {}).rounds_written, 4U);
  plan.calls[0].round = kNoRound;
  ChipWorkload workload;
  workload.num_sequences = 3;
  workload.generated_tokens = 2;
  EXPECT_EQ(simulate_chip(plan, test::made_chip(), workload).rounds_written, 1U) << "the tile has held it ever since";
}

TEST(Chip, PromptsThatAreTooLongForRoundsAreRefused) {
  ChipWorkload workload;
  workload.num_sequences = 101;
  workload.prompt_tokens = 100;
  ChipPlan whole = two_rounds();
  whole.rounds.clear();
  for (CallWork& call : whole.calls) call.round = kNoRound;
  EXPECT_NO_THROW(static_cast<void>(simulate_chip(whole, test::made_chip(), workload)));
  EXPECT_THROW(static_cast<void>(simulate_chip(two_rounds(), test::made_chip(), workload)), Error);
}

}  // namespace
}  // namespace xw::systemc
