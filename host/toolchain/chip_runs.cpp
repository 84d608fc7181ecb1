// Programs on the modelled chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/chip_runs.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "arch/support/setting_error.hpp"
#include "compiler/ir/graph.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "host/estimate/chip_plan.hpp"
#include "host/report/roofline.hpp"

namespace xw::toolchain {

arch::ChipDescription chip_for(const program::Program& program, const std::string& name) {
  arch::ChipDescription own = arch::parse_chip(program.manifest().chip_toml, program.path() + ": chip");
  if (name.empty()) return own;
  arch::ChipDescription other = arch::load_chip(name);
  if (other.rows != own.rows || other.cols != own.cols) {
    throw SettingError(ErrorCode::kInvalidArgument, "chip",
                       "chip: " + other.name + " has tiles of " + std::to_string(other.rows) + "x" +
                           std::to_string(other.cols) + ", the program was mapped to tiles of " +
                           std::to_string(own.rows) + "x" + std::to_string(own.cols) + "; compile it for this chip");
  }
  return other;
}

systemc::ChipPlan chip_plan_of(const program::Program& program) {
  return estimate::make_chip_plan(program, ir::parse(program.graph_text(), program.path() + ": graph"));
}

std::optional<std::uint64_t> context_length(const program::Program& program) {
  const ir::Graph graph = ir::parse(program.graph_text(), program.path() + ": graph");
  const auto found = graph.meta.find("context_length");
  if (found == graph.meta.end()) return std::nullopt;
  const auto* context = std::get_if<std::int64_t>(&found->second);
  if (context == nullptr || *context <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*context);
}

void refuse_beyond_context(const program::Program& program, const systemc::ChipWorkload& workload,
                           std::uint32_t longest) {
  const std::optional<std::uint64_t> context = context_length(program);
  if (!context) return;
  // The last token of the prompt gives the first generated one.
  const bool shared = workload.prompt_tokens != 0 && workload.generated_tokens != 0;
  const std::uint64_t last = longest != 0 ? longest
                                          : std::uint64_t{workload.first_position} + workload.prompt_tokens +
                                                workload.generated_tokens - (shared ? 1 : 0);
  if (last <= *context) return;
  throw SettingError(ErrorCode::kInvalidArgument, longest != 0 ? "sweep" : "position",
                     (longest != 0 ? "sweep: " + std::to_string(longest)
                                   : "position: " + std::to_string(workload.first_position) + " with " +
                                         std::to_string(workload.prompt_tokens) + " tokens of prompt and " +
                                         std::to_string(workload.generated_tokens) + " generated") +
                         " is beyond the model's context of " + std::to_string(*context) + " tokens");
}

report::ChipRun run_on_chip(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                            const systemc::ChipWorkload& workload, bool activities) {
  const auto begin = std::chrono::steady_clock::now();
  report::ChipRun run{workload, systemc::simulate_chip(plan, chip, workload, {activities}), 0};
  run.host_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return run;
}

void sweep_contexts(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                    const systemc::ChipWorkload& workload, std::uint32_t longest, std::vector<report::ChipRun>& runs) {
  for (std::uint64_t context = 1; context <= longest; context *= 2) {
    systemc::ChipWorkload token;
    token.num_sequences = workload.num_sequences;
    token.first_position = static_cast<std::uint32_t>(context - 1);
    token.digital_on_host = workload.digital_on_host;
    runs.push_back(run_on_chip(plan, chip, token));
  }
}

nlohmann::ordered_json chip_runs_json(const program::Program& program, const systemc::ChipPlan& plan,
                                      const arch::ChipDescription& chip, const std::vector<report::ChipRun>& runs) {
  nlohmann::ordered_json json;
  json["report"] = "crossweave simulate";
  json["chip"] = chip.name;
  json["model"] = program.manifest().model_name;
  json["tiles"] = plan.num_tiles;
  std::vector<std::pair<std::string, const report::ChipRun*>> points;
  for (const report::ChipRun& run : runs) {
    json["runs"].push_back(report::to_json(plan, run));
    points.emplace_back(
        runs.size() == 1 ? "the run" : "context " + std::to_string(std::uint64_t{run.workload.first_position} + 1),
        &run);
  }
  json["roofline"] = report::roofline_json(plan, chip, points);
  return json;
}

}  // namespace xw::toolchain
