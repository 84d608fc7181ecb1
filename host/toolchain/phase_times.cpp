// What the tokens of a run took.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/phase_times.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "host/report/chip_run.hpp"

namespace xw::toolchain {
namespace {

using nlohmann::ordered_json;
using systemc::ChipUse;

[[nodiscard]] ordered_json number(double value, const char* unit, const char* kind) {
  return {{"value", value}, {"unit", unit}, {"kind", kind}};
}

[[nodiscard]] ordered_json to_json(const PhaseTimes& phase) {
  return {{"tokens", phase.tokens},
          {"chip_time", number(phase.chip_ns, "ns", "simulated")},
          {"chip_energy", number(phase.chip_pj, "pJ", "simulated")},
          {"host_time", number(phase.host_seconds() * 1e9, "ns", "measured")}};
}

}  // namespace

ChipUse total_use(const runtime::ChipInstance& chip) {
  ChipUse total;
  if (const auto* uses = chip.device().chip_use()) {
    for (const auto& [entry, use] : *uses) {
      if (entry < chip.program().code().size()) total += use;
    }
  }
  return total;
}

ChipUse calibration_use(const runtime::ChipInstance& chip) {
  ChipUse total;
  if (const auto* uses = chip.device().chip_use()) {
    for (const auto& [entry, use] : *uses) {
      if (entry >= chip.program().code().size()) total += use;
    }
  }
  return total;
}

PhaseMeter::PhaseMeter(const runtime::ChipInstance* chip) : chip_(chip), last_(taken()) {}

PhaseTimes PhaseMeter::taken() const {
  PhaseTimes now;
  if (chip_ == nullptr) return now;
  for (const runtime::CallStats& call : chip_->stats()) now.device_seconds += call.device_seconds;
  const ChipUse use = total_use(*chip_);
  now.chip_ns = use.time_ns;
  now.chip_pj = use.energy_pj.total();
  return now;
}

void PhaseMeter::lap(PhaseTimes& phase) {
  const PhaseTimes now = taken();
  phase.device_seconds += now.device_seconds - last_.device_seconds;
  phase.chip_ns += now.chip_ns - last_.chip_ns;
  phase.chip_pj += now.chip_pj - last_.chip_pj;
  last_ = now;
}

nlohmann::ordered_json chip_times_json(const runtime::ChipInstance& chip, const PhaseTimes& prefill,
                                       const PhaseTimes& decode) {
  const ChipUse total = total_use(chip);
  ordered_json json = {{"prefill", to_json(prefill)},
                       {"decode", to_json(decode)},
                       {"kind", "simulated"},
                       {"block_mvms", total.block_mvms},
                       {"cell_macs", total.cell_macs},
                       {"energy_pj", report::to_json(total.energy_pj)},
                       {"critical_path_ns", report::to_json(total.critical_path_ns)}};
  if (const runtime::CalibrationStats* calibration = chip.calibration()) {
    const ChipUse use = calibration_use(chip);
    json["calibration"] = {{"runs", calibration->runs},
                           {"vectors", calibration->vectors},
                           {"time_ns", use.time_ns},
                           {"energy_pj", use.energy_pj.total()}};
  }
  const auto* uses = chip.device().chip_use();
  for (const program::CallInfo& call : chip.program().manifest().calls) {
    if (uses == nullptr || !uses->contains(call.entry)) continue;
    const ChipUse& use = uses->at(call.entry);
    json["calls"].push_back({{"name", call.name},
                             {"runs", use.runs},
                             {"vectors", use.vectors},
                             {"time_ns", use.time_ns},
                             {"energy_pj", use.energy_pj.total()}});
  }
  return json;
}

}  // namespace xw::toolchain
