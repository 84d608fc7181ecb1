// Planning without the limit of a chip, and explaining what a chip lacks.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// The best plan found; tile.max_tiles decides only whether finer input cuts are tried.
[[nodiscard]] Plan best_plan(std::span<const MatrixShape> matrices, const TileShape& tile);

/// Text of the capacity error: missing tiles, utilisation and what would fit.
[[nodiscard]] std::string explain_capacity(std::span<const MatrixShape> matrices, const TileShape& tile,
                                           const Plan& plan);

}  // namespace xw::mapping
