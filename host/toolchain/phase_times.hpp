// What the tokens of a run took: on the chip (simulated), on this machine's digital side (measured).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "host/runtime/chip_instance.hpp"
#include "systemc/chip/chip_use.hpp"

namespace xw::toolchain {

/// One part of a run.
struct PhaseTimes {
  std::uint64_t tokens = 0;
  double seconds = 0;               ///< of this machine, all together
  double device_seconds = 0;        ///< of them inside the device
  double chip_ns = 0, chip_pj = 0;  ///< on devices with chip_time, else 0

  /// Of this machine without the device: what is digital when the chip is there.
  [[nodiscard]] double host_seconds() const { return seconds - device_seconds; }
};

/// Splits what a chip instance's device has taken so far by phases.
class PhaseMeter {
 public:
  /// `chip` may be null: then nothing is ever taken.
  explicit PhaseMeter(const runtime::ChipInstance* chip);
  /// Adds what was taken since the last lap.
  void lap(PhaseTimes& phase);

 private:
  [[nodiscard]] PhaseTimes taken() const;

  const runtime::ChipInstance* chip_;
  PhaseTimes last_;
};

/// Time and energy of all calls on the chip; zeros if the device has no chip_time.
[[nodiscard]] systemc::ChipUse total_use(const runtime::ChipInstance& chip);
/// Of all calibrations of the chip instance, which are not in total_use().
[[nodiscard]] systemc::ChipUse calibration_use(const runtime::ChipInstance& chip);

/// For devices with chip_time.
[[nodiscard]] nlohmann::ordered_json chip_times_json(const runtime::ChipInstance& chip, const PhaseTimes& prefill,
                                                     const PhaseTimes& decode);

}  // namespace xw::toolchain
