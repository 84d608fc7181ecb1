// `crossweave plan`: every way to put a model on a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <boost/make_shared.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "arch/support/printable.hpp"
#include "host/app/options.hpp"
#include "host/toolchain/plan/open.hpp"
#include "host/toolchain/plan/report.hpp"

namespace xw::app {

namespace po = boost::program_options;

int plan_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model, csv, sensitivity;
  ResultFiles files;
  toolchain::CompileOptions compile;  // the part that a plan shares with it
  toolchain::PlanOptions plan;
  std::string objective = name(plan.objective);
  po::options_description options("Planning");
  auto add = options.add_options();
  add("model", path_value(model, "MODEL"),
      "checkpoint, or a config.json (or its folder) without weights: only shapes are looked at");
  add("objective", po::value(&objective)->default_value(objective),
      "what the best plan is best in: latency, energy, tiles, quality");
  add("context", po::value(&plan.context)->default_value(plan.context),
      "positions of the token whose time and energy are told");
  add("prompt-tokens", po::value(&plan.prompt_tokens)->default_value(plan.prompt_tokens),
      "length of the prompt whose time per token is told");
  add("batch", po::value(&plan.batch)->default_value(plan.batch),
      "tokens that are computed each time tiles are written anew");
  add("sensitivity", path_value(sensitivity, "--sensitivity"),
      "JSON of `crossweave sensitivity`: what plans are expected to lose, and which layers become digital first");
  add("csv", path_value(csv, "--csv"), "also a table to this file, comma-separated");
  po::options_description shared("As for compile");
  const po::options_description all = compile_options(compile);
  for (const char* option : {"chip", "emulator", "lm-head", "digital", "replicate", "row-cuts"})
    shared.add(boost::make_shared<po::option_description>(all.find(option, false)));
  options.add(result_options(files)).add(shared);
  const auto values = parse_command_line(
      "plan", arguments, options, "model", "MODEL --chip CHIP [options]",
      "  crossweave plan SmolLM2-135M-Instruct.Q4_1.gguf --chip hermes64-1p --html plans.html\n"
      "  crossweave plan Llama-3.2-1B/config.json --chip ibm34 --batch 64 --objective energy --json=plans.json\n"
      "  crossweave plan model.gguf --chip mine.toml --sensitivity losses.json --objective quality --csv plans.csv\n"
      "It always answers; only times and energies of chips without constants are left out.\n");
  if (!values) return 0;
  if (model.empty()) throw Error(ErrorCode::kInvalidArgument, "plan: no model given (see `crossweave plan --help`)");
  plan.objective = toolchain::parse_plan_objective(objective);
  plan.lm_head_analog = compile.lm_head_analog;
  plan.digital = compile.digital;
  plan.replicas = compile.replicas;
  plan.row_cuts = compile.row_cuts;
  FileRoles roles;
  add_model_files(roles, model, compile, nullptr);
  if (!sensitivity.empty()) roles.add_input("--sensitivity", sensitivity);
  roles.add_output("--csv", csv, OutputKind::kText);
  files.add_to(roles);
  roles.check();
  if (!sensitivity.empty()) plan.losses = toolchain::parse_losses(read_text_file(sensitivity), sensitivity.string());
  const toolchain::PlanReport report = toolchain::plan_file(model, compile.chip, compile.emulator, plan);
  if (!csv.empty()) write_text_file(csv, toolchain::to_csv(report));
  write_result(files, {"plan", arguments, roles}, toolchain::to_json(report));
  if (files.json != "-") std::cout << printable_lines(toolchain::to_text(report));
  return 0;
}

}  // namespace xw::app
