// Shared command-line options and their parser.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/app/options.hpp"

#include <iostream>

namespace xw::app {

namespace po = boost::program_options;

po::options_description compile_options(CompileFlags& flags) {
  po::options_description options("Compilation");
  auto add = options.add_options();
  add("chip", po::value(&flags.chip)->default_value(flags.chip), "chip description: built-in name or TOML file");
  add("emulator", po::value(&flags.emulator), "emulator description (default: the chip's)");
  add("weights", po::value(&flags.weights)->default_value(flags.weights),
      "weight targets: analog (continuous), w8, w4");
  add("lm-head", po::value(&flags.lm_head)->default_value(flags.lm_head),
      "where the output layer runs: analog or digital");
  add("digital", po::value(&flags.digital)->composing(),
      "keep these linear layers digital (name or pattern, e.g. '*.down_proj'); repeatable");
  add("lambda", po::value(&flags.lambda),
      "ADC full scale in units of input range x w_max: a number for all layers, or auto: per layer, from data "
      "(default: auto, or the chip's when the checkpoint stores its input ranges)");
  add("ranges", po::value(&flags.ranges),
      "input ranges: mse, percentile:P, std:K, max, or fixed:BETA without data (default: from the checkpoint if stored "
      "there, else mse)");
  add("calibration-text", po::value(&flags.calibration_text), "text file for calibration (default: a built-in text)");
  add("calibration-tokens", po::value(&flags.calibration_tokens)->default_value(flags.calibration_tokens),
      "tokens of it to use");
  add("tokenizer", po::value(&flags.tokenizer), "tokenizer file (default: found in or beside the checkpoint)");
  return options;
}

po::options_description run_options(RunFlags& flags) {
  po::options_description options("Execution");
  auto add = options.add_options();
  add("mode", po::value(&flags.mode),
      "analog (a program on a device), fp32, digital-w8a8, digital-w4a8 (references); default: analog for a program, "
      "fp32 for a checkpoint");
  add("device", po::value(&flags.device)->default_value(flags.device), "device that executes the program: functional");
  add("noise", po::value(&flags.noise),
      "programming model of the chip instance: ideal, gaussian, pcm-afm (default: the chip's)");
  add("chip-seed", po::value(&flags.chip_seed)->default_value(flags.chip_seed),
      "which chip instance: seed of all its noise");
  add("gamma", po::value(&flags.gamma), "gaussian: standard deviation in units of w_max");
  add("read-sigma", po::value(&flags.read_sigma),
      "read noise: standard deviation in units of input range x w_max (0: off)");
  return options;
}

std::optional<po::variables_map> parse_command_line(const char* command, const std::vector<std::string>& arguments,
                                                    const po::options_description& options, const char* positional,
                                                    const char* usage, const char* examples) {
  po::options_description all;
  all.add(options);
  po::options_description general("General");
  general.add_options()("help,h", "this text");
  all.add(general);
  po::positional_options_description places;
  if (positional != nullptr) places.add(positional, 1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(places)
                  .style(po::command_line_style::unix_style ^ po::command_line_style::allow_guessing)
                  .run(),
              values);
    if (values.count("help") != 0) {
      std::cout << "Usage: crossweave " << command << ' ' << usage << "\n" << all << "\nExamples:\n" << examples;
      return std::nullopt;
    }
    po::notify(values);
  } catch (const po::error& error) {
    throw Error(ErrorCode::kInvalidArgument, std::string(error.what()) + " (see `crossweave " + command + " --help`)");
  }
  return values;
}

}  // namespace xw::app
