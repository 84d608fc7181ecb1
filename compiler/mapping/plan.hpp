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
};

/// A block and its place. Rows are inputs (wordlines), columns are outputs (bitlines).
struct PlacedBlock {
  std::uint32_t matrix = 0, in_begin = 0, rows = 0, out_begin = 0, cols = 0;
  std::uint32_t tile = 0, row0 = 0, col0 = 0;
  friend bool operator==(const PlacedBlock&, const PlacedBlock&) = default;
};

struct Plan {
  std::vector<PlacedBlock> blocks;       ///< by matrix, then out_begin, then in_begin
  std::uint32_t num_tiles = 0;
  std::uint32_t tiles_lower_bound = 0;   ///< proven: no packing of these matrices can use fewer tiles
  std::string lower_bound_reason;        ///< "area: 106168320 cells / 262144", "large blocks: ..."
  std::uint64_t cells_used = 0;
  friend bool operator==(const Plan&, const Plan&) = default;
};

struct TileShape {
  std::uint32_t rows = 0, cols = 0;
  std::uint32_t max_tiles = 0;  ///< 0: unlimited
};

/// Parts of `total` cut into ceil(total / limit) nearly equal pieces, larger ones first (17, 6 -> 6, 6, 5).
[[nodiscard]] std::vector<std::uint32_t> equal_split(std::uint32_t total, std::uint32_t limit);

/// Cuts every matrix equally on both axes and packs the blocks. Deterministic. Throws Error{kCapacity} that says how many
/// tiles are missing, how full the chip would be, and what would fit (tiles needed; which layers digital; larger tiles).
[[nodiscard]] Plan make_plan(std::span<const MatrixShape> matrices, const TileShape& tile);

/// Throws Error{kInternal} unless blocks cover every matrix exactly once, stay in their tiles and do not overlap.
void verify_plan(const Plan& plan, std::span<const MatrixShape> matrices, const TileShape& tile);

}  // namespace xw::mapping
