// What running a model took, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/statistics_text.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "arch/description/description.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/report/device_activity.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/device_totals.hpp"
#include "host/toolchain/fault_text.hpp"

namespace xw::toolchain {
namespace {

using report::line;

using Count = unsigned long long;  ///< for %llu

void write_phase(std::ostream& out, const char* name, const PhaseTimes& phase) {
  if (phase.tokens == 0) return;
  const auto tokens = static_cast<double>(phase.tokens);
  const double chip = phase.chip_ns * 1e-9 / tokens, host = phase.host_seconds() / tokens;
  line(out, "  %-8s %5llu tokens: %s + %s = %s per token; %s per token", name, Count{phase.tokens},
       report::scaled(chip, "s").c_str(), report::scaled(host, "s").c_str(), report::scaled(chip + host, "s").c_str(),
       report::scaled(phase.chip_pj * 1e-12 / tokens, "J").c_str());
}

/// For devices with chip_time; what a token takes is chip time + host time.
void write_chip_times(std::ostream& out, const runtime::ChipInstance& chip, const TextTotals& totals) {
  line(out, "analog chip (simulated) + digital side on this machine (measured, without the simulation):");
  write_phase(out, "prefill", totals.prefill);
  write_phase(out, "decode", totals.decode);
  const systemc::ChipUse use = total_use(chip);
  std::string shares;
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    const auto component = static_cast<systemc::Component>(c);
    if (use.energy_pj[component] == 0) continue;
    shares += (shares.empty() ? "" : ", ") + std::string(systemc::name(component)) + " " +
              report::percent(use.energy_pj[component] / use.energy_pj.total());
  }
  line(out, "  energy   %s; %llu block MVMs", shares.c_str(), Count{use.block_mvms});
}

void write_calibration(std::ostream& out, const runtime::ChipInstance& chip, const runtime::CalibrationStats& stats) {
  std::string cost;
  if (chip.device().info().chip_time) {
    const systemc::ChipUse use = calibration_use(chip);
    cost = "; on the chip (simulated) " + report::scaled(use.time_ns * 1e-9, "s") + ", " +
           report::scaled(use.energy_pj.total() * 1e-12, "J") + " in all";
  }
  line(out,
       "calibrated %llu times with %llu known inputs, %llu columns, %.2f s; the last: %llu columns answer too little, "
       "%llu factors or gains at a limit%s",
       Count{stats.runs}, Count{stats.vectors}, Count{stats.columns}, stats.host_seconds, Count{stats.too_small},
       Count{stats.limited}, cost.c_str());
}

/// Of a program whose tiles are written anew: how often, and how much of what cells endure that is.
void write_tile_writes(std::ostream& out, const runtime::ChipInstance& chip) {
  const program::Program& program = chip.program();
  if (!program.manifest().rounds.any()) return;
  std::uint64_t cells = 0, most = 0;
  for (const auto& [tile, count] : chip.cell_writes()) cells += count;
  for (const auto& [tile, count] : chip.tile_writes()) most = std::max(most, count);
  const arch::ChipDescription description = arch::parse_chip(program.manifest().chip_toml, program.path() + ": chip");
  line(out, "written: %llu cells; the most written of %zu tiles %llu times, of the %.3g that its cells endure",
       Count{cells}, chip.tile_writes().size(), Count{most}, description.programming.at("endurance").value);
}

void write_device(std::ostream& out, const runtime::ChipInstance& chip, const TextTotals& totals) {
  const auto [sum, seconds] = device_totals(chip);
  const device::DeviceInfo& info = chip.device().info();
  std::string time;
  if (info.cycle_accurate) time = ", " + std::to_string(sum.total_cycles) + " cycles";
  if (info.chip_time) time = ", " + std::to_string(sum.chip_ns) + " ns of the chip";
  line(out, "device: %llu MVMs, %llu ADC conversions, %llu saturated%s; programming took %.2f s", Count{sum.mvms},
       Count{sum.adc_conversions}, Count{sum.adc_saturations}, time.c_str(), chip.programming_seconds());
  const auto card = registry::card_state(chip.device());
  if (card) line(out, "card: %s", registry::describe(*card).c_str());
  if (chip.options().checksum_y) {
    line(out, "Y words: %s", info.values ? ("CRC-32 " + y_checksum(chip)).c_str() : "none, only time was simulated");
  }
  if (info.cycle_accurate) {
    const report::DeviceActivity device = report::activity(sum, info.emulator, seconds);
    line(out, "%s at %.2f Mcycles/s, %.1f MMAC/s; MAC utilisation %.1f %%; the rest: %s",
         card && !card->emulated ? "measured on the card" : "simulated", device.cycles_per_second * 1e-6,
         device.macs_per_second * 1e-6, 100 * device.mac_utilisation, device.lost().c_str());
  }
  if (info.chip_time) write_chip_times(out, chip, totals);
  write_tile_writes(out, chip);
  if (chip.faults() != nullptr) line(out, "%s", to_text(*chip.faults()).c_str());
  if (chip.calibration() != nullptr) write_calibration(out, chip, *chip.calibration());
}

}  // namespace

void write_statistics(std::ostream& out, const OpenedModel& opened, const TextTotals& totals) {
  const auto rate = [](const PhaseTimes& phase) {
    return phase.seconds > 0 ? static_cast<double>(phase.tokens) / phase.seconds : 0.0;
  };
  line(out, "\n%s", opened.describe().c_str());
  line(out, "prefill %llu tokens, %.1f tokens/s; decode %llu tokens, %.1f tokens/s; stopped by %s",
       Count{totals.prefill.tokens}, rate(totals.prefill), Count{totals.decode.tokens}, rate(totals.decode),
       totals.stop.c_str());
  if (const runtime::ChipInstance* chip = opened.chip(); chip != nullptr) write_device(out, *chip, totals);
}

}  // namespace xw::toolchain
