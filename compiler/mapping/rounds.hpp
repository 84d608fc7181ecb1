// Models on one chip that is too small for them: its tiles are written anew, round by round.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// Most areas that are tried where nobody says how many.
inline constexpr std::uint32_t kMostAreas = 64;

/// 1, 2, 4, ... areas that a chip of so many tiles can be cut into, at most kMostAreas.
[[nodiscard]] std::vector<std::uint32_t> area_choices(std::uint32_t tiles);

/// Cuts the tiles of a chip (tile.max_tiles, at least 1) into `areas` of equal size, what is left over stays empty, and fills round after round of as many
/// tiles with whole groups of matrices, in their order. Tile t of the plan is tile t % tiles_per_round of round t / tiles_per_round; round r lies in
/// area r, and those behind the last area take turns in it. Nothing if a group does not fit an area, or more areas than tiles are wanted. Where every round has an area of its own, tiles are those
/// of the chip, none empty, and tiles_per_round is 0. Deterministic. Throws as make_plan(), and Error{kInvalidArgument} for no areas.
[[nodiscard]] std::optional<Plan> make_rounds_plan(std::span<const MatrixShape> matrices, const TileShape& tile,
                                                   std::uint32_t areas);

/// Why there is no plan with so many areas: the first group that does not fit, and what would fit.
[[nodiscard]] std::string explain_rounds(std::span<const MatrixShape> matrices, const TileShape& tile,
                                         std::uint32_t areas);

}  // namespace xw::mapping
