// Copies behind a plan: what was there stays, what is new is cut and grouped alike in tiles of its own.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/duplicates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "arch/support/error.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/mapping/random_matrices.hpp"

namespace xw::mapping {
namespace {

TEST(Duplicates, CopiesAreCutAndPlacedAsTheirOriginals) {
  xw::test::RandomNumbers pick;
  const std::uint64_t seed = pick.seed();
  for (int n = 0; n < 200; ++n) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", case " + std::to_string(n));
    std::vector<MatrixShape> matrices = test::random_matrices(pick, 4, 3, 200);
    const std::uint32_t groups = matrices.back().group;
    const TileShape tile{64, 48};
    const Plan before = make_plan(matrices, tile);
    Plan plan = before;
    const std::uint32_t group = pick(1, groups);
    std::vector<std::uint32_t> members;
    for (std::uint32_t m = 0; m < matrices.size(); ++m) {
      if (matrices[m].group == group) members.push_back(m);
    }
    const std::size_t originals = matrices.size();
    append_copy(plan, matrices, members, groups + 1);
    ASSERT_NO_THROW(verify_plan(plan, matrices, tile));
    ASSERT_TRUE(std::equal(before.blocks.begin(), before.blocks.end(), plan.blocks.begin()));
    EXPECT_EQ(plan.num_tiles, before.num_tiles + tiles_of(before, members));
    EXPECT_EQ(matrices.size(), originals + members.size());
    // Tiles of original and copy correspond one to one.
    std::map<std::uint32_t, std::uint32_t> there, back;
    std::size_t next = before.blocks.size();
    for (const PlacedBlock& block : before.blocks) {
      const auto member = std::find(members.begin(), members.end(), block.matrix);
      if (member == members.end()) continue;
      ASSERT_LT(next, plan.blocks.size());
      PlacedBlock expected = block;
      expected.matrix = static_cast<std::uint32_t>(originals + (member - members.begin()));
      expected.tile = plan.blocks[next].tile;
      ASSERT_EQ(plan.blocks[next], expected);
      ASSERT_GE(expected.tile, before.num_tiles);
      ASSERT_EQ(there.try_emplace(block.tile, expected.tile).first->second, expected.tile);
      ASSERT_EQ(back.try_emplace(expected.tile, block.tile).first->second, block.tile);
      ++next;
    }
    EXPECT_EQ(next, plan.blocks.size());
    EXPECT_EQ(serialisation(plan, matrices).at(groups + 1), serialisation(before, matrices).at(group));
  }
}

TEST(Duplicates, AreForOneChip) {
  std::vector<MatrixShape> matrices = {{"m", 64, 64, {}, 1}};
  Plan plan = make_plan(matrices, {64, 64});
  plan.tiles_per_chip = 1;
  const std::vector<std::uint32_t> members = {0};
  EXPECT_THROW(append_copy(plan, matrices, members, 2), Error);
}

}  // namespace
}  // namespace xw::mapping
