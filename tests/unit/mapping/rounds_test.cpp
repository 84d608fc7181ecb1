// Layouts of tiles that are written anew, against rules that share nothing with the planner.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/rounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/mapping/model_shapes.hpp"

namespace xw::mapping {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Tiles that each group takes by itself.
std::map<std::uint32_t, std::uint32_t> tiles_of_groups(const std::vector<MatrixShape>& matrices,
                                                       const TileShape& tile) {
  std::map<std::uint32_t, std::vector<MatrixShape>> groups;
  for (const MatrixShape& matrix : matrices) groups[matrix.group].push_back(matrix);
  std::map<std::uint32_t, std::uint32_t> tiles;
  for (const auto& [group, members] : groups) tiles[group] = make_plan(members, tile.unlimited()).num_tiles;
  return tiles;
}

/// What is wrong with a plan in rounds beside what verify_plan() looks at; empty: nothing.
std::string problem_of(const Plan& plan, const std::vector<MatrixShape>& matrices, std::uint32_t chip_tiles,
                       std::uint32_t areas) {
  if (plan.tiles_per_chip != 0) return "several chips";
  if (plan.tiles_per_round == 0) return plan.num_tiles <= chip_tiles ? "" : "more tiles than the chip has";
  if (plan.areas != areas || plan.tiles_per_round != chip_tiles / areas) return "other areas";
  std::map<std::uint32_t, std::set<std::uint32_t>> rounds_of, tiles_of;
  std::uint32_t last = 0;
  for (const PlacedBlock& block : plan.blocks) {
    const std::uint32_t round = block.tile / (chip_tiles / areas);
    rounds_of[matrices[block.matrix].group].insert(round);
    tiles_of[round].insert(block.tile);
    if (round < last) return "a round before that of an earlier matrix";  // blocks are in the order of the matrices
    last = round;
  }
  for (const auto& [group, rounds] : rounds_of) {
    if (rounds.size() != 1) return "group " + std::to_string(group) + " is in several rounds";
  }
  if (tiles_of.size() <= areas) return "every round could stay";
  if (tiles_of.size() != plan.num_rounds() || tiles_of.rbegin()->first + 1 != tiles_of.size()) return "an empty round";
  return "";
}

TEST(RoundsPlan, RandomModelsOnRandomChips) {
  test::RandomNumbers pick;
  const std::uint64_t seed = pick.seed();
  int rounds = 0, fits = 0, refused = 0;
  for (int pair = 0; pair < 500; ++pair) {
    std::vector<MatrixShape> matrices;
    std::uint32_t group = 1;
    for (std::uint32_t m = pick(1, 12); m > 0; --m) {
      const std::uint32_t copies = pick(0, 4) == 0 ? 2 : 1;
      matrices.push_back({"m" + std::to_string(m), pick(1, 40), pick(1, 40), {}, group, copies});
      if (pick(0, 2) != 0) ++group;
    }
    TileShape tile{pick(4, 24), pick(4, 24)};
    if (pick(0, 3) == 0) tile.row_cuts = RowCuts::kEqual;
    std::uint32_t largest = 0;
    for (const auto& [of, tiles] : tiles_of_groups(matrices, tile)) largest = std::max(largest, tiles);
    // An area that holds the largest group, or nearly, and tiles that are left over.
    const std::uint32_t areas = pick(1, 4);
    tile.max_tiles = areas * (pick(0, 3) == 0 ? std::max(1U, largest - 1) : largest + pick(0, 2)) + pick(0, areas - 1);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", pair " + std::to_string(pair));
    const std::optional<Plan> plan = make_rounds_plan(matrices, tile, areas);
    ASSERT_EQ(plan, make_rounds_plan(matrices, tile, areas));
    if (!plan) {
      ++refused;
      ASSERT_GT(largest, tile.max_tiles / areas) << "there is a plan if every group fits";
      const std::string why = explain_rounds(matrices, tile, areas);
      ASSERT_THAT(why, HasSubstr("tiles of " + std::to_string(tile.rows) + " x " + std::to_string(tile.cols) +
                                 " at the same time"));
      continue;
    }
    ASSERT_EQ(problem_of(*plan, matrices, tile.max_tiles, areas), "");
    ASSERT_NO_THROW(verify_plan(*plan, matrices, tile));
    ++(plan->tiles_per_round != 0 ? rounds : fits);
  }
  EXPECT_GT(rounds, 100);
  EXPECT_GT(fits, 20);
  EXPECT_GT(refused, 20);
}

