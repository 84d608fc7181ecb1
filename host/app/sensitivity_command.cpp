// `crossweave sensitivity`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"
#include "arch/support/printable.hpp"
#include "host/app/options.hpp"
#include "host/toolchain/sensitivity/report.hpp"
#include "host/toolchain/sensitivity/sensitivity.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;

std::vector<toolchain::SensitivityBy> parse_groupings(const std::string& words) {
  std::vector<toolchain::SensitivityBy> by;
  std::istringstream stream(words);
  for (std::string word; std::getline(stream, word, ',');) {
    const toolchain::SensitivityBy one = toolchain::parse_sensitivity_by(word);
    if (std::find(by.begin(), by.end(), one) == by.end()) by.push_back(one);
  }
  if (by.empty()) throw Error(ErrorCode::kInvalidArgument, "--by: expected call, layer or kind, found nothing");
  return by;
}

}  // namespace

int sensitivity_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model, text, csv;
  ResultFiles files;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  toolchain::SensitivityPlan plan;
  std::uint32_t chip_seeds = 1;
  std::string by, times;
  unsigned threads = 0;
  bool no_regained = false;
  po::options_description options("Sensitivity");
  auto add = options.add_options();
  add("model", path_value(model, "MODEL"), "program or checkpoint");
  add("text", path_value(text, "--text"), "text file whose perplexity is measured");
  add("tokens", po::value(&plan.perplexity.max_tokens)->default_value(4096), "first tokens of the text (0: all)");
  add("context", po::value(&plan.perplexity.context)->default_value(512), "tokens of a window");
  add("by", po::value(&by)->default_value("kind,layer"),
      "what is looked at as one, separated by commas: call (layers that read one value), layer, kind");
  add("alone-only", po::bool_switch(&no_regained), "leave out what taking each part off the chip would regain");
  add("chip-seeds", po::value(&chip_seeds)->default_value(1), "chip instances: seeds --chip-seed, +1, ...");
  add("times", po::value(&times),
      "times since programming at which every chip is measured, e.g. 0,1h,1d,30d,1y: programmed once, then aged");
  add("csv", path_value(csv, "--csv"), "file for a table with a line per time and group");
  options.add(thread_options(threads)).add(result_options(files));
  options.add(run_options(run)).add(compile_options(compile));
  const auto values = parse_command_line(
      "sensitivity", arguments, options, "model", "MODEL --text FILE [options]",
      "  crossweave sensitivity smollm2.xwp --text my.txt --noise pcm-afm --chip-seeds 3 --json=losses.json\n"
      "  crossweave sensitivity smollm2.xwp --text my.txt --noise pcm-hermes --times 0,1d,1y --csv ages.csv\n"
      "  crossweave sensitivity smollm2.xwp --text my.txt --by call --alone-only --csv calls.csv\n");
  if (!values) return 0;
  if (text.empty()) throw Error(ErrorCode::kInvalidArgument, "sensitivity: give --text");
  plan.by = parse_groupings(by);
  plan.spared = !no_regained;
  if (plan.perplexity.context < 2)
    throw Error(ErrorCode::kInvalidArgument,
                "--context: expected at least 2 tokens, found " + std::to_string(plan.perplexity.context));
  const toolchain::ChipSeeds seeds{run.chip.chip_seed, chip_seeds};
  toolchain::check(seeds);
  plan.times = times_of(*values, times);
  run.mode = run.mode.value_or(toolchain::Mode::kAnalog);
  FileRoles roles;
  add_model_files(roles, model, compile, &run);
  roles.add_input("--text", text);
  files.add_to(roles);
  roles.add_output("--csv", csv, OutputKind::kText);
  roles.check();
  plan.text = read_text_file(text);
  toolchain::OpenedModel opened(model, run, compile, threads);
  refuse_unused(*values, opened, run_options(run), compile_options(compile));
  const std::string chip = opened.describe();  // before it has become as old as the last of several times
  nlohmann::ordered_json about;
  if (files.any()) about = Asked{"sensitivity", arguments, roles}.about();
  const toolchain::SensitivityRun measured =
      toolchain::measure_sensitivity(opened, plan, seeds, {model, files.json, about});
  files.write_page(measured.json);
  if (!csv.empty()) write_text_file(csv, toolchain::to_csv(measured.result));
  if (files.json == "-") {
    std::cout << json_text(measured.json, 2) << '\n';
  } else {
    std::cout << printable(chip) << '\n' << printable_lines(toolchain::to_text(measured.result));
  }
  return 0;
}

}  // namespace xw::app
