// An independent check of plans: every weight once, nothing outside, nothing on top of each other.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "arch/support/error.hpp"
#include "compiler/mapping/plan.hpp"

namespace xw::mapping {
namespace {

struct Rect {
  std::uint64_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  std::size_t block = 0;
};

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::kInternal, "plan: " + what);
}

std::string describe(const Plan& plan, std::size_t index) {
  const PlacedBlock& block = plan.blocks[index];
  return "block " + std::to_string(index) + " (matrix " + std::to_string(block.matrix) + ", inputs " +
         std::to_string(block.in_begin) + "+" + std::to_string(block.rows) + ", outputs " +
         std::to_string(block.out_begin) + "+" + std::to_string(block.cols) + ", tile " + std::to_string(block.tile) +
         " at " + std::to_string(block.row0) + "," + std::to_string(block.col0) +
         (block.replica == 0 ? "" : ", copy " + std::to_string(block.replica)) + ")";
}

/// Throws if two of the rectangles overlap: a sweep over y that keeps the open ones sorted by x.
void check_disjoint(const Plan& plan, std::vector<Rect>& rects, const std::string& where) {
  struct Event {
    std::uint64_t y = 0;
    bool opens = false;
    std::size_t rect = 0;
  };
  std::vector<Event> events;
  for (std::size_t i = 0; i < rects.size(); ++i) {
    events.push_back({rects[i].y0, true, i});
    events.push_back({rects[i].y1, false, i});
  }
  // At equal y, closing comes first: touching is not overlapping.
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.y != b.y ? a.y < b.y : a.opens < b.opens; });
  std::map<std::uint64_t, std::size_t> open;  // x0 -> rectangle
  for (const Event& event : events) {
    const Rect& rect = rects[event.rect];
    if (!event.opens) {
      open.erase(rect.x0);
      continue;
    }
    const auto next = open.lower_bound(rect.x0);
    const Rect* hit = nullptr;
    if (next != open.end() && next->first < rect.x1) hit = &rects[next->second];
    if (next != open.begin() && rects[std::prev(next)->second].x1 > rect.x0) hit = &rects[std::prev(next)->second];
    if (hit != nullptr) fail(describe(plan, rect.block) + " overlaps " + describe(plan, hit->block) + " in " + where);
    open.emplace(rect.x0, event.rect);
  }
}

void check_block(const Plan& plan, std::size_t index, std::span<const MatrixShape> matrices, const TileShape& tile) {
  const PlacedBlock& block = plan.blocks[index];
  const auto end = [](std::uint32_t begin, std::uint32_t length) { return std::uint64_t{begin} + length; };
  if (block.matrix >= matrices.size())
    fail(describe(plan, index) + " is of none of the " + std::to_string(matrices.size()) + " matrices");
  const MatrixShape& matrix = matrices[block.matrix];
  if (block.replica >= matrix.replicas)
    fail(describe(plan, index) + " is beyond the " + std::to_string(matrix.replicas) + " copies of its matrix");
  if (block.rows == 0 || block.cols == 0) fail(describe(plan, index) + " is empty");
  if (end(block.in_begin, block.rows) > matrix.in_features || end(block.out_begin, block.cols) > matrix.out_features) {
    fail(describe(plan, index) + " leaves matrix '" + matrix.name + "'");
  }
  if (block.tile >= plan.num_tiles)
    fail(describe(plan, index) + " is in none of the " + std::to_string(plan.num_tiles) + " tiles");
  if (end(block.row0, block.rows) > tile.rows || end(block.col0, block.cols) > tile.cols)
    fail(describe(plan, index) + " leaves its tile");
  if ((tile.block_rows != 0 && block.rows > tile.block_rows) ||
      (tile.block_cols != 0 && block.cols > tile.block_cols)) {
    fail(describe(plan, index) + " exceeds the largest block of " + std::to_string(tile.block_rows) + " x " +
         std::to_string(tile.block_cols));
  }
  for (const std::uint32_t cut : matrix.input_cuts) {
    if (cut > block.in_begin && cut < end(block.in_begin, block.rows))
      fail(describe(plan, index) + " crosses the input cut at " + std::to_string(cut));
  }
}

/// Copies of a block stand behind it.
void check_copy(const Plan& plan, std::size_t index) {
  const PlacedBlock& block = plan.blocks[index];
  if (block.replica == 0) return;
  const auto shape = [](const PlacedBlock& b) { return std::tuple(b.matrix, b.out_begin, b.in_begin, b.rows, b.cols); };
  const bool is_copy =
      index > 0 && shape(plan.blocks[index - 1]) == shape(block) && plan.blocks[index - 1].replica + 1 == block.replica;
  if (!is_copy) fail(describe(plan, index) + " is no copy of the block before it");
}

