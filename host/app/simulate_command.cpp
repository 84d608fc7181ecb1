// `crossweave simulate`: time and energy of tokens on the modelled chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/program_check.hpp"
#include "host/app/options.hpp"
#include "host/report/chip_csv.hpp"
#include "host/report/chip_pace.hpp"
#include "host/report/chip_timeline.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/chip_runs.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;
using report::ChipRun;
using systemc::ChipPlan;
using systemc::ChipResult;
using systemc::ChipWorkload;
using systemc::Component;

struct SimulateFlags {
  std::filesystem::path program, json;
  std::string chip;
  ChipWorkload workload;
  std::uint32_t sweep = 0;  ///< longest context; 0: no sweep
  std::filesystem::path trace, csv;
  bool layers = false;
};

[[nodiscard]] std::string seconds(double ns) {
  return report::scaled(ns * 1e-9, "s");
}

void print_breakdown(const ChipResult& result) {
  std::printf("\n%-30s %12s %7s %12s %7s\n", "component", "time", "", "energy", "");
  const double time = result.critical_path_ns.total();
  const double energy = result.energy_pj.total();
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    const auto component = static_cast<Component>(c);
    const double ns = result.critical_path_ns[component];
    const double pj = result.energy_pj[component];
    if (ns == 0 && pj == 0) continue;
    std::printf("%-30s %12s %6.1f%% %12s %6.1f%%\n", std::string(systemc::name(component)).c_str(), seconds(ns).c_str(),
                100 * ns / time, report::scaled(pj * 1e-12, "J").c_str(), 100 * pj / energy);
  }
}

/// Whether the activations fit.
void print_buffer(const ChipResult& result) {
  const double peak = static_cast<double>(result.buffer_peak_bytes) * 1e-3;
  const double capacity = static_cast<double>(result.buffer_capacity_bytes) * 1e-3;
  if (result.buffer_capacity_bytes == 0) {
    std::printf("buffer      at most %.1f kB of activations at a time, no capacity described\n", peak);
  } else if (result.spilled_bytes == 0) {
    std::printf("buffer      at most %.1f of %.1f kB of activations at a time: they fit\n", peak, capacity);
  } else {
    std::printf("buffer      at most %.1f kB of activations at a time do not fit %.1f kB: %.1f kB to memory and back\n",
                peak, capacity, static_cast<double>(result.spilled_bytes) * 1e-3);
  }
}

