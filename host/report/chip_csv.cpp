// Results of chip simulations for spreadsheets.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_csv.hpp"

#include <cstdio>

#include "arch/support/csv.hpp"
#include "host/report/chip_pace.hpp"

namespace xw::report {
namespace {

using systemc::Breakdown;
using systemc::Component;

[[nodiscard]] std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

/// All components are columns, in a fixed order, so that files of different runs line up.
[[nodiscard]] std::string component_head(const char* what) {
  std::string head;
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    head += "," + csv_field(std::string(systemc::name(static_cast<Component>(c))) + " " + what);
  }
  return head;
}
[[nodiscard]] std::string components(const Breakdown& breakdown) {
  std::string text;
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    text += "," + number(breakdown[static_cast<Component>(c)]);
  }
  return text;
}

[[nodiscard]] const char* kind_name(systemc::StepKind kind) {
  switch (kind) {
    case systemc::StepKind::kCall:
      return "tiles";
    case systemc::StepKind::kDigital:
      return "digital";
    case systemc::StepKind::kAttention:
      return "attention";
  }
  return "?";
}

}  // namespace

std::string runs_csv(const systemc::ChipPlan& plan, const std::vector<ChipRun>& runs) {
  std::string text =
      "sequences,first position,prompt tokens,generated tokens,time ns,energy pJ,attention ns,tiles busy mean,digital "
      "units busy,memory busy,area mm2,first token ns,next token ns,block MVMs,cell MACs,digital MACs,link bytes,hop "
      "bytes,buffer peak "
      "bytes,spilled bytes" +
      component_head("ns") + component_head("pJ") + "\r\n";
  for (const ChipRun& run : runs) {
    const systemc::ChipResult& result = run.result;
    text += std::to_string(run.workload.num_sequences) + "," + std::to_string(run.workload.first_position) + "," +
            std::to_string(run.workload.prompt_tokens) + "," + std::to_string(run.workload.generated_tokens);
    const ChipUtilisation busy = utilisation_of(result);
    for (const double value : {result.total_ns, result.energy_pj.total(), attention_ns(plan, result), busy.tiles_mean,
                               busy.digital_units, busy.memory, result.tiles_mm2 + result.digital_mm2}) {
      text += "," + number(value);
    }
    const ChipPace pace = pace_of(run.workload, result);
    for (const auto& value : {pace.first_token_ns, pace.next_token_ns}) text += "," + (value ? number(*value) : "");
    text += "," + std::to_string(result.block_mvms) + "," + std::to_string(result.cell_macs) + "," +
            std::to_string(result.digital_macs) + "," + std::to_string(result.link_bytes) + "," +
            std::to_string(result.hop_bytes) + "," + std::to_string(result.buffer_peak_bytes) + "," +
            std::to_string(result.spilled_bytes) + components(result.critical_path_ns) + components(result.energy_pj) +
            "\r\n";
  }
  return text;
}

std::string steps_csv(const systemc::ChipPlan& plan, const systemc::ChipResult& result) {
  std::string text = "step,name,kind,layer,time ns,energy pJ" + component_head("ns") + component_head("pJ") + "\r\n";
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const systemc::Share& share = result.steps[i];
    text += std::to_string(i) + "," + csv_field(plan.steps[i].name) + "," + kind_name(plan.steps[i].kind) + "," +
            std::to_string(plan.steps[i].layer) + "," + number(share.critical_path_ns.total()) + "," +
            number(share.energy_pj.total()) + components(share.critical_path_ns) + components(share.energy_pj) + "\r\n";
  }
  return text;
}

}  // namespace xw::report
