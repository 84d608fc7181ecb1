// Reports: what a program is, what it would cost on the chip, and what a run on this machine measured.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/program/program.hpp"
#include "host/estimate/static_estimate.hpp"
#include "host/report/calibration_section.hpp"
#include "host/report/chip_section.hpp"
#include "host/runtime/chip_instance.hpp"

namespace xw::report {

/// One part of a measured run.
struct Phase {
  std::uint32_t tokens = 0;
  double seconds = 0;
  std::vector<runtime::CallStats> calls;  ///< counters of this phase, per call
};

/// Host time by kind, seconds, in printing order.
using HostShares = std::vector<std::pair<std::string, double>>;

/// A run that the report is about.
struct MeasuredRun {
  std::string description;  ///< "analog, pcm-afm, chip seed 7, functional device"
  runtime::ChipOptions options;
  unsigned threads = 0;
  std::optional<arch::EmulatorDescription> cycle_accurate;  ///< the device's, if it counts cycles
  bool chip_time = false;  ///< the device tells RunStats::chip_ns (DeviceInfo::chip_time)
  double programming_seconds = 0;
  Phase prefill, decode;
  HostShares host;
};

struct Report {
  std::shared_ptr<const program::Program> program;
  arch::ChipDescription chip;
  std::string command_line;
  std::string tool_version;
  std::vector<CallEstimate> calls;                ///< geometry of every call
  std::optional<StaticEstimate> estimate;         ///< nothing: the chip has no constants
  std::optional<ChipSection> simulation;          ///< nothing: not asked for
  std::optional<CalibrationSection> calibration;  ///< nothing: not asked for, or the chip has no constants
  std::optional<MeasuredRun> run;
};

/// Energy by part of the chip, pJ, as reports name it: {"dac", ...}, ..., {"static", ...}; together the total. Links to the host and between
/// chips, and the writing of cells, are there only where they take energy.
[[nodiscard]] std::vector<std::pair<std::string, double>> energy_parts(const systemc::Breakdown& energy);

/// Collects everything about a program. context: of the decode estimate; both at least 1.
[[nodiscard]] Report make_report(std::shared_ptr<const program::Program> program, std::uint32_t context,
                                 std::uint32_t prefill_tokens);

/// Every number with unit and kind (measured, modelled, simulated), its own or that of the object around it; counts of the
/// program have none.
[[nodiscard]] nlohmann::ordered_json to_json(const Report& report);
/// per_call: every call in a row of its own; otherwise calls of the same kind in different layers are one row.
void print_text(const Report& report, std::ostream& out, bool per_call = false);

}  // namespace xw::report
