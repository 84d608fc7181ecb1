// The roofline of a chip from the constants of its description.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/roofline.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/constants.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::report {

using Json = nlohmann::ordered_json;

namespace {

/// Tiles of the plan that work at the same time: crossbars above each other take turns.
[[nodiscard]] std::uint32_t tiles_at_once(const systemc::ChipPlan& plan, const arch::ChipDescription& chip) {
  return std::min(plan.num_tiles, plan.num_chips * systemc::servers_of(chip, plan).stacks);
}

}  // namespace

Roofs roofs_of(const systemc::ChipPlan& plan, const arch::ChipDescription& chip) {
  const double per_s = 1e9;  // of a rate per ns
  Roofs roofs;
  const double mvm_ns = systemc::ChipCosts(chip).mvm_ns(chip.cols).total();
  if (mvm_ns > 0) {
    const double cells = static_cast<double>(chip.rows) * chip.cols;
    roofs.tiles_ops_per_s = tiles_at_once(plan, chip) * 2 * cells / mvm_ns * per_s;
  }
  const double macs = systemc::constant(chip.timing, "digital_mac_rate", 0);
  if (macs > 0) roofs.digital_ops_per_s = plan.num_chips * 2 * macs * per_s;
  const double bytes = systemc::constant(chip.timing, "memory_rate", 0);
  if (bytes > 0) roofs.memory_bytes_per_s = plan.num_chips * bytes * per_s;
  return roofs;
}

std::uint64_t memory_bytes(const systemc::ChipPlan& plan, const ChipRun& run) {
  if (run.workload.digital_on_host) return 0;
  std::uint64_t bytes = run.result.spilled_bytes;
  for (const systemc::TokenTime& token : run.result.tokens) {
    const bool logits = !token.prompt || token.position + 1 == run.workload.first_position + run.workload.prompt_tokens;
    for (const systemc::Step& step : plan.steps) {
      if (logits || !step.logits) bytes += step.digital(std::uint64_t{token.position} + 1).memory_bytes;
    }
  }
  return bytes;
}

Json roofline_json(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                   const std::vector<std::pair<std::string, const ChipRun*>>& runs) {
  const Roofs roofs = roofs_of(plan, chip);
  Json json = {{"kind", "modelled"}};
  if (roofs.tiles_ops_per_s) json["tiles"] = {{"operations_per_s", *roofs.tiles_ops_per_s}};
  if (roofs.digital_ops_per_s) json["digital_units"] = {{"operations_per_s", *roofs.digital_ops_per_s}};
  if (roofs.memory_bytes_per_s) json["memory"] = {{"bytes_per_s", *roofs.memory_bytes_per_s}};
  json["points"] = Json::array();
  for (const auto& [name, run] : runs) {
    json["points"].push_back({{"name", name},
                              {"kind", "simulated"},
                              {"operations", operations(run->result)},
                              {"memory_bytes", memory_bytes(plan, *run)},
                              {"time_ns", run->result.total_ns}});
  }
  return json;
}

}  // namespace xw::report
