// What the calibrations of a chip cost it: time and energy of one, and of a day with a schedule.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <span>
#include <string>

#include "arch/description/description.hpp"
#include "host/estimate/static_estimate.hpp"

namespace xw::report {

/// Modelled: static estimate from the constants of the chip description, as for tokens, entries one after another and their vectors,
/// too. Bytes of images, which only the emulator moves, cost the chip nothing.
struct CalibrationSection {
  std::string compensation;           ///< "column:vectors=256"
  std::uint32_t vectors = 0;          ///< known inputs of one calibration
  double time_ns = 0, energy_pj = 0;  ///< of one
  double interval = 0;                ///< seconds between two; 0: no schedule
  [[nodiscard]] double per_day() const { return interval > 0 ? 86400 / interval : 0; }
  /// Share of the chip's time, 0..1 and more if calibrations take longer than the interval.
  [[nodiscard]] double time_share() const { return interval > 0 ? time_ns * 1e-9 / interval : 0; }
  [[nodiscard]] double joules_per_day() const { return energy_pj * 1e-12 * per_day(); }
};

/// `calls`: estimate::estimate_calls() of the program; all columns of all calls answer `vectors` known inputs.
[[nodiscard]] CalibrationSection make_calibration_section(std::span<const estimate::CallEstimate> calls,
                                                          const std::string& compensation, std::uint32_t vectors,
                                                          double interval);
[[nodiscard]] nlohmann::ordered_json to_json(const CalibrationSection& section);
void print_text(const CalibrationSection& section, std::ostream& out);

}  // namespace xw::report
