// The text form of a report.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>

#include "arch/generated/xw_arch.hpp"
#include "host/report/device_activity.hpp"
#include "host/report/report.hpp"
#include "host/report/text_format.hpp"

namespace xw::report {

namespace {

/// "layers.12.qkv" -> "layers.*.qkv": calls of the same kind in different layers are one row.
std::string kind_of(const std::string& name) {
  std::string kind;
  for (std::size_t i = 0; i < name.size();) {
    if (std::isdigit(static_cast<unsigned char>(name[i])) != 0 && (i == 0 || name[i - 1] == '.')) {
      while (i < name.size() && std::isdigit(static_cast<unsigned char>(name[i])) != 0) ++i;
      kind += '*';
    } else {
      kind += name[i++];
    }
  }
  return kind;
}

struct Row {
  std::uint32_t calls = 0, blocks = 0, tiles = 0, serialised = 0;
  std::uint64_t cells = 0, adc = 0, bytes = 0;
  double ns = 0, slowest_ns = 0;
  std::uint64_t conversions = 0, saturations = 0;
  double device_seconds = 0;
};

void print_calls(const Report& report, std::ostream& out, bool per_call) {
  std::vector<std::string> order;
  std::map<std::string, Row> rows;
  for (std::size_t i = 0; i < report.calls.size(); ++i) {
    const CallEstimate& call = report.calls[i];
    const std::string kind = per_call ? call.name : kind_of(call.name);
    if (!rows.contains(kind)) order.push_back(kind);
    Row& row = rows[kind];
    ++row.calls;
    row.blocks += call.blocks;
    row.tiles += call.tiles;
    row.serialised = std::max(row.serialised, call.serialised);
    row.cells += call.cells;
    row.adc += call.adc_conversions;
    row.bytes += call.x_bytes + call.y_bytes;
    row.ns += call.time_ns();
    row.slowest_ns = std::max(row.slowest_ns, call.time_ns());
    if (report.run) {
      for (const Phase* phase : {&report.run->prefill, &report.run->decode}) {
        if (i >= phase->calls.size()) continue;
        row.conversions += phase->calls[i].device.adc_conversions;
        row.saturations += phase->calls[i].device.adc_saturations;
        row.device_seconds += phase->calls[i].device_seconds;
      }
    }
  }
  out << (per_call ? "\nCalls, per token (counts of the program; chip time modelled; satur. and device s measured; "
                     "tiles may be shared)\n"
                   : "\nCalls, per token, all layers of a kind together (counts of the program; chip time modelled; "
                     "satur. and device s "
                     "measured; tiles may be shared)\n");
  line(out, "%-18s %5s %6s %6s %5s %8s %8s %9s %9s %10s %9s %9s", "call", "calls", "MVMs", "tiles", "turns", "util %",
       "MMAC", "ADC conv", "kB moved", "chip time", "satur. %", "device s");
  for (const std::string& kind : order) {
    const Row& row = rows.at(kind);
    const double utilisation =
        100.0 * static_cast<double>(row.cells) / (double(row.tiles) * report.chip.rows * report.chip.cols);
    char saturation[24] = "-";
    char device[24] = "-";
    if (row.conversions > 0) {
      std::snprintf(saturation, sizeof saturation, "%.4f",
                    100.0 * static_cast<double>(row.saturations) / static_cast<double>(row.conversions));
      std::snprintf(device, sizeof device, "%.3f", row.device_seconds);
    }
    line(out, "%-18s %5u %6u %6u %5u %8.1f %8.2f %9llu %9.1f %10s %9s %9s", kind.c_str(), row.calls, row.blocks,
         row.tiles, row.serialised, utilisation, static_cast<double>(row.cells) * 1e-6,
         static_cast<unsigned long long>(row.adc), static_cast<double>(row.bytes) * 1e-3,
         row.ns > 0 ? scaled(row.ns * 1e-9, "s").c_str() : "-", saturation, device);
  }
}

void print_estimate(const Report& report, std::ostream& out) {
  if (!report.estimate) {
    line(out, "\nChip time and energy (modelled): none, the description of %s has no timing and energy constants",
         report.chip.name.c_str());
    return;
  }
  const StaticEstimate& estimate = *report.estimate;
  out << "\nChip time and energy (modelled: static estimate from the chip description, no contention; see "
         "docs/report.md)\n";
  line(out, "  decode, context %u: %s per token (%s), of it digital %s; %s per token", estimate.context,
       scaled(estimate.decode.time_ns * 1e-9, "s").c_str(), scaled(1e9 / estimate.decode.time_ns, "tokens/s").c_str(),
       scaled(estimate.digital.time_ns * 1e-9, "s").c_str(),
       scaled(estimate.decode.energy_pj.total() * 1e-12, "J").c_str());
  if (estimate.prefill_tokens > 0) {
    line(out, "  prefill, %u tokens: %s (%s), bound by %s; %s per token", estimate.prefill_tokens,
         scaled(estimate.prefill_total.time_ns * 1e-9, "s").c_str(),
         scaled(1e9 * estimate.prefill_tokens / estimate.prefill_total.time_ns, "tokens/s").c_str(),
         estimate.prefill_bottleneck.c_str(),
         scaled(estimate.prefill_total.energy_pj.total() / estimate.prefill_tokens * 1e-12, "J").c_str());
  }
  if (estimate.writing.rounds > 0) {
    line(out, "  of it writing %u rounds, %.3f M cells: %s, %s", estimate.writing.rounds,
         static_cast<double>(estimate.writing.cells) * 1e-6, scaled(estimate.writing.time_ns * 1e-9, "s").c_str(),
         scaled(estimate.writing.energy_pj.total() * 1e-12, "J").c_str());
  }
  std::string parts;
  for (const auto& [name, pj] : energy_parts(estimate.decode.energy_pj)) {
    parts += (parts.empty() ? "" : ", ") + name + " " + scaled(pj * 1e-12, "J");
  }
  line(out, "  energy of a decoded token: %s", parts.c_str());
}

void print_phase(const char* name, const Phase& phase, const MeasuredRun& run, std::ostream& out) {
  if (phase.tokens == 0) return;
  device::RunStats total;
  double device_seconds = 0;
  for (const runtime::CallStats& call : phase.calls) {
    total += call.device;
    device_seconds += call.device_seconds;
  }
  std::uint64_t block_bytes = 0;
  for (const std::uint64_t bytes : total.block_bytes_read) block_bytes += bytes;
  line(out,
       "  %-8s %5u tokens in %.3f s (%.1f tokens/s); %llu MVMs, %s, %llu ADC conversions, %llu saturated (%.4f %%)",
       name, phase.tokens, phase.seconds, phase.tokens / phase.seconds, static_cast<unsigned long long>(total.mvms),
       scaled(static_cast<double>(total.macs), "MAC").c_str(), static_cast<unsigned long long>(total.adc_conversions),
       static_cast<unsigned long long>(total.adc_saturations),
       total.adc_conversions > 0
           ? 100.0 * static_cast<double>(total.adc_saturations) / static_cast<double>(total.adc_conversions)
           : 0.0);
  line(out, "           bytes: blocks %s, x %s, y %s, program %s",
       scaled(static_cast<double>(block_bytes), "B").c_str(),
       scaled(static_cast<double>(total.x_bytes_read), "B").c_str(),
       scaled(static_cast<double>(total.y_bytes_written), "B").c_str(),
       scaled(static_cast<double>(total.program_bytes_read), "B").c_str());
  if (run.chip_time) {
    line(out, "           analog chip (simulated): %s per token for the calls; the digital side is on this machine",
         scaled(static_cast<double>(total.chip_ns) * 1e-9 / phase.tokens, "s").c_str());
  }
  if (!run.cycle_accurate) return;
  const DeviceActivity device = activity(total, *run.cycle_accurate, device_seconds);
  line(out, "           device (simulated): %llu cycles (%s at %.0f MHz per token); measured: %s, %s",
       static_cast<unsigned long long>(device.cycles),
       scaled(static_cast<double>(device.cycles) / (run.cycle_accurate->clock_mhz * 1e6) / phase.tokens, "s").c_str(),
       run.cycle_accurate->clock_mhz, scaled(device.cycles_per_second, "cycles/s").c_str(),
       scaled(device.macs_per_second, "MAC/s").c_str());
  line(out, "           MAC utilisation %.1f %%; the rest: %s", 100 * device.mac_utilisation, device.lost().c_str());
  for (const UnitActivity& unit : device.units) {
    line(out,
         "             %-10s executing %5.1f %%, waiting for memory %5.1f %%, for semaphores %5.1f %%, idle %5.1f %%",
         unit.name.c_str(), 100 * unit.executing, 100 * unit.memory, 100 * unit.semaphores, 100 * unit.idle);
  }
}

}  // namespace

void print_text(const Report& report, std::ostream& out, bool per_call) {
  const program::Manifest& manifest = report.program->manifest();
  std::uint64_t cells = 0;
  for (const CallEstimate& call : report.calls) cells += call.cells;
  line(out, "%s on %s, weights %s, lm_head %s", manifest.model_name.c_str(), report.chip.name.c_str(),
       program::name(manifest.weight_mode), manifest.lm_head_analog ? "analog" : "digital");
  line(out, "%u tiles of %ux%u, %.1f %% used; proven lower bound %u tiles (%s)", manifest.num_tiles, report.chip.rows,
       report.chip.cols,
       manifest.num_tiles > 0
           ? 100.0 * static_cast<double>(cells) / (double(manifest.num_tiles) * report.chip.rows * report.chip.cols)
           : 0.0,
       manifest.tiles_lower_bound, manifest.lower_bound_reason.c_str());
  line(out, "ranges: %s", manifest.calibration.c_str());
  print_calls(report, out, per_call);
  print_estimate(report, out);
  if (report.simulation) print_text(*report.simulation, report.chip, report.estimate, out);
  if (report.calibration) print_text(*report.calibration, out);
  if (!report.run) return;
  const MeasuredRun& run = *report.run;
  line(out, "\nThis machine (measured): %s, %u threads; programming the chip took %.2f s", run.description.c_str(),
       run.threads, run.programming_seconds);
  print_phase("prefill", run.prefill, run, out);
  print_phase("decode", run.decode, run, out);
  double total = 0;
  for (const auto& [name, seconds] : run.host) total += seconds;
  std::string shares;
  for (const auto& [name, seconds] : run.host) {
    char text[64];
    std::snprintf(text, sizeof text, "%s%s %.1f %%", shares.empty() ? "" : ", ", name.c_str(),
                  total > 0 ? 100 * seconds / total : 0.0);
    shares += text;
  }
  line(out, "  host time: %s", shares.c_str());
  line(out, "contract %s, crossweave %s, command: %s", std::string(arch::kContractHashText).c_str(),
       report.tool_version.c_str(), report.command_line.c_str());
}

}  // namespace xw::report
