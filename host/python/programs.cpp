// Programs in Python: what the commands compile, adapt, inspect, simulate, report and plan do.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "arch/support/file.hpp"
#include "arch/support/file_roles.hpp"
#include "compiler/program/program_check.hpp"
#include "host/python/bindings.hpp"
#include "host/python/long_call.hpp"
#include "host/report/chip_timeline.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/adapt/adapt_json.hpp"
#include "host/toolchain/chip_runs.hpp"
#include "host/toolchain/compile.hpp"
#include "host/toolchain/plan/open.hpp"
#include "host/toolchain/plan/report.hpp"
#include "host/toolchain/program_json.hpp"
#include "host/toolchain/program_report.hpp"
#include "host/toolchain/settings.hpp"
#include "host/toolchain/temporary_file.hpp"

namespace xw::python {
namespace {

namespace py = pybind11;
using Path = std::filesystem::path;

/// What a compilation reads and writes, compared before it does.
void check_files(const Path& model, const toolchain::CompileOptions& compile, const Path& output, OutputKind kind) {
  FileRoles roles;
  roles.add_input("the model", model);
  roles.add_input("adapter", compile.adapter);
  roles.add_input("tokenizer", compile.tokenizer);
  roles.add_input("calibration_text", compile.calibration.text);
  roles.add_output("output", output, kind);
  roles.check();
}

std::string compile(const Path& model, const Settings& settings, const Path& output, unsigned threads) {
  const auto options = with_settings<toolchain::CompileOptions>(settings);
  check_files(model, options, output, OutputKind::kProgram);
  return long_call([&] {
    ThreadPool pool(threads);
    return text_of(toolchain::compile_json(toolchain::compile_checkpoint(model, options, output, pool), output));
  });
}

std::string adapt(const Path& model, const Settings& settings, const std::string& level, const std::string& noise,
                  std::optional<std::uint32_t> rank, std::optional<std::uint32_t> tokens, const Path& output,
                  unsigned threads) {
  const auto options = with_settings<toolchain::CompileOptions>(settings);
  toolchain::AdaptOptions adaptation;
  adaptation.passes = toolchain::adapt_level(level);
  if (rank) adaptation.passes.rank = *rank;
  if (tokens) adaptation.tokens = *tokens;
  adaptation.noise = noise;
  adaptation.text = options.calibration.text;
  check_files(model, options, output, OutputKind::kCheckpoint);
  return long_call([&] {
    ThreadPool pool(threads);
    return text_of(
        toolchain::adapt_json(toolchain::adapt_checkpoint(model, options, adaptation, output, pool), output));
  });
}

std::string inspect(const Path& file) {
  return long_call([&] { return text_of(toolchain::program_json(*program::Program::open(file))); });
}

/// `sweep`: 0, or the longest context of one token at each; then what was done before Ctrl-C is not kept.
std::string simulate(const Path& file, const std::string& chip_name, const systemc::ChipWorkload& workload,
                     std::uint32_t sweep, const Path& trace) {
  FileRoles roles;
  roles.add_input("the program", file);
  roles.add_output("trace", trace, OutputKind::kText);
  roles.check();
  return long_call([&] {
    const auto program = program::Program::open(file);
    program::check_program(*program);
    const arch::ChipDescription chip = toolchain::chip_for(*program, chip_name);
    toolchain::refuse_beyond_context(*program, workload, sweep);
    const systemc::ChipPlan plan = toolchain::chip_plan_of(*program);
    std::vector<report::ChipRun> runs;
    if (sweep != 0) {
      toolchain::sweep_contexts(plan, chip, workload, sweep, runs);
    } else {
      runs.push_back(toolchain::run_on_chip(plan, chip, workload, !trace.empty()));
    }
    if (!trace.empty()) {
      OutputFile out(trace);
      report::write_timeline(plan, runs.front().result, chip.name, [&](std::string_view text) { out.write(text); });
      out.commit();
    }
    return text_of(toolchain::chip_runs_json(*program, plan, chip, runs));
  });
}

systemc::ChipWorkload workload_of(std::uint32_t sequences, std::uint32_t position, std::uint32_t prompt_tokens,
                                  std::uint32_t tokens, bool digital_on_host) {
  systemc::ChipWorkload workload;
  workload.num_sequences = sequences;
  workload.first_position = position;
  workload.prompt_tokens = prompt_tokens;
  workload.generated_tokens = tokens;
  workload.digital_on_host = digital_on_host;
  return workload;
}

std::string report(const Path& file, std::optional<std::uint32_t> context, std::optional<std::uint32_t> prefill) {
  toolchain::ReportOptions options;
  options.context = context;
  options.prefill_tokens = prefill;
  return long_call([&] {
    report::Report result = toolchain::static_report(program::Program::open(file), options);
    result.command_line = "crossweave.Program.report";
    return text_of(report::to_json(result));
  });
}

std::string plan(const Path& model, const Settings& settings, const std::string& objective, std::uint32_t context,
                 std::uint32_t prompt_tokens, std::uint32_t batch, const Path& sensitivity) {
  const auto compile = with_settings<toolchain::CompileOptions>(settings);
  toolchain::PlanOptions options;
  options.objective = toolchain::parse_plan_objective(objective);
  options.lm_head_analog = compile.lm_head_analog;
  options.digital = compile.digital;
  options.replicas = compile.replicas;
  options.row_cuts = compile.row_cuts;
  options.context = context;
  options.prompt_tokens = prompt_tokens;
  options.batch = batch;
  return long_call([&] {
    if (!sensitivity.empty())
      options.losses = toolchain::parse_losses(read_text_file(sensitivity), sensitivity.string());
    return text_of(toolchain::to_json(toolchain::plan_file(model, compile.chip, compile.emulator, options)));
  });
}

}  // namespace

void bind_programs(py::module_& module) {
  py::class_<toolchain::TemporaryFile>(module, "TemporaryFile")
      .def(py::init<const std::string&, const std::string&>(), py::arg("stem"), py::arg("name"))
      .def("remove", &toolchain::TemporaryFile::remove)
      .def_property_readonly("path", &toolchain::TemporaryFile::path);
  module.def("compile", compile, py::arg("model"), py::arg("settings"), py::arg("output"), py::arg("threads"));
  module.def("adapt", adapt, py::arg("model"), py::arg("settings"), py::arg("level"), py::arg("noise"), py::arg("rank"),
             py::arg("tokens"), py::arg("output"), py::arg("threads"));
  module.def("inspect", inspect, py::arg("program"));
  module.def(
      "simulate",
      [](const Path& file, const std::string& chip, std::uint32_t sequences, std::uint32_t position,
         std::uint32_t prompt_tokens, std::uint32_t tokens, bool digital_on_host, std::uint32_t sweep,
         const Path& trace) {
        return simulate(file, chip, workload_of(sequences, position, prompt_tokens, tokens, digital_on_host), sweep,
                        trace);
      },
      py::arg("program"), py::arg("chip"), py::arg("sequences"), py::arg("position"), py::arg("prompt_tokens"),
      py::arg("tokens"), py::arg("digital_on_host"), py::arg("sweep"), py::arg("trace"));
  module.def("report", report, py::arg("program"), py::arg("context"), py::arg("prefill_tokens"));
  module.def("plan", plan, py::arg("model"), py::arg("settings"), py::arg("objective"), py::arg("context"),
             py::arg("prompt_tokens"), py::arg("batch"), py::arg("sensitivity"));
}

}  // namespace xw::python
