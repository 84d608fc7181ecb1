// What a device with cycles did in them: how well its multipliers were used and what the rest waited for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "host/device/device.hpp"

namespace xw::report {

/// Shares of the cycles of a unit, or the mean over the units of a kind; they add up to 1.
struct UnitActivity {
  std::string name;  ///< "mvm"
  double executing = 0;
  double memory = 0;      ///< waiting for memory
  double semaphores = 0;  ///< waiting for tokens of other units
  double idle = 0;        ///< without an instruction
};

struct DeviceActivity {
  std::uint64_t cycles = 0;
  double mac_utilisation = 0;                         ///< MACs / (cycles * lanes * engines)
  std::vector<UnitActivity> units;                    ///< dispatch, x_load, y_store, block_load, mvm
  double cycles_per_second = 0, macs_per_second = 0;  ///< of host time; 0 if no time is known

  /// The MVM units' cycles that were no MAC in every lane, by reason.
  [[nodiscard]] std::string lost() const;
};

/// `stats` of runs on a device with cycles that took `host_seconds`.
[[nodiscard]] DeviceActivity activity(const device::RunStats& stats, const arch::EmulatorDescription& emulator,
                                      double host_seconds);
[[nodiscard]] nlohmann::ordered_json to_json(const DeviceActivity& activity);

}  // namespace xw::report
