// Figures of a simulation of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_run.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "host/report/chip_pace.hpp"

namespace xw::report {

using systemc::Breakdown;
using systemc::ChipPlan;
using systemc::ChipResult;
using systemc::Component;

namespace {

[[nodiscard]] double largest(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

}  // namespace

std::vector<std::pair<std::string_view, double>> ChipUtilisation::kinds() const {
  std::vector<std::pair<std::string_view, double>> kinds = {{"tiles", tiles_largest},
                                                            {"input links", input_links_largest},
                                                            {"output links", output_links_largest},
                                                            {"accumulators", accumulators},
                                                            {"activation buffer", buffer},
                                                            {"digital units", digital_units},
                                                            {"memory", memory}};
  std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return kinds;
}

ChipUtilisation utilisation_of(const ChipResult& result) {
  ChipUtilisation made;
  if (!(result.total_ns > 0)) return made;
  const std::vector<double>& tiles = result.tile_busy_ns;
  const double most = largest(tiles);
  if (!tiles.empty()) {
    made.tiles_mean =
        std::accumulate(tiles.begin(), tiles.end(), 0.0) / static_cast<double>(tiles.size()) / result.total_ns;
  }
  if (most > 0) {
    made.tiles_largest = most / result.total_ns;
    const auto is_busiest = [&](double busy) { return busy >= most * (1 - 1e-9); };
    made.busiest_tile =
        static_cast<std::uint32_t>(std::find_if(tiles.begin(), tiles.end(), is_busiest) - tiles.begin());
    made.num_busiest_tiles = static_cast<std::uint32_t>(std::count_if(tiles.begin(), tiles.end(), is_busiest));
  }
  made.input_links_largest = largest(result.input_link_busy_ns) / result.total_ns;
  made.output_links_largest = largest(result.output_link_busy_ns) / result.total_ns;
  made.accumulators = result.accumulator_busy_ns / result.total_ns;
  made.buffer = result.buffer_busy_ns / result.total_ns;
  made.digital_units = result.digital_busy_ns / result.total_ns;
  made.memory = result.memory_busy_ns / result.total_ns;
  return made;
}

std::vector<std::pair<Component, double>> shares_of(const Breakdown& breakdown) {
  std::vector<std::pair<Component, double>> shares;
  const double total = breakdown.total();
  if (!(total > 0)) return shares;
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    const auto component = static_cast<Component>(c);
    if (breakdown[component] != 0) shares.emplace_back(component, breakdown[component] / total);
  }
  std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return shares;
}

Component largest_of(const Breakdown& breakdown) {
  Component most = Component::kInputLink;
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    if (breakdown[static_cast<Component>(c)] > breakdown[most]) most = static_cast<Component>(c);
  }
  return most;
}

double waiting_share(const Breakdown& critical_path) {
  const double total = critical_path.total();
  if (!(total > 0)) return 0;
  return (critical_path[Component::kTileWait] + critical_path[Component::kLinkWait] +
          critical_path[Component::kDigitalWait] + critical_path[Component::kOrderWait] +
          critical_path[Component::kRoundWait]) /
         total;
}

std::uint64_t generated_tokens(const systemc::ChipWorkload& workload) {
  return std::uint64_t{workload.num_sequences} * workload.generated_tokens;
}

double operations(const ChipResult& result) {
  return static_cast<double>(2 * (result.cell_macs + result.digital_macs));
}
double tops(const ChipResult& result) {
  return operations(result) / result.total_ns * 1e-3;
}
double tops_per_watt(const ChipResult& result) {
  return operations(result) / result.energy_pj.total();
}

double attention_ns(const ChipPlan& plan, const ChipResult& result) {
  double sum = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.steps[i].kind == systemc::StepKind::kAttention) sum += result.steps[i].critical_path_ns.total();
  }
  return sum;
}

nlohmann::ordered_json to_json(const Breakdown& breakdown) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    const auto component = static_cast<Component>(c);
    if (breakdown[component] != 0) json[std::string(systemc::name(component))] = breakdown[component];
  }
  return json;
}

nlohmann::ordered_json to_json(const ChipPlan& plan, const ChipRun& run) {
  const ChipResult& result = run.result;
  const std::uint64_t generated = generated_tokens(run.workload);
  nlohmann::ordered_json json;
  json["kind"] = "simulated";
  json["sequences"] = run.workload.num_sequences;
  json["first_position"] = run.workload.first_position;
  json["prompt_tokens"] = run.workload.prompt_tokens;
  json["generated_tokens"] = run.workload.generated_tokens;
  json["digital_on_host"] = run.workload.digital_on_host;
  json["total_ns"] = result.total_ns;
  if (generated != 0) json["tokens_per_s"] = static_cast<double>(generated) / result.total_ns * 1e9;
  const ChipPace pace = pace_of(run.workload, result);
  if (pace.first_token_ns) json["first_token_ns"] = *pace.first_token_ns;
  if (pace.next_token_ns) json["next_token_ns"] = *pace.next_token_ns;
  if (generated != 0) json["energy_pj_per_token"] = result.energy_pj.total() / static_cast<double>(generated);
  json["tops"] = tops(result);
  json["tops_per_watt"] = tops_per_watt(result);
  json["area_mm2"] = {{"tiles", result.tiles_mm2}, {"digital", result.digital_mm2}};
  json["energy_pj"] = to_json(result.energy_pj);
  json["critical_path_ns"] = to_json(result.critical_path_ns);
  json["attention_ns"] = attention_ns(plan, result);
  json["bottleneck"] = std::string(systemc::name(largest_of(result.critical_path_ns)));
  json["block_mvms"] = result.block_mvms;
  json["cell_macs"] = result.cell_macs;
  json["digital_macs"] = result.digital_macs;
  json["link_bytes"] = result.link_bytes;
  json["hop_bytes"] = result.hop_bytes;
  if (!plan.rounds.empty())
    json["reload"] = {{"rounds_written", result.rounds_written}, {"cells_written", result.cells_written}};
  json["buffer"] = {{"capacity_bytes", result.buffer_capacity_bytes},
                    {"peak_bytes", result.buffer_peak_bytes},
                    {"spilled_bytes", result.spilled_bytes}};
  const ChipUtilisation busy = utilisation_of(result);
  json["utilisation"] = {{"tiles_mean", busy.tiles_mean},
                         {"tiles_largest", busy.tiles_largest},
                         {"busiest_tile", busy.busiest_tile},
                         {"input_links_largest", busy.input_links_largest},
                         {"output_links_largest", busy.output_links_largest},
                         {"accumulators", busy.accumulators},
                         {"buffer", busy.buffer},
                         {"digital_units", busy.digital_units},
                         {"memory", busy.memory}};
  if (!result.chip_link_busy_ns.empty())
    json["utilisation"]["chip_links_largest"] = largest(result.chip_link_busy_ns) / result.total_ns;
  for (const systemc::Share& layer : result.layers) {
    json["layers"].push_back(
        {{"energy_pj", to_json(layer.energy_pj)}, {"critical_path_ns", to_json(layer.critical_path_ns)}});
  }
  json["host_ms"] = {{"kind", "measured"}, {"unit", "ms"}, {"value", run.host_ms}};
  return json;
}

}  // namespace xw::report
