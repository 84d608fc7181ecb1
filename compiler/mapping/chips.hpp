// Models that need several chips: which part of which matrix is on which of them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// Where a chip may end.
enum class ChipBorders {
  kFewest,      ///< inside calls only where that needs fewer chips
  kWholeCalls,  ///< inside calls only where a call does not fit a chip
  kAnywhere,    ///< every chip is filled before the next one begins
};

struct ChipsShape {
  std::uint32_t tiles_per_chip = 0;  ///< at least 1
  std::uint32_t num_chips = 0;       ///< 0: as few as are needed; otherwise at most so many, filled about equally
  ChipBorders borders = ChipBorders::kFewest;
};

/// Spreads the matrices over chips in their order, so that neighbours share one, and packs every chip as make_plan() does (with the
/// fewest input pieces). Matrices of one group stay together if they may; one that goes over a border is cut by its outputs, and by inputs or copies only
/// where a chip has fewer tiles than one column of blocks. Tile t of the plan is tile t % tiles_per_chip of chip t / tiles_per_chip.
/// A plan that needs one chip is that of make_plan(), tiles_per_chip 0.
/// `tile.max_tiles` does not count. Deterministic. Throws Error{kInvalidArgument} as make_plan() and for no tiles, Error{kCapacity} if
/// num_chips are too few (naming how many are needed) or tiles cannot be numbered.
[[nodiscard]] Plan make_chips_plan(std::span<const MatrixShape> matrices, const TileShape& tile,
                                   const ChipsShape& chips);

/// Tiles that hold something.
[[nodiscard]] std::uint32_t tiles_used(const Plan& plan);

}  // namespace xw::mapping
