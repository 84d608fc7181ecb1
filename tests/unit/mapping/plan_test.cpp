// Plans of real and random models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "arch/support/error.hpp"
#include "tests/unit/mapping/model_shapes.hpp"

namespace xw::mapping {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Plan, SmolLm2FitsInTheFewestPossibleTiles) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  const TileShape tile{512, 512};
  const Plan plan = make_plan(matrices, tile);
  verify_plan(plan, matrices, tile);
  EXPECT_EQ(plan.num_tiles, 405U) << "106168320 weights / 262144 cells = 405";
  EXPECT_EQ(plan.tiles_lower_bound, 405U);
  EXPECT_THAT(plan.lower_bound_reason, StartsWith("area: 106168320 cells / 262144"));
  EXPECT_EQ(plan.cells_used, 106168320U);
  EXPECT_EQ(plan.blocks.size(), 900U)
      << "two input pieces for 576, three for 1536: no more blocks than equal cuts have";
  EXPECT_EQ(max_serialisation(plan, matrices), 1U);
}

TEST(Plan, PublishedTileCountsOfLargeModels) {
  const TileShape tile{512, 512};
  const auto llama = test::llama_matrices(test::kLlama1b);
  const Plan plan = make_plan(llama, tile);
  verify_plan(plan, llama, tile);
  EXPECT_EQ(plan.num_tiles, 3712U);
  EXPECT_EQ(plan.tiles_lower_bound, 3712U);
  const auto phi3 = test::phi3_matrices();
  const Plan large = make_plan(phi3, tile);
  verify_plan(large, phi3, tile);
  EXPECT_EQ(large.num_tiles, 13824U);
}

/// By how much the most blocks of a group in one stack are above what its blocks need, over all groups.
std::uint32_t turns_too_many(const Plan& plan, const std::vector<MatrixShape>& matrices, std::uint32_t stacks) {
  std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> blocks;  // by group and stack
  for (const PlacedBlock& block : plan.blocks) ++blocks[matrices[block.matrix].group][block.tile % stacks];
  std::uint32_t most = 0;
  for (const auto& [group, by_stack] : blocks) {
    std::uint32_t all = 0, largest = 0;
    for (const auto& [stack, count] : by_stack) {
      all += count;
      largest = std::max(largest, count);
    }
    most = std::max(most, largest - (all + stacks - 1) / stacks);
  }
  return most;
}

TEST(Plan, BlocksOfACallLieInStacksOfTheirOwn) {
  const auto matrices = test::llama_matrices(test::kLlama1b);
  TileShape tile{512, 512};
  const Plan flat = make_plan(matrices, tile);
  for (const std::uint32_t stacks : {1U, 7U, 100U, 3711U, 3712U, 5000U}) {
    SCOPED_TRACE(stacks);
    tile.stacks = stacks;
    const Plan plan = make_plan(matrices, tile);
    verify_plan(plan, matrices, tile);
    EXPECT_LE(turns_too_many(plan, matrices, stacks), 1U);
    // Only numbers of tiles differ, and each has another one.
    ASSERT_EQ(plan.blocks.size(), flat.blocks.size());
    std::map<std::uint32_t, std::uint32_t> number;
    for (std::size_t b = 0; b < plan.blocks.size(); ++b) {
      const auto [known, is_new] = number.emplace(flat.blocks[b].tile, plan.blocks[b].tile);
      EXPECT_EQ(known->second, plan.blocks[b].tile);
      PlacedBlock same = plan.blocks[b];
      same.tile = flat.blocks[b].tile;
      EXPECT_EQ(same, flat.blocks[b]);
    }
    std::set<std::uint32_t> used;
    for (const auto& [from, to] : number) used.insert(to);
    EXPECT_EQ(used.size(), flat.num_tiles);
    EXPECT_EQ(*used.rbegin(), flat.num_tiles - 1);
  }
  EXPECT_GT(turns_too_many(flat, matrices, 100), 1U) << "without stacks in mind they collide";
}

