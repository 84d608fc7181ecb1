// `crossweave report`: tiles, conversions, chip time and energy (modelled, simulated), and a short measured run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/toolchain/program_report.hpp"
#include "models/cells/compensation.hpp"

namespace xw::app {

namespace po = boost::program_options;

namespace {

po::typed_value<std::uint32_t>* count(std::optional<std::uint32_t>& value) {
  return po::value<std::uint32_t>()->notifier([&value](std::uint32_t given) { value = given; });
}

}  // namespace

int report_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::ReportOptions what;
  ResultFiles files;
  unsigned threads = 0;
  po::options_description options("Report");
  options.add_options()("program", path_value(model, "PROGRAM"), "program file")(
      "context", count(what.context),
      "context length of the decoded token, its own position included (default: 512, or the model's context)")(
      "prefill-tokens", count(what.prefill_tokens),
      "prompt length of the estimate, the simulation and the measured run (default: 64, or the model's context)")(
      "decode-tokens", po::value(&what.decode_tokens)->default_value(what.decode_tokens), "tokens of the measured run")(
      "prompt", po::value(&what.prompt), "text of the measured run (default: a built-in text)")(
      "static", "no measured run")("layers", "every call in a row of its own");
  options.add(thread_options(threads)).add(result_options(files));
  options.add(run_options(run));
  const auto values =
      parse_command_line("report", arguments, options, "program", "PROGRAM [options]",
                         "  crossweave report smollm2.xwp\n"
                         "  crossweave report smollm2.xwp --static --context 2048 --json=report.json\n"
                         "  crossweave report smollm2.xwp --html report.html\n"
                         "  crossweave report smollm2.xwp --static --compensation column --recalibrate every:1h\n"
                         "  crossweave report smollm2.xwp --noise pcm-afm --chip-seed 3 --prompt \"Hello\"\n");
  if (!values) return 0;
  if (model.empty())
    throw Error(ErrorCode::kInvalidArgument, "report: no program given (see `crossweave report --help`)");
  toolchain::check(what);
  FileRoles roles;
  roles.add_input("the program", model);
  add_device_outputs(roles, run.device);
  files.add_to(roles);
  roles.check();
  report::Report report;
  if (values->count("static") != 0) {
    report = toolchain::static_report(program::Program::open(model), what);
  } else {
    run.mode = toolchain::Mode::kAnalog;
    const SimulationProgress progress(run);
    toolchain::OpenedModel opened(model, run, {}, threads);
    report = toolchain::measured_report(opened, what);
  }
  const cells::Compensation compensation = cells::parse_compensation(run.chip.compensation);
  if (compensation.kind != cells::CompensationKind::kNone && report.estimate) {
    report.calibration =
        report::make_calibration_section(report.calls, compensation.text(), compensation.vectors, run.chip.recalibrate);
  }
  report.command_line = "crossweave report";
  for (const std::string& argument : arguments) report.command_line += " " + argument;
  if (files.json != "-") report::print_text(report, std::cout, values->count("layers") != 0);
  write_result(files, {"report", arguments, roles}, report::to_json(report));
  return 0;
}

}  // namespace xw::app
