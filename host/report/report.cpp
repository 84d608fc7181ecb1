// Collecting a report and its JSON form.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/report.hpp"

#include <nlohmann/json.hpp>

#include "arch/generated/xw_arch.hpp"
#include "host/estimate/chip_plan.hpp"
#include "host/report/device_activity.hpp"
#include "host/report/roofline.hpp"
#include "host/report/tile_map.hpp"

namespace xw::report {

using Json = nlohmann::ordered_json;

Report make_report(std::shared_ptr<const program::Program> program, std::uint32_t context,
                   std::uint32_t prefill_tokens) {
  Report report;
  report.chip = arch::parse_chip(program->manifest().chip_toml, program->path() + ": chip");
  const ir::Graph graph = ir::parse(program->graph_text(), program->path() + ": graph");
  const systemc::ChipPlan plan = estimate::make_chip_plan(*program, graph);
  report.calls = estimate::estimate_calls(plan, report.chip);
  report.estimate = estimate::static_estimate(plan, graph, report.chip, context, prefill_tokens);
  report.program = std::move(program);
  return report;
}

namespace {

Json number(double value, const char* unit, const char* kind) {
  return {{"value", value}, {"unit", unit}, {"kind", kind}};
}
Json modelled(double value, const char* unit) {
  return number(value, unit, "modelled");
}
Json measured(double value, const char* unit) {
  return number(value, unit, "measured");
}

Json simulated(double value, const char* unit) {
  return number(value, unit, "simulated");
}

Json energy_json(const systemc::Breakdown& energy) {
  Json json;
  for (const auto& [name, pj] : energy_parts(energy)) json[name] = modelled(pj, "pJ");
  json["total"] = modelled(energy.total(), "pJ");
  return json;
}

Json work_json(const systemc::DigitalWork& work) {
  return {{"macs", work.macs}, {"exps", work.exps}, {"memory_bytes", work.memory_bytes}};
}

Json digital_json(const estimate::DigitalEstimate& digital) {
  Json json = work_json(digital.work);
  json["operations"] = digital.operations;
  json["time"] = modelled(digital.time_ns, "ns");
  for (const estimate::KindWork& kind : digital.kinds) {
    Json& entry = json["by_kind"][std::string(ir::name(kind.kind))] = {{"nodes", kind.nodes}};
    entry.update(work_json(kind.work));
  }
  return json;
}

Json call_json(const CallEstimate& call, const arch::ChipDescription& chip) {
  Json json = {{"name", call.name},
               {"blocks", call.blocks},
               {"tiles", call.tiles},
               {"serialised_blocks", call.serialised},
               {"cells", call.cells},
               {"utilisation", static_cast<double>(call.cells) / (double(call.tiles) * chip.rows * chip.cols)},
               {"mvms_per_token", call.blocks},
               {"dac_conversions_per_token", call.dac_conversions},
               {"adc_conversions_per_token", call.adc_conversions},
               {"input_bytes_per_token", call.x_bytes},
               {"output_bytes_per_token", call.y_bytes},
               {"hop_bytes_per_token", call.hop_bytes}};
  if (!chip.timing.empty()) {
    json["tile_time"] = modelled(call.tile_ns, "ns");
    json["link_time"] = modelled(call.link_ns, "ns");
  }
  return json;
}

Json phase_json(const Phase& phase, const MeasuredRun& run) {
  runtime::CallStats total;
  Json calls = Json::array();
  for (const runtime::CallStats& call : phase.calls) {
    total.runs += call.runs;
    total.device_seconds += call.device_seconds;
    total.device += call.device;
    calls.push_back({{"runs", call.runs},
                     {"vectors", call.vectors},
                     {"device_time", measured(call.device_seconds, "s")},
                     {"mvms", call.device.mvms},
                     {"adc_conversions", call.device.adc_conversions},
                     {"adc_saturations", call.device.adc_saturations}});
    if (run.chip_time) {
      calls.back()["chip_time"] = simulated(static_cast<double>(call.device.chip_ns), "ns");
    } else {
      calls.back()["cycles"] = call.device.total_cycles;
    }
  }
  std::uint64_t block_bytes = 0;
  for (const std::uint64_t bytes : total.device.block_bytes_read) block_bytes += bytes;
  Json json = {{"tokens", phase.tokens},
               {"time", measured(phase.seconds, "s")},
               {"tokens_per_s", measured(phase.seconds > 0 ? phase.tokens / phase.seconds : 0, "1/s")},
               {"device_runs", total.runs},
               {"device_time", measured(total.device_seconds, "s")},
               {"instructions", total.device.instructions},
               {"mvms", total.device.mvms},
               {"macs", total.device.macs},
               {"dac_conversions", total.device.dac_conversions},
               {"adc_conversions", total.device.adc_conversions},
               {"adc_saturations", total.device.adc_saturations},
               {"program_bytes", total.device.program_bytes_read},
               {"x_bytes", total.device.x_bytes_read},
               {"y_bytes", total.device.y_bytes_written},
               {"block_bytes", block_bytes},
               {"calls", calls}};
  if (run.chip_time) json["chip_time"] = simulated(static_cast<double>(total.device.chip_ns), "ns");
  if (run.cycle_accurate) json["activity"] = to_json(activity(total.device, *run.cycle_accurate, total.device_seconds));
  return json;
}

Json run_json(const MeasuredRun& run) {
  Json host;
  for (const auto& [name, seconds] : run.host) host[name] = measured(seconds, "s");
  return {{"kind", "measured"},
          {"description", run.description},
          {"chip_seed", run.options.chip_seed},
          {"noise", run.options.noise},
          {"read_sigma", run.options.read_sigma},
          {"threads", run.threads},
          {"programming_time", measured(run.programming_seconds, "s")},
          {"prefill", phase_json(run.prefill, run)},
          {"decode", phase_json(run.decode, run)},
          {"host_time", host}};
}

Json sources_json(const arch::ChipDescription& chip) {
  Json json;
  for (const auto& [table, constants] :
       {std::pair{"timing", &chip.timing}, {"energy", &chip.energy}, {"area", &chip.area}}) {
    for (const auto& [key, constant] : *constants)
      json[table][key] = {{"value", constant.value}, {"unit", constant.unit}, {"source", constant.source}};
  }
  return json;
}

}  // namespace

std::vector<std::pair<std::string, double>> energy_parts(const systemc::Breakdown& energy) {
  using enum systemc::Component;
  const std::pair<const char*, std::vector<systemc::Component>> parts[] = {{"dac", {kDac}},
                                                                           {"cells", {kCells}},
                                                                           {"adc", {kAdc}},
                                                                           {"rescale", {kRescale}},
                                                                           {"link", {kInputLink, kOutputLink}},
                                                                           {"hops", {kHop}},
                                                                           {"accumulate", {kAccumulate}},
                                                                           {"buffer", {kBuffer}},
                                                                           {"digital", {kDigitalMac, kDigitalExp}},
                                                                           {"memory", {kMemory}},
                                                                           {"host_link", {kHostLink}},
                                                                           {"chip_links", {kChipLink}},
                                                                           {"write", {kWrite}},
                                                                           {"static", {kStatic}}};
  const auto optional = [](systemc::Component c) { return c == kHostLink || c == kChipLink || c == kWrite; };
  std::vector<std::pair<std::string, double>> list;
  for (const auto& [name, components] : parts) {
    double pj = 0;
    for (const systemc::Component component : components) pj += energy[component];
    if (pj == 0 && optional(components.front())) continue;
    list.emplace_back(name, pj);
  }
  return list;
}

Json to_json(const Report& report) {
  const program::Manifest& manifest = report.program->manifest();
  std::uint64_t cells = 0;
  for (const CallEstimate& call : report.calls) cells += call.cells;
  const double capacity = static_cast<double>(manifest.num_tiles) * report.chip.rows * report.chip.cols;
  Json json = {{"report", "crossweave"},
               {"tool_version", report.tool_version},
               {"contract_hash", arch::kContractHashText},
               {"command_line", report.command_line},
               {"program", report.program->path()},
               {"model", manifest.model_name},
               {"chip", report.chip.name},
               {"weights", program::name(manifest.weight_mode)},
               {"calibration", manifest.calibration},
               {"tiles", manifest.num_tiles},
               {"tiles_lower_bound", manifest.tiles_lower_bound},
               {"cells", cells},
               {"utilisation", capacity > 0 ? static_cast<double>(cells) / capacity : 0.0}};
  for (const CallEstimate& call : report.calls) json["calls"].push_back(call_json(call, report.chip));
  json["tile_map"] = tile_map_json(*report.program, report.chip);
  if (report.estimate) {
    const StaticEstimate& estimate = *report.estimate;
    json["chip_estimate"] = {
        {"kind", "modelled"},
        {"method", "static estimate from the constants of the chip description; no contention simulated"},
        {"decode",
         {{"context", estimate.context},
          {"time", modelled(estimate.decode.time_ns, "ns")},
          {"energy", energy_json(estimate.decode.energy_pj)}}},
        {"prefill",
         {{"tokens", estimate.prefill_tokens},
          {"time", modelled(estimate.prefill_total.time_ns, "ns")},
          {"bottleneck", estimate.prefill_bottleneck},
          {"energy", energy_json(estimate.prefill_total.energy_pj)}}},
        {"digital", digital_json(estimate.digital)},
        {"constants", sources_json(report.chip)}};
  }
  if (report.simulation) json["chip_simulation"] = to_json(*report.simulation, report.estimate);
  if (report.simulation && report.simulation->decode && report.simulation->prefill) {
    const ChipSection& section = *report.simulation;
    json["roofline"] =
        roofline_json(section.plan, report.chip, {{"decode", &*section.decode}, {"prefill", &*section.prefill}});
  }
  if (report.calibration) json["chip_calibration"] = to_json(*report.calibration);
  if (report.run) json["run"] = run_json(*report.run);
  return json;
}

}  // namespace xw::report