TEST(Plan, IsDeterministic) {
  for (const auto& matrices : {test::llama_matrices(test::kSmolLm2), test::llama_matrices(test::kQwen05b)}) {
    EXPECT_EQ(make_plan(matrices, {512, 512}), make_plan(matrices, {512, 512}));
  }
}

TEST(Plan, EqualCutsWinWhenTheyCostNothing) {
  // 600 x 600 in tiles of 512: four blocks whatever the cut; alone on a chip, equal ones need two tiles by height.
  const std::vector<MatrixShape> one{{"m", 1000, 512, {}}};
  const Plan plan = make_plan(one, {512, 512});
  ASSERT_EQ(plan.blocks.size(), 2U);
  EXPECT_EQ(plan.blocks[0].rows, 500U);
  EXPECT_EQ(plan.blocks[1].rows, 500U);
}

TEST(Plan, InputCutsAreKept) {
  const std::vector<MatrixShape> matrices{{"a", 1000, 700, {100, 700}}, {"b", 300, 300, {150}}};
  for (const TileShape& tile : {TileShape{512, 512}, TileShape{256, 128}, TileShape{512, 512, 0, 64, 64}}) {
    const Plan plan = make_plan(matrices, tile);
    verify_plan(plan, matrices, tile);
    std::set<std::uint32_t> begins;
    for (const PlacedBlock& block : plan.blocks) {
      if (block.matrix == 0) begins.insert(block.in_begin);
    }
    EXPECT_TRUE(begins.contains(100) && begins.contains(700));
  }
}

TEST(Plan, FinerInputCutsOnlyWhenTheChipIsTooSmallOtherwise) {
  const std::vector<MatrixShape> matrices(4, MatrixShape{"m", 896, 512, {}});
  const Plan free = make_plan(matrices, {512, 512});
  EXPECT_EQ(free.num_tiles, 8U);
  EXPECT_EQ(free.blocks.size(), 8U);
  EXPECT_EQ(free.tiles_lower_bound, 8U);
  EXPECT_THAT(free.lower_bound_reason, HasSubstr("fewest pieces"));
  const TileShape small{512, 512, 7};
  const Plan fine = make_plan(matrices, small);
  verify_plan(fine, matrices, small);
  EXPECT_EQ(fine.num_tiles, 7U) << "512 + 256 + 128 rows: as many tiles as the area needs";
  EXPECT_EQ(fine.tiles_lower_bound, 7U);
  EXPECT_THAT(fine.lower_bound_reason, StartsWith("area"));
}

TEST(Plan, RandomModels) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto between = [&](std::uint32_t low, std::uint32_t high) {
      return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
    };
    TileShape tile{between(1, 4) * 32, between(1, 4) * 32};
    if (seed % 3 == 0) tile = {between(16, 100), between(16, 100), 0, between(12, 50), between(12, 50)};
    std::vector<MatrixShape> matrices(between(1, 12));
    for (std::size_t m = 0; m < matrices.size(); ++m) {
      MatrixShape& matrix = matrices[m];
      matrix = {"m" + std::to_string(m), between(1, 300), between(1, 300), {}, between(0, 4)};
      if (matrix.in_features > 50 && between(0, 2) == 0) matrix.input_cuts = {between(1, 20), between(21, 49)};
      if (between(0, 2) == 0) matrix.replicas = between(2, 4);
    }
    const Plan plan = make_plan(matrices, tile);
    ASSERT_NO_THROW(verify_plan(plan, matrices, tile)) << "also checks that the bound is not above the plan";
    ASSERT_GE(plan.tiles_lower_bound, 1U);
    // The bound is at least the area.
    ASSERT_GE(std::uint64_t{plan.tiles_lower_bound} * tile.rows * tile.cols, plan.cells_used);
  }
}

