// Cutting matrices into blocks.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/cuts.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "arch/support/error.hpp"

namespace xw::mapping {
namespace {

constexpr std::uint32_t kBandGrain =
    64;  ///< outputs; cuts at the end of a band keep to multiples, so that lanes stay full
constexpr std::uint32_t kFinestPiece = 32;  ///< rows; kFine does not cut below

/// Adds the blocks [out_begin, out_begin + cols) of all row pieces of a matrix; `place(row piece, block)` for each.
template <typename Place>
void add_column(Cutting& cutting, std::uint32_t matrix, std::span<const std::uint32_t> rows, std::uint32_t out_begin,
                std::uint32_t cols, std::uint32_t replica, const Place& place) {
  std::uint32_t in_begin = 0;
  for (std::size_t piece = 0; piece < rows.size(); ++piece) {
    PlacedBlock block;
    block.matrix = matrix;
    block.in_begin = in_begin;
    block.rows = rows[piece];
    block.out_begin = out_begin;
    block.cols = cols;
    block.replica = replica;
    in_begin += rows[piece];
    place(piece, static_cast<std::uint32_t>(cutting.blocks.size()));
    cutting.blocks.push_back(block);
  }
}

/// Matrices of one kind of input cuts and one number of copies laid side by side into bands of full tile width.
class BandCutter {
 public:
  BandCutter(Cutting& cutting, const std::vector<std::uint32_t>& rows, std::uint32_t replicas, std::uint32_t tile_cols,
             std::uint32_t block_cols)
      : cutting_(cutting),
        rows_(rows),
        replicas_(replicas),
        tile_cols_(tile_cols),
        block_cols_(block_cols),
        grain_(std::min(kBandGrain, block_cols)) {}

  void add(std::uint32_t matrix, std::uint32_t out_features) {
    for (std::uint32_t begin = 0; begin < out_features;) {
      const std::uint32_t free_cols = tile_cols_ - used_;
      std::uint32_t cols = std::min({out_features - begin, free_cols, block_cols_});
      if (begin + cols < out_features) cols = cols / grain_ * grain_;
      if (cols == 0) {
        close();
        continue;
      }
      add_column(cutting_, matrix, rows_, begin, cols, 0, [&](std::size_t piece, std::uint32_t block) {
        if (used_ == 0) items_.push_back({rows_[piece], 0, {}});
        items_[piece].parts.push_back({block, used_});
        items_[piece].cols = used_ + cols;
      });
      used_ += cols;
      begin += cols;
      if (used_ == tile_cols_) close();
    }
  }
  void close() {
    cutting_.items.insert(cutting_.items.end(), items_.begin(), items_.end());
    for (std::uint32_t replica = 1; replica < replicas_; ++replica) {
      for (Item item : items_) {
        for (Item::Part& part : item.parts) {
          PlacedBlock block = cutting_.blocks[part.block];
          block.replica = replica;
          part.block = static_cast<std::uint32_t>(cutting_.blocks.size());
          cutting_.blocks.push_back(block);
        }
        cutting_.items.push_back(std::move(item));
      }
    }
    items_.clear();
    used_ = 0;
  }

