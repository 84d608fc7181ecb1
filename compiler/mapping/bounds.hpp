// Lower bounds on the number of tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "compiler/mapping/packing.hpp"
#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// Bins that any packing of these rectangles needs: the best of products of dual feasible functions of both sides.
/// Source: S. Fekete, J. Schepers, "A general framework for bounds for higher-dimensional orthogonal packing problems",
/// 2004.
[[nodiscard]] std::uint64_t rectangles_bound(std::span<const Kind> kinds, const BinShape& bin);

struct TileBound {
  std::uint64_t tiles = 0;
  std::string reason;  ///< what was bounded and under which condition on the cuts
};

/// Tiles that any packing of the matrices needs, whatever the cuts.
[[nodiscard]] TileBound area_bound(std::span<const MatrixShape> matrices, const TileShape& tile);
/// Tiles that any packing needs whose inputs are cut into the fewest pieces, wherever, and whose outputs are cut at
/// will: the best dual feasible function of the pieces' rows, minimised over all such cuts. At least area_bound().
[[nodiscard]] TileBound fewest_pieces_bound(std::span<const MatrixShape> matrices, const TileShape& tile);

}  // namespace xw::mapping