void print_one(const ChipPlan& plan, const arch::ChipDescription& chip, const ChipRun& simulated, bool layers) {
  const ChipResult& result = simulated.result;
  const ChipWorkload& workload = simulated.workload;
  std::printf("simulated   %s, %u tiles%s; %u sequence%s from position %u, %u tokens of prompt, %u generated\n",
              chip.name.c_str(), plan.num_tiles,
              workload.digital_on_host ? ", without the digital side, which is on the host" : "",
              workload.num_sequences, workload.num_sequences == 1 ? "" : "s", workload.first_position,
              workload.prompt_tokens, workload.generated_tokens);
  const auto tokens = static_cast<double>(report::generated_tokens(workload));
  std::string time = seconds(result.total_ns), energy = report::scaled(result.energy_pj.total() * 1e-12, "J");
  if (tokens > 0) {  // a figure per generated token needs one
    time += ", " + report::scaled(tokens / result.total_ns * 1e9, "tokens/s") + " generated";
    energy += ", " + report::scaled(result.energy_pj.total() * 1e-12 / tokens, "J") + " per generated token";
  }
  std::printf("time        %s\n", time.c_str());
  const report::ChipPace pace = report::pace_of(workload, result);
  if (pace.first_token_ns) std::printf("pace        first token after %s", seconds(*pace.first_token_ns).c_str());
  if (pace.next_token_ns) std::printf(", then one every %s and sequence", seconds(*pace.next_token_ns).c_str());
  if (pace.first_token_ns) std::printf("\n");
  std::printf("energy      %s, %s\n", energy.c_str(),
              report::scaled(result.energy_pj.total() / result.total_ns * 1e-3, "W").c_str());
  std::printf("rate        %.3f TOPS, %.3f TOPS/W (2 operations per multiply-add)\n", report::tops(result),
              report::tops_per_watt(result));
  if (const double area = result.tiles_mm2 + result.digital_mm2; area > 0) {
    std::printf("area        %.2f mm2: tiles %.2f, digital %.2f\n", area, result.tiles_mm2, result.digital_mm2);
  }
  const report::ChipUtilisation busy = report::utilisation_of(result);
  std::printf("busy        tiles %.2f %% (mean), %.2f %% (most), digital units %.1f %%, memory %.1f %%\n",
              100 * busy.tiles_mean, 100 * busy.tiles_largest, 100 * busy.digital_units, 100 * busy.memory);
  std::printf("moved       %.1f kB over links, %.1f kB x hops\n", static_cast<double>(result.link_bytes) * 1e-3,
              static_cast<double>(result.hop_bytes) * 1e-3);
  if (!workload.digital_on_host) print_buffer(result);
  std::printf("measured    %s on this machine, %.1f million simulated ns/s\n", seconds(simulated.host_ms * 1e6).c_str(),
              result.total_ns / simulated.host_ms * 1e-3);
  print_breakdown(result);
  if (!layers) return;
  std::printf("\n%-10s %12s %12s   %s\n", "layer", "time", "energy", "most time in");
  for (std::size_t layer = 0; layer < result.layers.size(); ++layer) {
    const systemc::Share& share = result.layers[layer];
    const std::string label = layer + 1 == result.layers.size() ? "output" : std::to_string(layer);
    std::printf("%-10s %12s %12s   %s\n", label.c_str(), seconds(share.critical_path_ns.total()).c_str(),
                report::scaled(share.energy_pj.total() * 1e-12, "J").c_str(),
                std::string(systemc::name(report::largest_of(share.critical_path_ns))).c_str());
  }
}

void print_sweep(const ChipPlan& plan, const std::vector<ChipRun>& sweep) {
  std::printf("%10s %12s %12s %12s %11s   %s\n", "context", "time/token", "tokens/s", "energy/token", "attention",
              "most time in");
  for (const ChipRun& point : sweep) {
    const ChipResult& result = point.result;
    std::printf("%10u %12s %12.0f %12s %10.1f%%   %s\n", point.workload.first_position + 1,
                seconds(result.total_ns).c_str(), 1e9 / result.total_ns,
                report::scaled(result.energy_pj.total() * 1e-12, "J").c_str(),
                100 * report::attention_ns(plan, result) / result.critical_path_ns.total(),
                std::string(systemc::name(report::largest_of(result.critical_path_ns))).c_str());
  }
}

[[nodiscard]] po::options_description simulate_options(SimulateFlags& flags) {
  po::options_description options("Simulation");
  auto add = options.add_options();
  add("program", path_value(flags.program, "PROGRAM"), "program (.xwp)");
  add("chip", po::value(&flags.chip), "chip description for the constants (default: the program's)");
  add("sequences", po::value(&flags.workload.num_sequences)->default_value(flags.workload.num_sequences),
      "sequences at the same time");
  add("position", po::value(&flags.workload.first_position)->default_value(flags.workload.first_position),
      "positions that are in the KV cache already");
  add("prompt-tokens", po::value(&flags.workload.prompt_tokens)->default_value(flags.workload.prompt_tokens),
      "tokens of prompt per sequence, pipelined over the layers");
  add("tokens", po::value(&flags.workload.generated_tokens)->default_value(flags.workload.generated_tokens),
      "tokens to generate per sequence, one after another");
  add("sweep", po::value(&flags.sweep),
      "instead: one token at contexts 1, 2, 4, ... up to this length, to see when attention takes over");
  add("digital-on-host", po::bool_switch(&flags.workload.digital_on_host),
      "only the chip's part of the tokens: digital steps take no time, inputs and outputs of calls cross the link to "
      "the "
      "host");
  add("layers", po::bool_switch(&flags.layers), "also a table by layer");
  add("trace", path_value(flags.trace, "--trace"),
      "also a timeline to this file, in the Chrome trace format (Perfetto): tiles, links, digital units, memory, "
      "tokens");
  add("csv", path_value(flags.csv, "--csv"),
      "also a table to this file, comma-separated: a line per step, with --sweep a line per context");
  options.add(json_options(flags.json));
  return options;
}

