// Programming a block: from stored targets to the cell codes of one chip instance.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace xw::cells {

/// Which programming model, and its parameters. "ideal", "gaussian", "pcm-afm", "pcm-aihwkit".
struct ProgrammingOptions {
  std::string model = "ideal";
  double gamma = 0.0;  ///< gaussian: sigma in units of w_max
  std::uint32_t chip_seed = 0;
  int g_unit = 96;
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

/// Throws Error{kInvalidArgument} for an unknown model (lists the known ones), an impossible parameter, or seconds > 0
/// with a model without drift (lists those with).
[[nodiscard]] std::unique_ptr<ProgrammingModel> make_programming_model(const ProgrammingOptions& options);
[[nodiscard]] std::vector<std::string> programming_models();
/// The models that accept seconds > 0.
[[nodiscard]] std::vector<std::string> drifting_programming_models();

/// Standard deviation of IBM's PCM polynomial in units of w_max for a normalised weight (docs/numerics.md#pcm-afm).
[[nodiscard]] double pcm_afm_sigma(double normalized_weight);

}  // namespace xw::cells
