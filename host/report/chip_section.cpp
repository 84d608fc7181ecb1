// The section of a report that the simulation of the chip gives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_section.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/report/text_format.hpp"

namespace xw::report {

using Json = nlohmann::ordered_json;
using systemc::ChipResult;

namespace {

constexpr double kShown = 0.0005;  // smaller shares are summed up in texts

/// The calls whose blocks are in a tile, in the order of the plan.
[[nodiscard]] std::vector<std::string> calls_in(const systemc::ChipPlan& plan, std::uint32_t tile) {
  std::vector<std::string> names;
  for (const systemc::CallWork& call : plan.calls) {
    for (std::uint32_t copy = 0; copy < call.num_copies(); ++copy) {
      const std::vector<systemc::BlockWork>& blocks = call.blocks_of(copy);
      const auto is_there = [&](const systemc::BlockWork& block) { return block.tile == tile; };
      if (std::any_of(blocks.begin(), blocks.end(), is_there)) names.push_back(call.name);
    }
  }
  return names;
}

[[nodiscard]] Json shares_json(const systemc::Breakdown& breakdown) {
  Json json = Json::object();
  for (const auto& [component, share] : shares_of(breakdown)) json[std::string(systemc::name(component))] = share;
  return json;
}

[[nodiscard]] Json each(const std::vector<double>& busy_ns, double total_ns) {
  Json json = Json::array();
  for (const double busy : busy_ns) json.push_back(busy / total_ns);
  return json;
}

/// The run as `crossweave simulate` writes it, with shares and every server. `estimate_ns`: of the static estimate.
[[nodiscard]] Json run_json(const systemc::ChipPlan& plan, const ChipRun& run, std::optional<double> estimate_ns) {
  const ChipResult& result = run.result;
  Json json = to_json(plan, run);
  json["critical_path_shares"] = shares_json(result.critical_path_ns);
  json["energy_shares"] = shares_json(result.energy_pj);
  json["waiting_share"] = waiting_share(result.critical_path_ns);
  json["power_w"] = result.energy_pj.total() / result.total_ns * 1e-3;
  const ChipUtilisation busy = utilisation_of(result);
  json["busiest"] = std::string(busy.kinds().front().first);
  Json& utilisation = json["utilisation"];
  utilisation["busiest_tile_calls"] = calls_in(plan, busy.busiest_tile);
  utilisation["num_busiest_tiles"] = busy.num_busiest_tiles;
  utilisation["each_tile"] = each(result.tile_busy_ns, result.total_ns);
  utilisation["each_input_link"] = each(result.input_link_busy_ns, result.total_ns);
  utilisation["each_output_link"] = each(result.output_link_busy_ns, result.total_ns);
  if (estimate_ns) json["time_to_static_estimate"] = result.total_ns / *estimate_ns;
  return json;
}

[[nodiscard]] std::string shares_text(const systemc::Breakdown& breakdown) {
  std::string text;
  double rest = 0;
  for (const auto& [component, share] : shares_of(breakdown)) {
    if (share < kShown) {
      rest += share;
      continue;
    }
    text += (text.empty() ? "" : ", ") + std::string(systemc::name(component)) + " " + percent(share);
  }
  return rest > 0 ? text + ", the rest " + percent(rest) : text;
}

[[nodiscard]] std::string tiles_text(const systemc::ChipPlan& plan, const ChipUtilisation& busy) {
  if (busy.num_busiest_tiles == 0) return "no tile is busy";
  const std::vector<std::string> calls = calls_in(plan, busy.busiest_tile);
  std::string text = "tiles " + percent(busy.tiles_mean) + " mean, " + percent(busy.tiles_largest) + " most (tile " +
                     std::to_string(busy.busiest_tile);
  if (!calls.empty()) text += ": " + calls.front();
  if (calls.size() > 1) text += " and " + std::to_string(calls.size() - 1) + " more";
  if (busy.num_busiest_tiles > 1) text += "; as busy: " + std::to_string(busy.num_busiest_tiles - 1) + " more";
  return text + ")";
}

[[nodiscard]] std::string units_text(const ChipUtilisation& busy) {
  std::string text;
  for (const auto& [name, share] : busy.kinds()) {
    if (name == "tiles" || share == 0) continue;
    text += ", " + std::string(name) + " " + percent(share);
  }
  return text;
}

[[nodiscard]] std::string busiest_text(const ChipUtilisation& busy) {
  const auto [name, share] = busy.kinds().front();
  return std::string(name) + " (" + percent(share) + " of the time)";
}

/// The static estimate beside the simulation.
[[nodiscard]] std::string estimate_text(const ChipResult& result, double estimate_ns) {
  const double more = result.total_ns / estimate_ns - 1;
  std::string text = "static estimate (no contention) " + scaled(estimate_ns * 1e-9, "s") + ": the simulated time is ";
  text += std::abs(more) < kShown ? "the same" : percent(std::abs(more)) + (more > 0 ? " longer" : " shorter");
  return text + "; tokens wait for what is busy " + percent(waiting_share(result.critical_path_ns)) + " of their time";
}

void print_run(const systemc::ChipPlan& plan, const ChipRun& run, std::optional<double> estimate_ns,
               std::ostream& out) {
  const ChipResult& result = run.result;
  const ChipUtilisation busy = utilisation_of(result);
  line(out, "    rate: %.3g TOPS, %.3g TOPS/W, %s", tops(result), tops_per_watt(result),
       scaled(result.energy_pj.total() / result.total_ns * 1e-3, "W").c_str());
  line(out, "    critical path: %s", shares_text(result.critical_path_ns).c_str());
  line(out, "    energy: %s", shares_text(result.energy_pj).c_str());
  line(out, "    busy: %s%s", tiles_text(plan, busy).c_str(), units_text(busy).c_str());
  if (estimate_ns) line(out, "    %s", estimate_text(result, *estimate_ns).c_str());
}

}  // namespace

systemc::ChipWorkload decode_workload(std::uint32_t context) {
  systemc::ChipWorkload workload;
  workload.first_position = context - 1;
  return workload;
}

systemc::ChipWorkload prefill_workload(std::uint32_t tokens) {
  systemc::ChipWorkload workload;
  workload.prompt_tokens = tokens;
  return workload;
}

Json to_json(const ChipSection& section, const std::optional<StaticEstimate>& estimate) {
  Json json = {{"kind", "simulated"}};
  if (!section.absent.empty()) json["absent"] = section.absent;
  if (section.decode) {
    Json& decode = json["decode"] = {{"context", section.decode->workload.first_position + 1}};
    decode.update(
        run_json(section.plan, *section.decode, estimate ? std::optional(estimate->decode.time_ns) : std::nullopt));
  }
  if (section.prefill) {
    Json run = run_json(section.plan, *section.prefill,
                        estimate ? std::optional(estimate->prefill_total.time_ns) : std::nullopt);
    const ChipResult& result = section.prefill->result;
    const double tokens = section.prefill->workload.prompt_tokens;
    run.erase("tokens_per_s");  // of generated tokens, of which there is one
    run.erase("energy_pj_per_token");
    Json& prefill = json["prefill"] = {{"tokens", section.prefill->workload.prompt_tokens},
                                       {"prompt_tokens_per_s", tokens / result.total_ns * 1e9},
                                       {"energy_pj_per_prompt_token", result.energy_pj.total() / tokens}};
    prefill.update(run);
  }
  return json;
}

void print_text(const ChipSection& section, const arch::ChipDescription& chip,
                const std::optional<StaticEstimate>& estimate, std::ostream& out) {
  if (!section.absent.empty()) {
    line(out, "\nChip (simulated): none, %s", section.absent.c_str());
    return;
  }
  line(out, "\nChip (simulated: SystemC model of %s, with contention; see docs/report.md)", chip.name.c_str());
  if (section.decode) {
    const ChipResult& result = section.decode->result;
    line(out, "  decode, context %u: %s per token (%s), bound by %s; %s per token",
         section.decode->workload.first_position + 1, scaled(result.total_ns * 1e-9, "s").c_str(),
         scaled(1e9 / result.total_ns, "tokens/s").c_str(),
         std::string(systemc::name(largest_of(result.critical_path_ns))).c_str(),
         scaled(result.energy_pj.total() * 1e-12, "J").c_str());
    print_run(section.plan, *section.decode, estimate ? std::optional(estimate->decode.time_ns) : std::nullopt, out);
  }
  if (section.prefill) {
    const ChipResult& result = section.prefill->result;
    const double tokens = section.prefill->workload.prompt_tokens;
    line(out, "  prefill, %u tokens: %s (%s), busiest: %s; %s per token", section.prefill->workload.prompt_tokens,
         scaled(result.total_ns * 1e-9, "s").c_str(), scaled(1e9 * tokens / result.total_ns, "tokens/s").c_str(),
         busiest_text(utilisation_of(result)).c_str(), scaled(result.energy_pj.total() / tokens * 1e-12, "J").c_str());
    print_run(section.plan, *section.prefill, estimate ? std::optional(estimate->prefill_total.time_ns) : std::nullopt,
              out);
  }
}

}  // namespace xw::report
