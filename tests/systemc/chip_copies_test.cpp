// Calls that the simulated chip holds several times, against closed forms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "host/backends/systemc/chip_simulation.hpp"
#include "tests/unit/estimate/made_chip.hpp"

namespace xw::systemc {
namespace {

constexpr std::uint32_t kRows = 48, kCols = 40;
constexpr double kNear = 1e-6;

// Constants of made_chip(): a digital operation without multiply-adds, inputs to a tile, its MVM, sums back.
constexpr double kDigitalNs = 19, kInNs = kRows / 8.0 + 11, kTileNs = 7 + 101 + 3 * 13 + kCols * 0.25,
                 kOutNs = 4 * kCols / 8.0 + 11;

/// A digital step, then a call whose weights are in so many tiles.
[[nodiscard]] ChipPlan plan_of(std::uint32_t copies) {
  ChipPlan plan;
  plan.num_tiles = copies;
  plan.num_layers = 1;
  CallWork& call = plan.calls.emplace_back();
  call = {"call", kRows, kCols, {{0, kRows, kCols, 0}}};
  for (std::uint32_t copy = 1; copy < copies; ++copy) call.copies.push_back({{copy, kRows, kCols, 0}});
  plan.steps.emplace_back();
  plan.steps.emplace_back().kind = StepKind::kCall;
  return plan;
}

[[nodiscard]] ChipResult prompt_of(std::uint32_t copies, std::uint32_t tokens) {
  ChipWorkload workload;
  workload.prompt_tokens = tokens;
  workload.generated_tokens = 0;
  return simulate_chip(plan_of(copies), test::made_chip(), workload);
}

TEST(ChipCopies, TokensOfAPromptTakeThemInTurn) {
  const double one = kDigitalNs + kInNs + kTileNs + kOutNs;
  for (const std::uint32_t copies : {1U, 2U, 4U}) EXPECT_NEAR(prompt_of(copies, 1).total_ns, one, kNear) << copies;
  EXPECT_NEAR(prompt_of(1, 2).total_ns, one + kTileNs, kNear) << "the second waits for the tile";
  EXPECT_NEAR(prompt_of(2, 2).total_ns, one + kDigitalNs, kNear) << "the second is behind in the digital units alone";
  EXPECT_NEAR(prompt_of(2, 3).total_ns, one + kTileNs, kNear) << "the third waits for the first one's tile";
  const ChipResult five = prompt_of(4, 5);
  ASSERT_EQ(five.tile_busy_ns.size(), 4U);
  EXPECT_NEAR(five.tile_busy_ns[0], 2 * kTileNs, kNear);
  for (std::size_t tile = 1; tile < 4; ++tile) EXPECT_NEAR(five.tile_busy_ns[tile], kTileNs, kNear);
}

TEST(ChipCopies, TheWorkIsTheSame) {
  const ChipResult one = prompt_of(1, 7), three = prompt_of(3, 7);
  EXPECT_EQ(one.block_mvms, three.block_mvms);
  EXPECT_EQ(one.link_bytes, three.link_bytes);
  for (const Component component : {Component::kCells, Component::kAdc, Component::kInputLink, Component::kOutputLink})
    EXPECT_NEAR(one.energy_pj[component], three.energy_pj[component], kNear);
}

TEST(ChipCopies, SequencesAtOnePositionTakeDifferentOnes) {
  ChipWorkload workload;
  workload.num_sequences = 2;
  workload.first_position = 5;
  const double one = kDigitalNs + kInNs + kTileNs + kOutNs;
  EXPECT_NEAR(simulate_chip(plan_of(1), test::made_chip(), workload).total_ns, one + kTileNs, kNear);
  EXPECT_NEAR(simulate_chip(plan_of(2), test::made_chip(), workload).total_ns, one + kDigitalNs, kNear);
}

}  // namespace
}  // namespace xw::systemc
