// `crossweave report`: tiles, conversions, chip time and energy (modelled, simulated), and a short measured run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "compiler/ir/graph.hpp"
#include "compiler/program/program_check.hpp"
#include "host/app/chip_runs.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "host/estimate/chip_plan.hpp"
#include "host/report/report.hpp"
#include "host/toolchain/version.hpp"
#include "models/calibration/default_text.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

report::HostShares shares(const transformer::HostTimes& times) {
  return {{"analog calls", times.calls}, {"attention", times.attention},   {"digital linear", times.digital_linear},
          {"norms", times.norm},         {"activation", times.activation}, {"embedding", times.embedding},
          {"other", times.other}};
}

/// A decoded token and a prompt on the chip that the program was compiled for. What the chip or this build lacks for it is
/// told in the section, the rest of the report needs neither.
report::ChipSection simulate(const report::Report& report, std::uint32_t context, std::uint32_t prefill) {
  report::ChipSection section;
  const program::Program& program = *report.program;
  try {
    section.plan = estimate::make_chip_plan(program, ir::parse(program.graph_text(), program.path() + ": graph"));
    section.decode = run_on_chip(section.plan, report.chip, report::decode_workload(context));
    section.prefill = run_on_chip(section.plan, report.chip, report::prefill_workload(prefill));
  } catch (const Error& error) {
    const ErrorCode code = error.code();
    if (code != ErrorCode::kUnsupported && code != ErrorCode::kInvalidArgument && code != ErrorCode::kCapacity) throw;
    section.decode.reset();
    section.absent = error.what();
  }
  return section;
}

/// Prefill of `prompt` and `decode` greedy tokens, with the counters of both phases apart.
report::MeasuredRun measure(toolchain::OpenedModel& opened, const std::vector<std::int32_t>& prompt,
                            std::uint32_t decode) {
  using Clock = std::chrono::steady_clock;
  report::MeasuredRun run;
  runtime::ChipInstance& chip = *opened.chip();
  run.description = opened.describe();
  run.options = chip.options();
  run.threads = opened.pool().num_threads();
  if (const device::DeviceInfo& info = chip.device().info(); info.cycle_accurate) run.cycle_accurate = info.emulator;
  run.chip_time = chip.device().info().chip_time;
  run.programming_seconds = chip.programming_seconds();
  transformer::Session session(opened.model());
  chip.reset_stats();
  auto start = Clock::now();
  std::vector<float> logits = session.forward(prompt, transformer::LogitsOf::kLast);
  run.prefill = {static_cast<std::uint32_t>(prompt.size()), std::chrono::duration<double>(Clock::now() - start).count(),
                 chip.stats()};
  chip.reset_stats();
  start = Clock::now();
  for (std::uint32_t i = 0; i < decode; ++i) {
    const auto best = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    logits = session.forward({&best, 1}, transformer::LogitsOf::kLast);
  }
  run.decode = {decode, std::chrono::duration<double>(Clock::now() - start).count(), chip.stats()};
  run.host = shares(session.times());
  return run;
}

}  // namespace

int report_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  std::string prompt;
  std::filesystem::path json;
  std::uint32_t context = 512;
  std::uint32_t prefill = 64;
  std::uint32_t decode = 16;
  unsigned threads = 0;
  po::options_description options("Report");
  options.add_options()("program", po::value(&model), "program file")(
      "context", po::value(&context)->default_value(context),
      "context length of the decoded token, its own position included")(
      "prefill-tokens", po::value(&prefill)->default_value(prefill),
      "prompt length of the estimate, the simulation and the measured run")(
      "decode-tokens", po::value(&decode)->default_value(decode), "tokens of the measured run")(
      "prompt", po::value(&prompt), "text of the measured run (default: a built-in text)")("static", "no measured run")(
      "layers", "every call in a row of its own");
  options.add(thread_options(threads)).add(json_options(json));
  options.add(run_options(run));
  const auto values =
      parse_command_line("report", arguments, options, "program", "PROGRAM [options]",
                         "  crossweave report smollm2.xwp\n"
                         "  crossweave report smollm2.xwp --static --context 2048 --json=report.json\n"
                         "  crossweave report smollm2.xwp --noise pcm-afm --chip-seed 3 --prompt \"Hello\"\n");
  if (!values) return 0;
  if (model.empty())
    throw Error(ErrorCode::kInvalidArgument, "report: no program given (see `crossweave report --help`)");
  if (context == 0 || prefill == 0)
    throw Error(ErrorCode::kInvalidArgument, "report: --context and --prefill-tokens must be at least 1");
  report::Report report;
  if (values->count("static") != 0) {
    const auto program = program::Program::open(model);
    program::check_program(*program);
    report = report::make_report(program, context, prefill);
    report.simulation = simulate(report, context, prefill);
  } else {
    run.mode = toolchain::Mode::kAnalog;
    const SimulationProgress progress(run);
    toolchain::OpenedModel opened(model, run, {}, threads);
    if (opened.program() == nullptr) throw Error(ErrorCode::kInvalidArgument, model.string() + ": not a program");
    std::vector<std::int32_t> tokens =
        opened.tokenizer().encode(prompt.empty() ? std::string(calibration::default_text()) : prompt, true, false);
    if (tokens.size() > prefill && values->count("prompt") == 0) tokens.resize(prefill);
    if (tokens.empty()) throw Error(ErrorCode::kInvalidArgument, "report: the prompt has no tokens");
    const auto prompt_tokens = static_cast<std::uint32_t>(tokens.size());
    report = report::make_report(opened.program(), context, prompt_tokens);
    report.simulation = simulate(report, context, prompt_tokens);
    report.run = measure(opened, tokens, decode);
  }
  report.tool_version = toolchain::kVersion;
  report.command_line = "crossweave report";
  for (const std::string& argument : arguments) report.command_line += " " + argument;
  if (json != "-") report::print_text(report, std::cout, values->count("layers") != 0);
  if (!json.empty()) write_json(json, report::to_json(report).dump(2) + "\n");
  return 0;
}

}  // namespace xw::app