void write_files(const SimulateFlags& flags, const ChipPlan& plan, const arch::ChipDescription& chip,
                 const std::vector<ChipRun>& runs) {
  if (!flags.trace.empty()) {
    OutputFile file(flags.trace);
    report::write_timeline(plan, runs.front().result, chip.name, [&](std::string_view text) { file.write(text); });
    file.commit();
  }
  if (flags.csv.empty()) return;
  if (flags.sweep == 0) {
    write_text_file(flags.csv, report::steps_csv(plan, runs.front().result));
    return;
  }
  write_text_file(flags.csv, report::runs_csv(plan, runs));
}

}  // namespace

int simulate_main(const std::vector<std::string>& arguments) {
  SimulateFlags flags;
  const auto values =
      parse_command_line("simulate", arguments, simulate_options(flags), "program", "PROGRAM [options]",
                         "  crossweave simulate smollm2.xwp --position 511 --layers\n"
                         "  crossweave simulate smollm2.xwp --sequences 8 --prompt-tokens 64 --tokens 32\n"
                         "  crossweave simulate smollm2.xwp --sweep 2048 --csv sweep.csv\n"
                         "  crossweave simulate smollm2.xwp --prompt-tokens 4 --trace timeline.json\n"
                         "Only time and energy, no values: `crossweave run PROGRAM --device systemc:chip` has both.\n");
  if (!values) return 0;
  if (flags.program.empty()) throw Error(ErrorCode::kInvalidArgument, "no program given: name a program (.xwp)");
  if (!flags.trace.empty() && flags.sweep != 0) {
    throw Error(ErrorCode::kInvalidArgument, "--trace cannot apply: --sweep is several simulations, a timeline is one");
  }
  if (values->count("sweep") != 0) {
    if (flags.sweep == 0)
      throw Error(ErrorCode::kInvalidArgument, "--sweep: expected a context length from 1 on, found 0");
    for (const char* option : {"tokens", "prompt-tokens", "position", "layers"}) {
      if (!(*values)[option].defaulted()) {
        throw Error(ErrorCode::kInvalidArgument,
                    "--" + std::string(option) + " cannot apply: --sweep is one token at each context");
      }
    }
  }
  FileRoles roles;
  roles.add_input("the program", flags.program);
  add_description(roles, "--chip", flags.chip);
  roles.add_output("--trace", flags.trace, OutputKind::kText);
  roles.add_output("--csv", flags.csv, OutputKind::kText);
  roles.add_output("--json", flags.json, OutputKind::kText);
  roles.check();
  const auto program = program::Program::open(flags.program);
  program::check_program(*program);
  const arch::ChipDescription chip = toolchain::chip_for(*program, flags.chip);
  toolchain::refuse_beyond_context(*program, flags.workload, flags.sweep);
  const ChipPlan plan = toolchain::chip_plan_of(*program);
  std::vector<ChipRun> runs;
  if (flags.sweep == 0) {
    runs.push_back(toolchain::run_on_chip(plan, chip, flags.workload, !flags.trace.empty()));
  } else {
    try {
      toolchain::sweep_contexts(plan, chip, flags.workload, flags.sweep, runs);
    } catch (const Error& error) {  // Ctrl-C keeps the contexts that are finished
      if (error.code() == ErrorCode::kInterrupted && !runs.empty()) {
        write_files(flags, plan, chip, runs);
        write_json(flags.json, toolchain::chip_runs_json(*program, plan, chip, runs));
        if (flags.json != "-") print_sweep(plan, runs);
      }
      throw;
    }
  }
  write_files(flags, plan, chip, runs);
  write_json(flags.json, toolchain::chip_runs_json(*program, plan, chip, runs));
  if (flags.json == "-") return 0;
  if (flags.sweep != 0) {
    print_sweep(plan, runs);
  } else {
    print_one(plan, chip, runs.front(), flags.layers);
  }
  return 0;
}

}  // namespace xw::app
