// Spreading models over chips, against a checker that shares nothing with the planner.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/chips.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "arch/support/error.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/mapping/model_shapes.hpp"

namespace xw::mapping {
namespace {

/// What is wrong with a plan, cell by cell of small matrices and tiles; empty: nothing.
std::string problem_of(const Plan& plan, const std::vector<MatrixShape>& matrices, const TileShape& tile,
                       std::uint32_t tiles_per_chip) {
  std::vector<std::vector<std::uint32_t>> weights;  // by matrix: [copy][input][output], how often they are there
  for (const MatrixShape& m : matrices)
    weights.emplace_back(std::size_t{m.replicas} * m.in_features * m.out_features, 0U);
  std::map<std::uint32_t, std::vector<bool>> cells;  // by tile
  for (const PlacedBlock& block : plan.blocks) {
    if (block.matrix >= matrices.size()) return "a block of no matrix";
    const MatrixShape& m = matrices[block.matrix];
    if (block.replica >= m.replicas) return "a block of no copy";
    if (tile.block_rows != 0 && block.rows > tile.block_rows) return "a block with too many rows";
    if (tile.block_cols != 0 && block.cols > tile.block_cols) return "a block with too many columns";
    std::vector<bool>& of_tile = cells[block.tile];
    of_tile.resize(std::size_t{tile.rows} * tile.cols, false);
    for (std::uint32_t r = 0; r < block.rows; ++r) {
      for (std::uint32_t c = 0; c < block.cols; ++c) {
        if (block.in_begin + r >= m.in_features || block.out_begin + c >= m.out_features) return "a cell of no weight";
        if (block.row0 + r >= tile.rows || block.col0 + c >= tile.cols) return "a cell outside of its tile";
        std::vector<std::uint32_t>& of = weights[block.matrix];
        ++of[(std::size_t{block.replica} * m.in_features + block.in_begin + r) * m.out_features + block.out_begin + c];
        const std::size_t cell = std::size_t{block.row0 + r} * tile.cols + block.col0 + c;
        if (of_tile[cell]) return "two weights in one cell of tile " + std::to_string(block.tile);
        of_tile[cell] = true;
      }
    }
    for (const std::uint32_t cut : m.input_cuts) {
      if (block.in_begin < cut && cut < block.in_begin + block.rows) return "a block across an input cut";
    }
  }
  for (const std::vector<std::uint32_t>& of : weights) {
    if (std::any_of(of.begin(), of.end(), [](std::uint32_t times) { return times != 1; }))
      return "a weight that is not there exactly once per copy";
  }
  std::map<std::uint32_t, std::uint32_t> per_chip;
  for (const auto& [number, used] : cells) {
    if (number >= plan.num_tiles) return "a tile beyond the last one";
    ++per_chip[number / tiles_per_chip];
  }
  for (const auto& [chip, count] : per_chip) {
    if (count > tiles_per_chip) return "chip " + std::to_string(chip) + " is too full";
    if (chip >= plan.num_chips()) return "a chip beyond the last one";
  }
  if (plan.num_chips() > 1 && plan.tiles_per_chip != tiles_per_chip) return "chips of another size";
  if (plan.tiles_lower_bound > cells.size()) return "a lower bound above the tiles in use";
  return "";
}

TEST(ChipsPlan, RandomModelsOnRandomChips) {
  test::RandomNumbers pick;
  const std::uint64_t seed = pick.seed();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kPairs = 500;  // every one costs ten times as much
#else
  constexpr int kPairs = 10000;
#endif
  int spread = 0, one_by_one = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    std::vector<MatrixShape> matrices;
    const std::uint32_t count = pick(1, 6);
    std::uint32_t group = 1;
    for (std::uint32_t m = 0; m < count; ++m) {
      MatrixShape shape{"m" + std::to_string(m),         pick(1, 40), pick(1, 40), {}, pick(0, 3) == 0 ? 0 : group,
                        pick(0, 4) == 0 ? pick(2, 3) : 1};
      if (pick(0, 2) == 0) ++group;
      if (pick(0, 5) == 0 && shape.in_features > 2) shape.input_cuts = {0, pick(1, shape.in_features - 1)};
      matrices.push_back(std::move(shape));
    }
    TileShape tile{pick(1, 24), pick(1, 24), pick(0, 3)};
    if (pick(0, 3) == 0) tile.block_rows = pick(1, 24);
    if (pick(0, 3) == 0) tile.block_cols = pick(1, 24);
    if (pick(0, 3) == 0) tile.row_cuts = RowCuts::kEqual;
    const std::uint32_t tiles = pick(0, 2) == 0 ? pick(1, 3) : pick(1, 40);
    const auto borders = static_cast<ChipBorders>(pick(0, 2));
    const Plan plan = make_chips_plan(matrices, tile, {tiles, 0, borders});
    ASSERT_EQ(problem_of(plan, matrices, tile, tiles), "") << "seed " << seed << ", pair " << pair;
    ASSERT_EQ(plan, make_chips_plan(matrices, tile, {tiles, 0, borders})) << "seed " << seed << ", pair " << pair;
    TileShape free = tile;
    free.max_tiles = 0;
    ASSERT_NO_THROW(verify_plan(plan, matrices, free)) << "seed " << seed << ", pair " << pair;
    spread += plan.num_chips() > 1 ? 1 : 0;
    one_by_one += tiles < 3 ? 1 : 0;
    if (plan.num_chips() == 1) continue;
    // One chip more than needed is enough, too; one less is not, if chips may end anywhere.
    const Plan wider = make_chips_plan(matrices, tile, {tiles, plan.num_chips() + 1, borders});
    ASSERT_EQ(problem_of(wider, matrices, tile, tiles), "") << "seed " << seed << ", pair " << pair;
    ASSERT_LE(wider.num_chips(), plan.num_chips() + 1);
  }
  EXPECT_GT(spread, kPairs / 4);
  EXPECT_GT(one_by_one, kPairs / 20);
}

TEST(ChipsPlan, WholeModelThatFitsIsThatOfOneChip) {
  const auto matrices = test::llama_matrices({2, 576, 192, 1536});
  const Plan plan = make_chips_plan(matrices, {512, 512}, {100});
  EXPECT_EQ(plan, make_plan(matrices, {512, 512}));
  EXPECT_EQ(plan.tiles_per_chip, 0U);
}

TEST(ChipsPlan, SmolLm2NeedsAsManyChipsAsItsTilesSay) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  const Plan plan = make_chips_plan(matrices, {512, 512}, {34});
  EXPECT_EQ(plan.tiles_lower_bound, 405U);
  EXPECT_EQ(plan.num_chips(), 12U) << "405 tiles on chips of 34";
  EXPECT_NO_THROW(verify_plan(plan, matrices, {512, 512, 34}));
}

