// What to say when a model does not fit a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <vector>

#include "compiler/mapping/bounds.hpp"
#include "compiler/mapping/planner.hpp"

namespace xw::mapping {
namespace {

constexpr std::size_t kMaxSuggestions = 3;
constexpr std::size_t kMaxLayerKinds = 24;
constexpr std::uint32_t kLargestTile = 1024;

/// "model.layers.17.mlp.down_proj" -> "model.layers.*.mlp.down_proj".
std::string pattern_of(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const bool part_start = out.empty() || out.back() == '.' || out.back() == '*';
    if (digit && part_start) {
      if (out.empty() || out.back() != '*') out += '*';
    } else {
      out += c;
    }
  }
  return out;
}

struct LayerKind {
  std::string pattern;
  std::uint64_t cells = 0;
};

std::string percent(std::uint64_t part, std::uint64_t whole) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text.data();
}

std::uint32_t tiles_without(std::span<const MatrixShape> matrices, const TileShape& tile,
                            const std::vector<std::string>& digital) {
  std::vector<MatrixShape> kept;
  for (const MatrixShape& matrix : matrices) {
    if (std::find(digital.begin(), digital.end(), pattern_of(matrix.name)) == digital.end()) kept.push_back(matrix);
  }
  return kept.empty() ? 0 : best_plan(kept, tile).num_tiles;
}

std::string suggest_digital(std::span<const MatrixShape> matrices, const TileShape& tile) {
  std::map<std::string, std::uint64_t> cells;
  for (const MatrixShape& matrix : matrices)
    cells[pattern_of(matrix.name)] += std::uint64_t{matrix.in_features} * matrix.out_features * matrix.replicas;
  if (cells.size() > kMaxLayerKinds) return "";
  std::vector<LayerKind> kinds;
  for (const auto& [pattern, count] : cells) kinds.push_back({pattern, count});
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const LayerKind& a, const LayerKind& b) { return a.cells < b.cells; });
  std::string text;
  std::size_t found = 0;
  for (std::size_t i = 0; i < kinds.size() && found < kMaxSuggestions; ++i) {
    const std::uint32_t needed = tiles_without(matrices, tile, {kinds[i].pattern});
    if (needed == 0 || needed > tile.max_tiles) continue;
    text += "\n  - " + kinds[i].pattern + " digital (" + std::to_string(needed) + " tiles)";
    ++found;
  }
  if (found > 0) return text;
  // No kind alone is enough: take the largest together.
  std::vector<std::string> digital;
  std::string list;
  for (std::size_t i = kinds.size(); i-- > 1;) {
    digital.push_back(kinds[i].pattern);
    list += (list.empty() ? "" : ", ") + kinds[i].pattern;
    const std::uint32_t needed = tiles_without(matrices, tile, digital);
    if (needed <= tile.max_tiles) return "\n  - " + list + " digital (" + std::to_string(needed) + " tiles)";
  }
  return "";
}

std::string suggest_unequal_cuts(std::span<const MatrixShape> matrices, const TileShape& tile) {
  if (tile.row_cuts == RowCuts::kFewestTiles) return "";
  TileShape free = tile;
  free.row_cuts = RowCuts::kFewestTiles;
  const std::uint32_t needed = best_plan(matrices, free).num_tiles;
  return needed > tile.max_tiles ? "" : "\n  - inputs cut for the fewest tiles (" + std::to_string(needed) + " tiles)";
}

std::string suggest_single_copies(std::span<const MatrixShape> matrices, const TileShape& tile) {
  std::vector<MatrixShape> single(matrices.begin(), matrices.end());
  bool has_copies = false;
  for (MatrixShape& matrix : single) {
    has_copies = has_copies || matrix.replicas > 1;
    matrix.replicas = 1;
  }
  if (!has_copies) return "";
  const std::uint32_t needed = best_plan(single, tile).num_tiles;
  return needed > tile.max_tiles ? "" : "\n  - one copy of every matrix (" + std::to_string(needed) + " tiles)";
}

}  // namespace

std::string explain_capacity(std::span<const MatrixShape> matrices, const TileShape& tile, const Plan& plan) {
  const std::uint64_t chip_cells = std::uint64_t{tile.rows} * tile.cols * tile.max_tiles;
  const std::string shape = std::to_string(tile.rows) + " x " + std::to_string(tile.cols);
  std::string text =
      "chip too small: " + std::to_string(matrices.size()) + " matrices need " + std::to_string(plan.num_tiles) +
      " tiles of " + shape + ", the chip has " + std::to_string(tile.max_tiles) + ": " +
      std::to_string(plan.num_tiles - tile.max_tiles) + " missing (their weights are " +
      percent(plan.cells_used, chip_cells) + " of the chip's cells; at least " +
      std::to_string(area_bound(matrices, tile).tiles) +
      " tiles are needed by area). What would fit (`crossweave plan` has more and what each takes):\n  - a chip of " +
      std::to_string(plan.num_tiles) + " such tiles, or several chips (--chips auto)";
  text += suggest_unequal_cuts(matrices, tile);
  text += suggest_single_copies(matrices, tile);
  text += suggest_digital(matrices, tile);
  if (tile.rows < kLargestTile && tile.cols < kLargestTile) {
    TileShape larger = tile;
    larger.rows = std::min(2 * tile.rows, kLargestTile);
    larger.cols = std::min(2 * tile.cols, kLargestTile);
    if (larger.block_rows != 0) larger.block_rows *= 2;
    if (larger.block_cols != 0) larger.block_cols *= 2;
    const std::uint32_t needed = best_plan(matrices, larger).num_tiles;
    if (needed <= tile.max_tiles) {
      text += "\n  - tiles of " + std::to_string(larger.rows) + " x " + std::to_string(larger.cols) + " (" +
              std::to_string(needed) + " tiles)";
    }
  }
  return text;
}

}  // namespace xw::mapping