TEST(Plan, EverythingTwiceNeedsTwiceTheTiles) {
  auto matrices = test::llama_matrices(test::kSmolLm2);
  for (MatrixShape& matrix : matrices) matrix.replicas = 2;
  const TileShape tile{512, 512};
  const Plan plan = make_plan(matrices, tile);
  verify_plan(plan, matrices, tile);
  EXPECT_EQ(plan.num_tiles, 810U);
  EXPECT_EQ(plan.tiles_lower_bound, 810U);
  EXPECT_EQ(plan.cells_used, 2U * 106168320U);
  EXPECT_EQ(max_serialisation(plan, matrices), 1U);
  for (std::size_t i = 0; i < plan.blocks.size(); i += 2) {
    ASSERT_EQ(plan.blocks[i + 1].replica, 1U);
    ASSERT_NE(plan.blocks[i].tile, plan.blocks[i + 1].tile) << "copies of one block, where there is room";
  }
}

TEST(Plan, CopiesMayShareATileButNoCells) {
  const std::vector<MatrixShape> one{{"m", 64, 64, {}, 1, 4}};
  const Plan plan = make_plan(one, {128, 128});
  verify_plan(plan, one, {128, 128});
  EXPECT_EQ(plan.num_tiles, 1U);
  EXPECT_EQ(max_serialisation(plan, one), 4U);
}

TEST(Plan, EqualCutsWhenAskedForWhateverTheyCost) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  TileShape tile{512, 512};
  tile.row_cuts = RowCuts::kEqual;
  const Plan plan = make_plan(matrices, tile);
  verify_plan(plan, matrices, tile);
  EXPECT_EQ(plan.num_tiles, 642U);
  for (const PlacedBlock& block : plan.blocks)
    ASSERT_EQ(block.rows, matrices[block.matrix].in_features == 576 ? 288U : 512U);
  tile.max_tiles = 500;
  try {
    (void)make_plan(matrices, tile);
    ADD_FAILURE() << "fits";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCapacity);
    EXPECT_THAT(error.what(), HasSubstr("- inputs cut for the fewest tiles (405 tiles)"));
  }
}

TEST(Plan, BlocksOfOneGroupSpreadOverTiles) {
  // 64 small blocks, eight of each of eight groups, fill eight tiles: one of each group in each.
  std::vector<MatrixShape> matrices;
  for (std::uint32_t i = 0; i < 64; ++i) matrices.push_back({"m" + std::to_string(i), 64, 512, {}, i / 8 + 1});
  const Plan plan = make_plan(matrices, {512, 512});
  EXPECT_EQ(plan.num_tiles, 8U);
  EXPECT_EQ(max_serialisation(plan, matrices), 1U);
  EXPECT_EQ(serialisation(plan, matrices), (std::vector<std::uint32_t>{0, 1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(Plan, SerialisationCountsWhatMustShare) {
  // Four blocks of one group and nothing else fit one tile: fewer tiles count more than turns.
  const std::vector<MatrixShape> matrices(4, MatrixShape{"m", 256, 256, {}, 1});
  const Plan plan = make_plan(matrices, {512, 512});
  EXPECT_EQ(plan.num_tiles, 1U);
  EXPECT_EQ(max_serialisation(plan, matrices), 4U);
  const std::vector<MatrixShape> independent(4, MatrixShape{"m", 256, 256, {}});
  EXPECT_EQ(max_serialisation(make_plan(independent, {512, 512}), independent), 1U);
}

TEST(Plan, RefusesImpossibleArguments) {
  const auto code_of = [](const std::vector<MatrixShape>& matrices, const TileShape& tile) {
    try {
      (void)make_plan(matrices, tile);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of({}, {512, 512}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{"m", 0, 5, {}}}, {512, 512}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{"m", 5, 0, {}}}, {512, 512}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{"m", 5, 5, {}}}, {0, 512}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{"m", 5, 5, {9}}}, {512, 512}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{"m", 5, 5, {}, 0, 0}}, {512, 512}), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace xw::mapping
