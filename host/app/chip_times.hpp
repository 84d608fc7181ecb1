// What the tokens of a run took: on the chip (simulated), on this machine's digital side (measured).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "host/runtime/chip_instance.hpp"

namespace xw::app {

/// One part of a run.
struct PhaseTimes {
  std::uint64_t tokens = 0;
  double seconds = 0;         ///< of this machine, all together
  double device_seconds = 0;  ///< of them inside the device
  double chip_ns = 0, chip_pj = 0;

  /// Of this machine without the device: what is digital when the chip is there.
  [[nodiscard]] double host_seconds() const { return seconds - device_seconds; }
};

/// Splits what a chip instance's device has taken so far by phases.
class PhaseMeter {
 public:
  /// `chip` may be null: then nothing is ever taken.
  explicit PhaseMeter(runtime::ChipInstance* chip);
  /// Adds what was taken since the last lap.
  void lap(PhaseTimes& phase);

 private:
  [[nodiscard]] PhaseTimes taken() const;

  runtime::ChipInstance* chip_;
  PhaseTimes last_;
};

/// For devices with chip_time; what a token takes is chip time + host time.
void print_chip_times(runtime::ChipInstance& chip, const PhaseTimes& prefill, const PhaseTimes& decode);
[[nodiscard]] nlohmann::ordered_json chip_times_json(runtime::ChipInstance& chip, const PhaseTimes& prefill,
                                                     const PhaseTimes& decode);

}  // namespace xw::app
