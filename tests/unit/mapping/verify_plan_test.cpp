// The checker of plans finds every kind of broken plan.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "arch/support/error.hpp"
#include "compiler/mapping/plan.hpp"

namespace xw::mapping {
namespace {

using ::testing::HasSubstr;

const std::vector<MatrixShape>& matrices() {
  static const std::vector<MatrixShape> list{{"a", 10, 8, {6}}, {"b", 4, 4, {}}};
  return list;
}
const TileShape kTile{8, 8, 3};

/// Written by hand: a in blocks of 6 x 8 and 4 x 8 rows x columns, b beside the second in its tile.
Plan valid_plan() {
  Plan plan;
  plan.blocks = {{0, 0, 6, 0, 8, 0, 0, 0}, {0, 6, 4, 0, 8, 1, 0, 0}, {1, 0, 4, 0, 4, 1, 4, 4}};
  plan.num_tiles = 2;
  plan.tiles_lower_bound = 2;
  plan.cells_used = 96;
  return plan;
}

std::string complaint(const Plan& plan, const TileShape& tile = kTile) {
  try {
    verify_plan(plan, matrices(), tile);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInternal);
    return error.what();
  }
  return "valid";
}

TEST(VerifyPlan, AcceptsAValidPlan) {
  EXPECT_EQ(complaint(valid_plan()), "valid");
}

TEST(VerifyPlan, FindsEveryDefect) {
  const struct {
    const char* what;
    std::function<void(Plan&)> change;
    const char* expected;
  } cases[] = {
      {"unknown matrix", [](Plan& p) { p.blocks[2].matrix = 2; }, "is of none of the 2 matrices"},
      {"empty block", [](Plan& p) { p.blocks[2].rows = 0; }, "is empty"},
      {"beyond the inputs", [](Plan& p) { p.blocks[2].in_begin = 1; }, "leaves matrix 'b'"},
      {"beyond the outputs", [](Plan& p) { p.blocks[2].out_begin = 1; }, "leaves matrix 'b'"},
      {"begin that overflows", [](Plan& p) { p.blocks[2].in_begin = UINT32_MAX - 1; }, "leaves matrix 'b'"},
      {"unknown tile", [](Plan& p) { p.blocks[2].tile = 2; }, "is in none of the 2 tiles"},
      {"below its tile", [](Plan& p) { p.blocks[2].row0 = 5; }, "leaves its tile"},
      {"right of its tile", [](Plan& p) { p.blocks[2].col0 = 5; }, "leaves its tile"},
      {"place that overflows", [](Plan& p) { p.blocks[2].row0 = UINT32_MAX - 1; }, "leaves its tile"},
      {"overlap in a tile", [](Plan& p) { p.blocks[2].row0 = 3; }, "overlaps block 1"},
      {"same place",
       [](Plan& p) {
         p.blocks[2].row0 = 0;
         p.blocks[2].col0 = 0;
       },
       "overlaps block 1"},
      {"crosses an input cut",
       [](Plan& p) {
         p.blocks[0].rows = 7;
         p.blocks[1].in_begin = 7;
         p.blocks[1].rows = 3;
       },
       "crosses the input cut at 6"},
      {"overlap in a matrix",
       [](Plan& p) {
         p.blocks.insert(p.blocks.begin() + 1, {0, 2, 4, 0, 8, 1, 0, 0});
       },
       "in matrix 'a'"},
      {"hole in a matrix",
       [](Plan& p) {
         p.blocks[2].cols = 3;
         p.cells_used = 92;
       },
       "matrix 'b': expected 16 weights in blocks, found 12"},
      {"matrix missing",
       [](Plan& p) {
         p.blocks.pop_back();
         p.cells_used = 80;
       },
       "matrix 'b': expected 16 weights in blocks, found 0"},
      {"order", [](Plan& p) { std::swap(p.blocks[0], p.blocks[1]); }, "is out of order"},
      {"twice", [](Plan& p) { p.blocks.push_back(p.blocks.back()); }, "is out of order"},
      {"empty tile", [](Plan& p) { p.num_tiles = 3; }, "tile 2 holds no block"},
      {"cells", [](Plan& p) { p.cells_used = 95; }, "expected 96 used cells, found 95"},
      {"bound", [](Plan& p) { p.tiles_lower_bound = 3; }, "lower bound 3 above the 2 tiles found"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    Plan plan = valid_plan();
    c.change(plan);
    EXPECT_THAT(complaint(plan), HasSubstr(c.expected));
  }
}

/// b twice, cut in two: its copies stand in tile 1 and 2.
TEST(VerifyPlan, FindsWrongCopies) {
  const std::vector<MatrixShape> list{{"b", 4, 4, {}, 0, 2}};
  const auto valid = [] {
    Plan plan;
    plan.blocks = {{0, 0, 4, 0, 2, 0, 0, 0, 0},
                   {0, 0, 4, 0, 2, 0, 0, 2, 1},
                   {0, 0, 4, 2, 2, 1, 0, 0, 0},
                   {0, 0, 4, 2, 2, 1, 4, 0, 1}};
    plan.num_tiles = 2;
    plan.cells_used = 32;
    return plan;
  };
  const struct {
    const char* what;
    std::function<void(Plan&)> change;
    const char* expected;
  } cases[] = {
      {"as it should be", [](Plan&) {}, "valid"},
      {"a third copy", [](Plan& p) { p.blocks[1].replica = 2; }, "copy 2) is beyond the 2 copies of its matrix"},
      {"a copy of nothing", [](Plan& p) { std::swap(p.blocks[0], p.blocks[1]); }, "is no copy of the block before it"},
      {"another cut", [](Plan& p) { p.blocks[1].cols = 1; }, "is no copy of the block before it"},
      {"the same cells", [](Plan& p) { p.blocks[1].col0 = 0; }, "overlaps block 0"},
      {"one copy of a block only",
       [](Plan& p) {
         p.blocks.pop_back();
         p.cells_used = 24;
       },
       "matrix 'b': expected 32 weights in blocks, found 24"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    Plan plan = valid();
    c.change(plan);
    std::string found = "valid";
    try {
      verify_plan(plan, list, kTile);
    } catch (const Error& error) {
      found = error.what();
    }
    EXPECT_THAT(found, HasSubstr(c.expected));
  }
}

TEST(VerifyPlan, KnowsTheChip) {
  EXPECT_THAT(complaint(valid_plan(), {8, 8, 1}), HasSubstr("2 tiles on a chip of 1"));
  EXPECT_THAT(complaint(valid_plan(), {8, 8, 0, 5, 8}), HasSubstr("exceeds the largest block of 5 x 8"));
}

}  // namespace
}  // namespace xw::mapping
