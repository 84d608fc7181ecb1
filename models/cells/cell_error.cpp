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

std::vector<float> mean_square_errors(const ProgrammingOptions& options, std::size_t points, std::size_t cells,
                                      double gain) {
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
          gain * static_cast<double>(codes[c]) / options.g_unit - static_cast<double>(targets[c]) / arch::kTargetMax;
      sum += error * error;
    }
    errors[i] = static_cast<float>(sum / static_cast<double>(cells));
  }
  return errors;
}

double compensation_gain(const ProgrammingOptions& options) {
  constexpr std::uint32_t kMagnitudes = 128;
  constexpr std::size_t kCells = 256;
  constexpr double kDeviation = 0.3;  // of weights, over the full scale
  ProgrammingOptions fresh = options;
  fresh.seconds = 0;
  const std::unique_ptr<ProgrammingModel> before = make_programming_model(fresh), now = make_programming_model(options);
  std::vector<std::int16_t> targets(kCells);
  std::vector<std::int8_t> codes(kCells);
  const auto mean_square = [&](const ProgrammingModel& model, std::uint32_t row) {
    model.program_row(0, row, 0, targets, arch::kTargetMax, codes);
    double sum = 0;
    for (const std::int8_t code : codes) sum += static_cast<double>(code) * code;
    return sum;
  };
  double sum_before = 0, sum_now = 0;
  for (std::uint32_t i = 0; i < kMagnitudes; ++i) {
    const double magnitude = (i + 0.5) / kMagnitudes;
    const double density = std::exp(-magnitude * magnitude / (2 * kDeviation * kDeviation));
    const auto target = static_cast<std::int16_t>(std::nearbyint(magnitude * arch::kTargetMax));
    for (std::size_t c = 0; c < kCells; ++c) targets[c] = static_cast<std::int16_t>(c % 2 == 0 ? target : -target);
    sum_before += density * mean_square(*before, i);
    sum_now += density * mean_square(*now, i);
  }
  return sum_now > 0 ? std::sqrt(sum_before / sum_now) : 1;
}

}  // namespace xw::cells
