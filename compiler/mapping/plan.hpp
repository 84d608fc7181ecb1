// The mapping of weight matrices to blocks and of blocks to tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xw::mapping {

/// A matrix to be placed, W[out][in].
struct MatrixShape {
  std::string name;
  std::uint32_t in_features = 0, out_features = 0;
  std::vector<std::uint32_t> input_cuts;  ///< inputs where a new input range begins; blocks may not cross them
  /// Matrices of one group != 0 run at the same time (one call): their blocks should sit in different tiles. 0: on its
  /// own.
  std::uint32_t group = 0;
  std::uint32_t replicas = 1;  ///< copies of the matrix, cut alike, each with cells of its own
};

/// What matrices[matrix] runs together with: its group, or a number that no other matrix has.
[[nodiscard]] inline std::uint64_t group_of(std::span<const MatrixShape> matrices, std::uint32_t matrix) {
  const std::uint32_t group = matrices[matrix].group;
  return group != 0 ? group : (std::uint64_t{1} << 32) + matrix;
}

/// A block and its place. Rows are inputs (wordlines), columns are outputs (bitlines).
struct PlacedBlock {
  std::uint32_t matrix = 0, in_begin = 0, rows = 0, out_begin = 0, cols = 0;
  std::uint32_t tile = 0, row0 = 0, col0 = 0;
  std::uint32_t replica = 0;  ///< which copy
  friend bool operator==(const PlacedBlock&, const PlacedBlock&) = default;
};

struct Plan {
  std::vector<PlacedBlock> blocks;  ///< by matrix, then out_begin, in_begin, replica
  std::uint32_t num_tiles = 0;
  std::uint32_t tiles_lower_bound = 0;  ///< proven: no packing of these matrices can use fewer tiles
  std::string lower_bound_reason;       ///< "area: 106168320 cells / 262144", "large blocks: ..."
  std::uint64_t cells_used = 0;
  /// Tile t is tile t % tiles_per_chip of chip t / tiles_per_chip; only there may tiles hold nothing. 0: there is one chip.
  std::uint32_t tiles_per_chip = 0;
  /// Tile t is tile t % tiles_per_round of round t / tiles_per_round, and the tiles of one chip, cut into `areas` of as many tiles, are written anew
  /// (make_rounds_plan); tiles may hold nothing. 0: every tile is a tile of the chip.
  std::uint32_t tiles_per_round = 0, areas = 0;
  /// 1 if nothing is written anew.
  [[nodiscard]] std::uint32_t num_rounds() const {
    return tiles_per_round == 0 || num_tiles == 0 ? 1 : (num_tiles - 1) / tiles_per_round + 1;
  }
  [[nodiscard]] std::uint32_t num_chips() const {
    return tiles_per_chip == 0 || num_tiles == 0 ? 1 : (num_tiles - 1) / tiles_per_chip + 1;
  }
  friend bool operator==(const Plan&, const Plan&) = default;
};

/// How inputs may be cut.
enum class RowCuts {
  kFewestTiles,  ///< equally or into full pieces and a rest, whichever needs fewer tiles
  kEqual,        ///< into nearly equal pieces always: least noise where cells have noise of their own
};

struct TileShape {
  std::uint32_t rows = 0, cols = 0;
  std::uint32_t max_tiles = 0;                   ///< 0: unlimited
  std::uint32_t block_rows = 0, block_cols = 0;  ///< largest block that engines hold; 0: the tile
  RowCuts row_cuts = RowCuts::kFewestTiles;
  /// Tile t is a crossbar of stack t % stacks, whose crossbars take turns. 0: every tile works by itself.
  std::uint32_t stacks = 0;
  /// As many of these tiles as are needed.
  [[nodiscard]] TileShape unlimited() const {
    TileShape shape = *this;
    shape.max_tiles = 0;
    return shape;
  }
};

/// Parts of `total` cut into ceil(total / limit) nearly equal pieces, larger ones first (17, 6 -> 6, 6, 5).
[[nodiscard]] std::vector<std::uint32_t> equal_split(std::uint32_t total, std::uint32_t limit);

/// Cuts every matrix by a grid and packs the blocks into few tiles. Deterministic. Inputs are cut into the fewest
/// pieces (every piece is one more converter reading per output), equally or into full pieces and a rest, whichever
/// needs fewer tiles (TileShape::row_cuts); outputs are cut freely. Only a chip that is too small otherwise gets more input
/// pieces, unless they are to be equal. With stacks, tiles are numbered so that blocks of one group lie in many of them. Throws
/// Error{kInvalidArgument} for empty matrices or impossible cuts, Error{kCapacity} that says how many tiles are
/// missing, how full the chip would be, and what would fit (tiles needed; which layers digital; larger tiles).
[[nodiscard]] Plan make_plan(std::span<const MatrixShape> matrices, const TileShape& tile);

/// Throws Error{kInternal} unless blocks cover every copy of every matrix exactly once, copies are cut alike, and blocks stay in
/// their tiles and do not overlap.
void verify_plan(const Plan& plan, std::span<const MatrixShape> matrices, const TileShape& tile);

/// Most blocks of one group that share a tile, over all groups and tiles: they take turns. 1 is ideal.
[[nodiscard]] std::uint32_t max_serialisation(const Plan& plan, std::span<const MatrixShape> matrices);
/// The same per group: index g holds the largest number of its blocks in one tile (0 for groups that do not occur).
[[nodiscard]] std::vector<std::uint32_t> serialisation(const Plan& plan, std::span<const MatrixShape> matrices);

}  // namespace xw::mapping