TEST(RoundsPlan, LayersTakeTurns) {
  // Ten matrices of a tile each on a chip of four: 4 + 4 + 2; with two areas of two, the first two stay.
  std::vector<MatrixShape> matrices;
  for (std::uint32_t m = 0; m < 10; ++m) matrices.push_back({"m" + std::to_string(m), 64, 64, {}, m + 1});
  const std::optional<Plan> one = make_rounds_plan(matrices, {64, 64, 4}, 1);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->num_rounds(), 3U);
  EXPECT_EQ(one->num_tiles, 10U);
  const std::optional<Plan> two = make_rounds_plan(matrices, {64, 64, 5}, 2);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->tiles_per_round, 2U) << "a tile of five is left over";
  EXPECT_EQ(two->num_rounds(), 5U);
  const std::optional<Plan> all = make_rounds_plan(matrices, {64, 64, 12}, 3);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->tiles_per_round, 0U) << "4 + 4 + 2 in three areas of four";
  EXPECT_EQ(all->num_tiles, 10U);
  EXPECT_THAT(area_choices(9), ElementsAre(1, 2, 4, 8));
  EXPECT_EQ(area_choices(5000).back(), kMostAreas);
}

TEST(RoundsPlan, WhatNoRoundHoldsIsNamed) {
  const std::vector<MatrixShape> matrices = {
      {"small", 64, 64, {}, 1}, {"gate", 64, 256, {}, 2}, {"up", 64, 256, {}, 2}, {"down", 64, 64, {}, 3}};
  EXPECT_FALSE(make_rounds_plan(matrices, {64, 64, 7}, 1));
  EXPECT_EQ(explain_rounds(matrices, {64, 64, 7}, 1),
            "reload: 'gate' and the 1 that run with it need 8 tiles of 64 x 64 at the same time, the chip has 7: no "
            "round holds a "
            "layer that is larger; keep it digital, or use a larger chip or several");
  EXPECT_FALSE(make_rounds_plan(matrices, {64, 64, 9}, 2));
  EXPECT_THAT(explain_rounds(matrices, {64, 64, 9}, 2), HasSubstr("each of the 2 areas of the chip's 9 tiles has 4"));
  EXPECT_FALSE(make_rounds_plan(matrices, {64, 64, 9}, 10)) << "more areas than tiles";
  EXPECT_TRUE(make_rounds_plan(matrices, {64, 64, 9}, 1));
  test::expect_error(ErrorCode::kInvalidArgument, "at least 1 area", [&] {
    (void)make_rounds_plan(matrices, {64, 64, 9}, 0);
  });
}

TEST(RoundsPlan, TheCheckerRefusesWhatIsNone) {
  const std::vector<MatrixShape> matrices = {{"a", 64, 64, {}, 1}, {"b", 64, 128, {}, 2}, {"c", 64, 64, {}, 3}};
  const TileShape tile{64, 64, 2};
  const Plan good = make_rounds_plan(matrices, tile, 1).value();
  ASSERT_EQ(good.num_rounds(), 3U) << "b fills a round";
  const auto refused = [&](const char* what, void (*change)(Plan&)) {
    Plan plan = good;
    change(plan);
    test::expect_error(ErrorCode::kInternal, what, [&] { verify_plan(plan, matrices, tile); });
  };
  refused("0 areas for 3 rounds", [](Plan& p) { p.areas = 0; });
  refused("3 areas for 3 rounds", [](Plan& p) { p.areas = 3; });
  refused("2 areas of 2 tiles on a chip of 2", [](Plan& p) { p.areas = 2; });
  refused("rounds on several chips", [](Plan& p) { p.tiles_per_chip = 2; });
  refused("is in another round than block 1", [](Plan& p) { p.blocks[2].tile = 1; });
}

}  // namespace
}  // namespace xw::mapping
