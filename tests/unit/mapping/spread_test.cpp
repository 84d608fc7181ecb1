// Blocks moved apart: nothing but tiles changes, and no tile holds more blocks than it must.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/spread.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "arch/support/error.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/mapping/random_matrices.hpp"

namespace xw::mapping {
namespace {

/// Blocks by tile.
std::map<std::uint32_t, std::uint32_t> held(const Plan& plan) {
  std::map<std::uint32_t, std::uint32_t> counts;
  for (const PlacedBlock& block : plan.blocks) ++counts[block.tile];
  return counts;
}

std::uint32_t most_of(const std::map<std::uint32_t, std::uint32_t>& counts) {
  std::uint32_t most = 0;
  for (const auto& [tile, count] : counts) most = std::max(most, count);
  return most;
}

TEST(Spread, TilesHoldAsFewBlocksAsThereIsRoomFor) {
  xw::test::RandomNumbers pick;
  const std::uint64_t seed = pick.seed();
  for (int n = 0; n < 300; ++n) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", case " + std::to_string(n));
    const std::vector<MatrixShape> matrices = test::random_matrices(pick, 5, 4, 100);
    TileShape tile{64, 48};
    const Plan before = make_plan(matrices, tile);
    Plan plan = before;
    const std::uint32_t tiles = pick(0, 3) == 0 ? 0 : before.num_tiles + pick(0, 30);
    spread(plan, matrices, tiles);
    tile.max_tiles = tiles;
    ASSERT_NO_THROW(verify_plan(plan, matrices, tile));
    ASSERT_EQ(plan.blocks.size(), before.blocks.size());
    for (std::size_t b = 0; b < plan.blocks.size(); ++b) {
      PlacedBlock expected = before.blocks[b];
      if (plan.blocks[b].tile >= before.num_tiles) expected.tile = plan.blocks[b].tile;
      ASSERT_EQ(plan.blocks[b], expected) << "only into new tiles";
    }
    const std::map<std::uint32_t, std::uint32_t> now = held(plan);
    EXPECT_EQ(now.size(), plan.num_tiles) << "no tile is empty";
    const std::uint32_t most = most_of(now);
    if (tiles == 0) {
      EXPECT_EQ(most, 1U);
    } else {
      EXPECT_LE(plan.num_tiles, tiles);
      if (most > 1) {  // one block less per tile would need too many
        std::uint64_t needed = 0;
        for (const auto& [old, count] : held(before)) needed += (count + most - 2) / (most - 1);
        EXPECT_GT(needed, tiles);
      }
    }
    EXPECT_LE(max_serialisation(plan, matrices), max_serialisation(before, matrices));
  }
}

/// Four blocks in one tile, two of each group: with one more tile no group shares one.
TEST(Spread, BlocksOfOneGroupPartFirst) {
  const std::vector<MatrixShape> matrices = {
      {"a", 32, 32, {}, 1}, {"b", 32, 32, {}, 1}, {"c", 32, 32, {}, 2}, {"d", 32, 32, {}, 2}};
  Plan plan = make_plan(matrices, {64, 64});
  ASSERT_EQ(plan.num_tiles, 1U);
  ASSERT_EQ(max_serialisation(plan, matrices), 2U);
  spread(plan, matrices, 2);
  EXPECT_EQ(plan.num_tiles, 2U);
  EXPECT_EQ(max_serialisation(plan, matrices), 1U);
  spread(plan, matrices, 1);
  EXPECT_EQ(plan.num_tiles, 2U) << "nothing is put together";
}

TEST(Spread, IsForOneChip) {
  const std::vector<MatrixShape> matrices = {{"m", 64, 64, {}, 1}};
  Plan plan = make_plan(matrices, {64, 64});
  plan.tiles_per_chip = 1;
  EXPECT_THROW(spread(plan, matrices, 0), Error);
}

}  // namespace
}  // namespace xw::mapping