 private:
  Cutting& cutting_;
  const std::vector<std::uint32_t>& rows_;
  std::uint32_t replicas_, tile_cols_, block_cols_, grain_;
  std::uint32_t used_ = 0;
  std::vector<Item> items_;
};

void cut_bands(Cutting& cutting, std::span<const MatrixShape> matrices, const TileShape& tile,
               const std::vector<std::vector<std::uint32_t>>& rows) {
  // Matrices of the same group stand far apart, so that a band seldom holds two of them.
  std::map<std::uint32_t, std::uint32_t> members;
  using Class = std::pair<std::vector<std::uint32_t>, std::uint32_t>;             // rows, copies
  std::map<Class, std::vector<std::pair<std::uint32_t, std::uint32_t>>> classes;  // -> (rank, matrix)
  for (std::uint32_t m = 0; m < matrices.size(); ++m) {
    const std::uint32_t rank = matrices[m].group == 0 ? 0 : members[matrices[m].group]++;
    classes[{rows[m], matrices[m].replicas}].emplace_back(rank, m);
  }
  for (auto& [kind, members_of_class] : classes) {
    std::sort(members_of_class.begin(), members_of_class.end());
    BandCutter cutter(cutting, kind.first, kind.second, tile.cols, block_limit(tile).cols);
    for (const auto& [rank, matrix] : members_of_class) cutter.add(matrix, matrices[matrix].out_features);
    cutter.close();
  }
}

}  // namespace

BlockLimit block_limit(const TileShape& tile) {
  return {tile.block_rows == 0 ? tile.rows : std::min(tile.rows, tile.block_rows),
          tile.block_cols == 0 ? tile.cols : std::min(tile.cols, tile.block_cols)};
}

std::vector<std::uint32_t> equal_split(std::uint32_t total, std::uint32_t limit) {
  if (total == 0 || limit == 0) {
    throw Error(ErrorCode::kInvalidArgument, "splitting " + std::to_string(total) + " into pieces of at most " +
                                                 std::to_string(limit) + ": expected positive numbers");
  }
  const std::uint32_t pieces = (total - 1) / limit + 1;
  std::vector<std::uint32_t> parts(pieces, total / pieces);
  std::fill_n(parts.begin(), total % pieces, total / pieces + 1);
  return parts;
}

std::vector<std::uint32_t> cut_length(std::uint32_t total, std::uint32_t limit, CutRule rule) {
  if (rule == CutRule::kEqual) return equal_split(total, limit);
  std::vector<std::uint32_t> parts(total / limit, limit);
  std::uint32_t rest = total % limit;
  for (std::uint32_t piece = limit / 2; rule == CutRule::kFine && piece >= kFinestPiece; piece /= 2) {
    if (rest < piece) continue;
    parts.push_back(piece);
    rest -= piece;
  }
  if (rest > 0) parts.push_back(rest);
  return parts;
}

std::vector<std::uint32_t> input_ranges(const MatrixShape& matrix) {
  std::vector<std::uint32_t> lengths;
  std::uint32_t begin = 0;
  for (const std::uint32_t cut : matrix.input_cuts) {
    if (cut == 0 && begin == 0) continue;
    if (cut <= begin || cut >= matrix.in_features) {
      throw Error(ErrorCode::kInvalidArgument, "matrix '" + matrix.name +
                                                   "': expected input cuts that rise from 0 to " +
                                                   std::to_string(matrix.in_features) + ", found " +
                                                   std::to_string(cut) + " after " + std::to_string(begin));
    }
    lengths.push_back(cut - begin);
    begin = cut;
  }
  lengths.push_back(matrix.in_features - begin);
  return lengths;
}

std::vector<std::uint32_t> row_pieces(const MatrixShape& matrix, std::uint32_t limit, CutRule rule) {
  std::vector<std::uint32_t> pieces;
  for (const std::uint32_t length : input_ranges(matrix)) {
    const std::vector<std::uint32_t> parts = cut_length(length, limit, rule);
    pieces.insert(pieces.end(), parts.begin(), parts.end());
  }
  return pieces;
}

Cutting cut_matrices(std::span<const MatrixShape> matrices, const TileShape& tile, std::span<const CutRule> row_rules,
                     CutRule col_rule) {
  const BlockLimit limit = block_limit(tile);
  std::vector<std::vector<std::uint32_t>> rows;
  for (std::size_t m = 0; m < matrices.size(); ++m) rows.push_back(row_pieces(matrices[m], limit.rows, row_rules[m]));
  Cutting cutting;
  if (col_rule == CutRule::kBands) {
    cut_bands(cutting, matrices, tile, rows);
    return cutting;
  }
  for (std::uint32_t m = 0; m < matrices.size(); ++m) {
    std::uint32_t out_begin = 0;
    for (const std::uint32_t cols : cut_length(matrices[m].out_features, limit.cols, col_rule)) {
      for (std::uint32_t replica = 0; replica < matrices[m].replicas; ++replica) {
        add_column(cutting, m, rows[m], out_begin, cols, replica, [&](std::size_t piece, std::uint32_t block) {
          cutting.items.push_back({rows[m][piece], cols, {{block, 0}}});
        });
      }
      out_begin += cols;
    }
  }
  return cutting;
}

}  // namespace xw::mapping