/// Rounds lie on the chip, at least two take turns, and what runs together is in one of them.
void check_rounds(const Plan& plan, std::span<const MatrixShape> matrices, const TileShape& tile) {
  if (plan.tiles_per_chip != 0) fail("rounds on several chips");
  if (plan.areas == 0 || plan.areas >= plan.num_rounds())
    fail(std::to_string(plan.areas) + " areas for " + std::to_string(plan.num_rounds()) + " rounds");
  if (tile.max_tiles != 0 && std::uint64_t{plan.areas} * plan.tiles_per_round > tile.max_tiles)
    fail(std::to_string(plan.areas) + " areas of " + std::to_string(plan.tiles_per_round) + " tiles on a chip of " +
         std::to_string(tile.max_tiles));
  std::map<std::uint64_t, std::size_t> first;  // block of a group
  for (std::size_t i = 0; i < plan.blocks.size(); ++i) {
    const std::size_t other = first.try_emplace(group_of(matrices, plan.blocks[i].matrix), i).first->second;
    if (plan.blocks[other].tile / plan.tiles_per_round != plan.blocks[i].tile / plan.tiles_per_round)
      fail(describe(plan, i) + " is in another round than " + describe(plan, other) + ", which runs with it");
  }
}

}  // namespace

void verify_plan(const Plan& plan, std::span<const MatrixShape> matrices, const TileShape& tile) {
  std::vector<std::vector<Rect>> in_matrix(matrices.size());
  std::vector<std::vector<Rect>> in_tile(plan.num_tiles);
  std::uint64_t cells = 0;
  for (std::size_t i = 0; i < plan.blocks.size(); ++i) {
    check_block(plan, i, matrices, tile);
    check_copy(plan, i);
    const PlacedBlock& block = plan.blocks[i];
    // Copies stand above each other here.
    const std::uint64_t y0 = std::uint64_t{block.replica} * matrices[block.matrix].in_features + block.in_begin;
    in_matrix[block.matrix].push_back({y0, y0 + block.rows, block.out_begin, block.out_begin + block.cols, i});
    in_tile[block.tile].push_back({block.row0, block.row0 + block.rows, block.col0, block.col0 + block.cols, i});
    cells += std::uint64_t{block.rows} * block.cols;
    const auto key = [](const PlacedBlock& b) { return std::tuple(b.matrix, b.out_begin, b.in_begin, b.replica); };
    if (i > 0 && key(plan.blocks[i - 1]) >= key(block)) fail(describe(plan, i) + " is out of order");
  }
  for (std::size_t m = 0; m < matrices.size(); ++m) {
    std::uint64_t covered = 0;
    for (const Rect& rect : in_matrix[m]) covered += (rect.y1 - rect.y0) * (rect.x1 - rect.x0);
    const std::uint64_t whole =
        std::uint64_t{matrices[m].in_features} * matrices[m].out_features * matrices[m].replicas;
    check_disjoint(plan, in_matrix[m], "matrix '" + matrices[m].name + "'");
    if (covered != whole) {
      fail("matrix '" + matrices[m].name + "': expected " + std::to_string(whole) + " weights in blocks, found " +
           std::to_string(covered));
    }
  }
  for (std::size_t t = 0; t < in_tile.size(); ++t) {
    if (in_tile[t].empty() && plan.tiles_per_chip == 0 && plan.tiles_per_round == 0)
      fail("tile " + std::to_string(t) + " holds no block");
    check_disjoint(plan, in_tile[t], "tile " + std::to_string(t));
  }
  if (cells != plan.cells_used)
    fail("expected " + std::to_string(cells) + " used cells, found " + std::to_string(plan.cells_used));
  if (plan.tiles_per_chip != 0 && tile.max_tiles != 0 && plan.tiles_per_chip > tile.max_tiles)
    fail("chips of " + std::to_string(plan.tiles_per_chip) + " tiles where " + std::to_string(tile.max_tiles) +
         " are there");
  if (plan.tiles_per_round != 0) check_rounds(plan, matrices, tile);
  if (plan.tiles_per_chip == 0 && plan.tiles_per_round == 0 && tile.max_tiles != 0 && plan.num_tiles > tile.max_tiles)
    fail(std::to_string(plan.num_tiles) + " tiles on a chip of " + std::to_string(tile.max_tiles));
  if (plan.tiles_lower_bound > plan.num_tiles) {
    fail("lower bound " + std::to_string(plan.tiles_lower_bound) + " above the " + std::to_string(plan.num_tiles) +
         " tiles found");
  }
}

}  // namespace xw::mapping
