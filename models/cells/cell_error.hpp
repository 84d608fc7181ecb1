// How far programmed weights are from their targets, by magnitude.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "models/cells/programming.hpp"

namespace xw::cells {

/// Mean square of (cell code / g_unit - target) over `cells` cells, in units of the full scale squared, for the magnitudes
/// i / (points - 1), i < points, of the target. Measured on the model itself, so that it has everything the model has (rounding to
/// cell codes, clipping, drift); the seed of `options` says which cells. Throws what make_programming_model throws,
/// Error{kInvalidArgument} for fewer than 2 points or no cells. Cell codes are multiplied by `gain` first.
[[nodiscard]] std::vector<float> mean_square_errors(const ProgrammingOptions& options, std::size_t points,
                                                    std::size_t cells, double gain = 1);

/// What one factor per tile (`--compensation global`) multiplies outputs with at options.seconds, by a model of it: known inputs of one
/// magnitude with random signs give answers in proportion to the root of the sum of squared cell codes, so this is the root of that
/// sum after programming over that now, for weights with a standard deviation of 0.3 of the full scale. 1 for models without drift
/// and at 0 s. Throws what make_programming_model throws.
[[nodiscard]] double compensation_gain(const ProgrammingOptions& options);

}  // namespace xw::cells
