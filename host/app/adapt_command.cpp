// `crossweave adapt`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/app/options.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/adapt/adapt_json.hpp"
#include "host/toolchain/adapt/adapt_text.hpp"
#include "host/toolchain/adapt/search.hpp"
#include "host/toolchain/compile.hpp"

namespace xw::app {

namespace po = boost::program_options;

int adapt_main(const std::vector<std::string>& arguments) {
  toolchain::CompileOptions compile;
  toolchain::AdaptOptions adapt;
  std::filesystem::path model;
  std::filesystem::path output;
  std::filesystem::path json_path;
  std::string level = "clip";
  unsigned threads = 0;
  po::options_description options("Adaptation");
  auto add = options.add_options();
  add("model", path_value(model, "CHECKPOINT"), "checkpoint: directory or file (safetensors, GGUF, llama2.c)");
  add("output,o", path_value(output, "-o"), "adapted checkpoint to write (.safetensors)");
  add("level", po::value(&level)->default_value(level),
      ("what may be done, each with all before it: " + toolchain::adapt_level_help()).c_str());
  add("rank", po::value<std::uint32_t>(), "directions of every input that are taken digitally (default: the level's)");
  bool sort_rows = false;
  add("sort-rows", po::bool_switch(&sort_rows),
      "first put the model's features into the order in which rows of large weights share blocks: exact, and free at "
      "run time");
  add("noise", po::value(&adapt.noise), "cell model that is adapted to (default: the chip's)");
  add("calibration-text", path_value(adapt.text, "--calibration-text"),
      "text file to adapt on, or a folder of `crossweave generate-data` (default: a built-in text)");
  add("calibration-tokens", po::value(&adapt.tokens)->default_value(adapt.tokens), "tokens of it to use");
  add("calibration-context", po::value(&adapt.context)->default_value(adapt.context),
      "tokens of it that the model reads as one sequence");
  add("ridge", po::value(&adapt.passes.ridge)->default_value(adapt.passes.ridge),
      "how little the data is trusted when clipped weights are made up for: over features / tokens");
  toolchain::AdaptSearch search;
  std::filesystem::path sensitivity;
  double digital_percent = 100 * search.digital_macs;
  add("digital-macs", po::value(&digital_percent),
      "budget: directions are given to the layers that need them most, up to this percentage of the chip's "
      "multiply-adds");
  add("extra-tiles", po::value(&search.extra_tiles),
      "budget: layers that need it most are put on the chip several times");
  add("sensitivity", path_value(sensitivity, "--sensitivity"),
      "what every call loses, of `crossweave sensitivity --by call --json` on a program of this model at level centre "
      "(default: measured, which takes minutes)");
  const po::options_description of_compile = compile_options(compile);
  for (const auto& option : of_compile.options()) {
    const std::string& name = option->long_name();
    if (name == "chip" || name == "lm-head" || name == "digital" || name == "replicate" || name == "tokenizer")
      options.add(option);
  }
  options.add(thread_options(threads)).add(json_options(json_path));
  const auto values = parse_command_line(
      "adapt", arguments, options, "model", "CHECKPOINT -o ADAPTED.safetensors [options]",
      "  crossweave adapt SmolLM2-135M-Instruct.Q4_1.gguf --chip afm-512 -o adapted.safetensors\n"
      "  crossweave compile adapted.safetensors -o smollm2.xwp\n"
      "  crossweave adapt model.gguf --digital-macs 6 --extra-tiles 100 -o adapted.safetensors\n"
      "  crossweave adapt Llama-3.2-1B/ --level fold --calibration-text my-domain.txt -o adapted.safetensors\n");
  if (!values) return 0;
  if (model.empty())
    throw Error(ErrorCode::kInvalidArgument, "adapt: no checkpoint given (see `crossweave adapt --help`)");
  if (output.empty()) throw Error(ErrorCode::kInvalidArgument, "adapt: no output given; use -o ADAPTED.safetensors");
  const double ridge = adapt.passes.ridge;
  adapt.passes = toolchain::adapt_level(level);
  adapt.passes.ridge = ridge;
  adapt.passes.sort_rows = sort_rows;
  if (values->contains("rank")) adapt.passes.rank = (*values)["rank"].as<std::uint32_t>();
  if (values->contains("digital-macs") || values->contains("extra-tiles")) {
    // Without a word about digital work there is none beside that of the extra tiles.
    search.digital_macs = values->contains("digital-macs") ? digital_percent / 100 : 0;
    if (!(search.digital_macs >= 0 && search.digital_macs <= 10) ||
        !(search.extra_tiles >= 0 && search.extra_tiles <= 1e9))
      throw Error(ErrorCode::kInvalidArgument,
                  "adapt: budgets: expected 0 to 1000 % of multiply-adds and 0 to 1e9 tiles");
    if (!adapt.passes.centre)
      throw Error(ErrorCode::kInvalidArgument,
                  "adapt: budgets are spent at the levels centre, bypass and clip, not at " + level);
    if (values->contains("rank"))
      throw Error(ErrorCode::kInvalidArgument, "adapt: --rank is for all layers alike; with budgets each has its own");
    if (!sensitivity.empty()) search.losses = toolchain::read_losses(sensitivity);
    adapt.search = search;
  } else if (!sensitivity.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "adapt: --sensitivity is of use with --digital-macs or --extra-tiles only");
  }
  compile.calibration.text = adapt.text;
  FileRoles roles;
  add_model_files(roles, model, compile, nullptr);
  roles.add_input("--sensitivity", sensitivity);
  roles.add_output("-o", output, OutputKind::kCheckpoint);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  ThreadPool pool(threads);
  const toolchain::AdaptSummary summary = toolchain::adapt_checkpoint(model, compile, adapt, output, pool);
  if (json_path != "-") toolchain::write_adapt_text(std::cout, summary, output);
  write_json(json_path, {"adapt", arguments, roles}, toolchain::adapt_json(summary, output));
  return 0;
}

}  // namespace xw::app