TEST(ChipsPlan, LayersStayTogetherWhereTheyMay) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  const Plan plan = make_chips_plan(matrices, {512, 512}, {34, 0, ChipBorders::kWholeCalls});
  std::map<std::uint32_t, std::set<std::uint32_t>> chips_of;  // by call
  for (const PlacedBlock& block : plan.blocks) chips_of[matrices[block.matrix].group].insert(block.tile / 34);
  for (const auto& [call, chips] : chips_of) EXPECT_EQ(chips.size(), 1U) << "call " << call;
}

TEST(ChipsPlan, MoreChipsThanNeededAreFilledEqually) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  const Plan plan = make_chips_plan(matrices, {512, 512}, {400, 4});
  ASSERT_EQ(plan.num_chips(), 4U);
  std::map<std::uint32_t, std::set<std::uint32_t>> tiles;
  for (const PlacedBlock& block : plan.blocks) tiles[block.tile / 400].insert(block.tile);
  for (const auto& [chip, used] : tiles) EXPECT_NEAR(static_cast<double>(used.size()), 405.0 / 4, 8) << "chip " << chip;
}

TEST(ChipsPlan, TooFewChipsAreRefusedWithTheNumberThatIsNeeded) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  try {
    static_cast<void>(make_chips_plan(matrices, {512, 512}, {34, 11}));
    FAIL() << "11 chips of 34 tiles hold no 405 tiles";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCapacity);
    EXPECT_NE(std::string(error.what()).find("need 12 chips of 34 tiles of 512 x 512, there are to be 11"),
              std::string::npos)
        << error.what();
  }
  EXPECT_THROW(static_cast<void>(make_chips_plan(matrices, {512, 512}, {0})), Error);
}

TEST(ChipsPlan, AColumnThatNoChipHoldsIsSpreadOverChips) {
  const std::vector<MatrixShape> matrices{{"m", 100, 30, {}, 1, 2}};
  const TileShape tile{16, 16};
  const Plan plan = make_chips_plan(matrices, tile, {3});  // 7 pieces of inputs, twice
  EXPECT_EQ(problem_of(plan, matrices, tile, 3), "");
  EXPECT_GE(plan.num_chips(), 9U);
}

TEST(ChipsPlan, TheCheckerFindsWhatIsWrong) {
  const std::vector<MatrixShape> matrices{{"m", 40, 40, {}}};
  const TileShape tile{16, 16};
  const Plan good = make_chips_plan(matrices, tile, {4});
  ASSERT_EQ(problem_of(good, matrices, tile, 4), "");
  Plan bad = good;
  bad.blocks.front().tile = bad.blocks.back().tile;
  bad.blocks.front().row0 = bad.blocks.back().row0;
  bad.blocks.front().col0 = bad.blocks.back().col0;
  EXPECT_NE(problem_of(bad, matrices, tile, 4), "");
  EXPECT_THROW(verify_plan(bad, matrices, tile), Error);
  bad = good;
  bad.blocks.pop_back();
  EXPECT_NE(problem_of(bad, matrices, tile, 4), "");
}

}  // namespace
}  // namespace xw::mapping
