// How far programmed weights are from their targets.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_error.hpp"

#include <cmath>
#include <cstdint>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::cells {

std::vector<float> mean_square_errors(const ProgrammingOptions& options, std::size_t points, std::size_t cells) {
  if (points < 2 || cells == 0) {
    throw Error(ErrorCode::kInvalidArgument, "cell errors: expected at least 2 points and 1 cell, found " +
                                                 std::to_string(points) + " and " + std::to_string(cells));
  }
  const std::unique_ptr<ProgrammingModel> model = make_programming_model(options);
  std::vector<std::int16_t> targets(cells);
  std::vector<std::int8_t> codes(cells);
  std::vector<float> errors(points);
  for (std::size_t i = 0; i < points; ++i) {
    const double magnitude = static_cast<double>(i) / static_cast<double>(points - 1);
    const auto target = static_cast<std::int16_t>(std::nearbyint(magnitude * arch::kTargetMax));
    for (std::size_t c = 0; c < cells; ++c) targets[c] = static_cast<std::int16_t>(c % 2 == 0 ? target : -target);
    model->program_row(0, static_cast<std::uint32_t>(i), 0, targets, arch::kTargetMax, codes);
    double sum = 0;
    for (std::size_t c = 0; c < cells; ++c) {
      const double error =
          static_cast<double>(codes[c]) / options.g_unit - static_cast<double>(targets[c]) / arch::kTargetMax;
      sum += error * error;
    }
    errors[i] = static_cast<float>(sum / static_cast<double>(cells));
  }
  return errors;
}

}  // namespace xw::cells
