// `crossweave simulate`: time and energy of tokens on the modelled chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/program_check.hpp"
#include "host/app/options.hpp"
#include "host/report/chip_csv.hpp"
#include "host/report/chip_run_text.hpp"
#include "host/report/chip_timeline.hpp"
#include "host/toolchain/chip_runs.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;
using report::ChipRun;
using systemc::ChipPlan;
using systemc::ChipWorkload;

struct SimulateFlags {
  std::filesystem::path program;
  ResultFiles files;
  std::string chip;
  ChipWorkload workload;
  std::uint32_t sweep = 0;  ///< longest context; 0: no sweep
  std::filesystem::path trace, csv;
  bool layers = false;
};

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
  options.add(result_options(flags.files));
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
                         "  crossweave simulate smollm2.xwp --prompt-tokens 4 --trace timeline.json --html run.html\n"
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
  flags.files.add_to(roles);
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
        write_result(flags.files, {"simulate", arguments, roles},
                     toolchain::chip_runs_json(*program, plan, chip, runs));
        if (flags.files.json != "-") report::write_chip_sweep(std::cout, plan, runs);
      }
      throw;
    }
  }
  write_files(flags, plan, chip, runs);
  write_result(flags.files, {"simulate", arguments, roles}, toolchain::chip_runs_json(*program, plan, chip, runs));
  if (flags.files.json == "-") return 0;
  if (flags.sweep != 0) {
    report::write_chip_sweep(std::cout, plan, runs);
  } else {
    report::write_chip_run(std::cout, plan, chip, runs.front(), flags.layers);
  }
  return 0;
}

}  // namespace xw::app
