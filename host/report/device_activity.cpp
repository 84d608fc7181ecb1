// What a device with cycles did in them: how well its multipliers were used and what the rest waited for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/device_activity.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "arch/generated/xw_arch.hpp"

namespace xw::report {
namespace {

/// Mean over `count` units from `first` on.
[[nodiscard]] UnitActivity mean(const char* name, const device::RunStats& stats, std::uint32_t first,
                                std::uint32_t count) {
  UnitActivity unit;
  unit.name = name;
  const double cycles = static_cast<double>(stats.total_cycles) * count;
  if (!(cycles > 0)) return unit;
  for (std::uint32_t u = first; u < first + count; ++u) {
    unit.executing += static_cast<double>(stats.busy_cycles[u]) / cycles;
    unit.memory += static_cast<double>(stats.memory_stall_cycles[u]) / cycles;
    unit.semaphores += static_cast<double>(stats.semaphore_stall_cycles[u]) / cycles;
  }
  unit.idle = std::max(0.0, 1 - unit.executing - unit.memory - unit.semaphores);
  return unit;
}

[[nodiscard]] nlohmann::ordered_json measured(double value, const char* unit) {
  return {{"value", value}, {"unit", unit}, {"kind", "measured"}};
}

}  // namespace

DeviceActivity activity(const device::RunStats& stats, const arch::EmulatorDescription& emulator, double host_seconds) {
  DeviceActivity made;
  made.cycles = stats.total_cycles;
  const double beats = static_cast<double>(stats.total_cycles) * emulator.num_engines * emulator.lanes;
  if (beats > 0) made.mac_utilisation = static_cast<double>(stats.macs) / beats;
  if (host_seconds > 0) {
    made.cycles_per_second = static_cast<double>(stats.total_cycles) / host_seconds;
    made.macs_per_second = static_cast<double>(stats.macs) / host_seconds;
  }
  made.units = {mean("dispatch", stats, arch::kUnitDispatch, 1), mean("x_load", stats, arch::kUnitXLoad, 1),
                mean("y_store", stats, arch::kUnitYStore, 1),
                mean("block_load", stats, arch::kUnitBlockLoad, emulator.num_engines),
                mean("mvm", stats, arch::kUnitMvm, emulator.num_engines)};
  return made;
}

std::string DeviceActivity::lost() const {
  const UnitActivity& mvm = units.back();
  char text[200];
  std::snprintf(text, sizeof text,
                "cells from memory %.1f %%, semaphores %.1f %%, no instruction %.1f %%, partial groups of lanes and "
                "converters %.1f %%",
                100 * mvm.memory, 100 * mvm.semaphores, 100 * mvm.idle,
                100 * std::max(0.0, mvm.executing - mac_utilisation));
  return text;
}

nlohmann::ordered_json to_json(const DeviceActivity& activity) {
  nlohmann::ordered_json json = {{"kind", "simulated"},
                                 {"cycles", activity.cycles},
                                 {"mac_utilisation", activity.mac_utilisation},
                                 {"cycles_per_s", measured(activity.cycles_per_second, "cycles/s")},
                                 {"macs_per_s", measured(activity.macs_per_second, "MAC/s")}};
  for (const UnitActivity& unit : activity.units) {
    json["units"][unit.name] = {{"executing", unit.executing},
                                {"memory_stall", unit.memory},
                                {"semaphore_stall", unit.semaphores},
                                {"idle", unit.idle}};
  }
  return json;
}

}  // namespace xw::report
