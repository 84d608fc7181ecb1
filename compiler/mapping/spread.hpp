// Blocks that share a tile, moved apart into free tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// Blocks of a tile take turns. Moves blocks into tiles behind the others until no tile holds more than the fewest blocks that `tiles` tiles in all
/// allow; 0: one each. A block keeps its rows and columns, so it fits where nothing else is; blocks of one group are parted first. Fewer tiles than the plan
/// has: nothing changes. Only for plans of one chip without stacks whose tiles are not written anew.
void spread(Plan& plan, std::span<const MatrixShape> matrices, std::uint32_t tiles);

}  // namespace xw::mapping
