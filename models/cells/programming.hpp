// Programming a block: from stored targets to the cell codes of one chip instance.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace xw::cells {

/// Which cells a chip has, and how old they are.
struct ProgrammingOptions {
  std::string noise = "ideal";  ///< a model of cell_models(), with parameters if wanted: "gaussian:gamma=0.05"
  std::uint32_t chip_seed = 0;
  int g_unit = 96;  ///< cell code of w_max, 1..127
  /// Time since programming, 0..1e10. Above 0 only for models with drift. The cells stay as they are at that time.
  double seconds = 0.0;
};

/// Programs target weights (normalised, |w| <= 1) into cell codes g = clamp(rne(w' * g_unit), -127, 127).
/// Every random number is a function of (chip_seed, tile_uid, physical row, physical column, draw): independent of
/// order, threads, splitting.
class ProgrammingModel {
 public:
  virtual ~ProgrammingModel() = default;
  /// Targets of one row segment: columns [col0, col0 + n) of physical row `row` of tile `tile_uid`, stored with full
  /// scale `target_max` (32767, 127 or 7). Writes n cell codes. Thread safe.
  virtual void program_row(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0,
                           std::span<const std::int16_t> targets, int target_max,
                           std::span<std::int8_t> cells) const = 0;
  virtual void program_row(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0,
                           std::span<const std::int8_t> targets, int target_max,
                           std::span<std::int8_t> cells) const = 0;
};

/// Throws Error{kInvalidArgument} for what parse_noise refuses, an impossible number, or seconds > 0 with a model without
/// drift (lists those with).
[[nodiscard]] std::unique_ptr<ProgrammingModel> make_programming_model(const ProgrammingOptions& options);

}  // namespace xw::cells
