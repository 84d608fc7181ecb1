// Further copies of matrices behind a plan, cut and placed as those that are there.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// Tiles in which blocks of the matrices lie: what a copy of them takes.
[[nodiscard]] std::uint32_t tiles_of(const Plan& plan, std::span<const std::uint32_t> matrices);

/// Appends a copy of the matrices `of` (ascending, without copies themselves) to plan and `matrices`, as one group of the number `group`: each gets
/// blocks as its original, blocks that share a tile share one again, and the tiles are new and hold nothing else, so that the copy works
/// as fast as the original and beside it. What was there stays where it is. Only for plans of one chip whose tiles are not written anew.
void append_copy(Plan& plan, std::vector<MatrixShape>& matrices, std::span<const std::uint32_t> of,
                 std::uint32_t group);

}  // namespace xw::mapping
