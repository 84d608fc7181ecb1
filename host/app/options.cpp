// Shared command-line options and their parser.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/app/options.hpp"

#include <algorithm>
#include <iostream>

#include "arch/support/file.hpp"
#include "host/backends/registry/devices.hpp"
#include "models/cells/cell_model.hpp"

namespace xw::app {

namespace po = boost::program_options;

namespace {

/// The value of an option as parse(text) gives it.
template <typename T, typename Parse>
po::typed_value<std::string>* parsed(T& value, Parse parse) {
  return po::value<std::string>()->notifier([&value, parse](const std::string& text) { value = parse(text); });
}

bool is_analog(const std::string& text) {
  if (text != "analog" && text != "digital")
    throw Error(ErrorCode::kInvalidArgument, "--lm-head: expected analog or digital, found '" + text + "'");
  return text == "analog";
}

}  // namespace

po::options_description compile_options(toolchain::CompileOptions& compile) {
  toolchain::CalibrationOptions& calibration = compile.calibration;
  po::options_description options("Compilation");
  auto add = options.add_options();
  add("chip", po::value(&compile.chip)->default_value(compile.chip), "chip description: built-in name or TOML file");
  add("emulator", po::value(&compile.emulator), "emulator description (default: the chip's)");
  add("weights", parsed(compile.weights, program::weight_mode_from)->default_value(program::name(compile.weights)),
      "weight targets: analog (continuous), w8, w4");
  add("lm-head",
      parsed(compile.lm_head_analog, is_analog)->default_value(compile.lm_head_analog ? "analog" : "digital"),
      "where the output layer runs: analog or digital");
  add("digital", po::value(&compile.digital)->composing(),
      "keep these linear layers digital (name or pattern, e.g. '*.down_proj'); repeatable");
  add("lambda", parsed(calibration.adc, toolchain::parse_adc_range),
      "ADC full scale in units of input range x w_max: a number for all layers, or auto: per layer, from data "
      "(default: auto, or the chip's when the checkpoint stores its input ranges)");
  add("ranges", parsed(calibration.ranges, toolchain::parse_input_ranges),
      "input ranges: mse, percentile:P, std:K, max, or fixed:BETA without data (default: from the checkpoint if stored "
      "there, else mse)");
  add("calibration-text", po::value(&calibration.text), "text file for calibration (default: a built-in text)");
  add("calibration-tokens", po::value(&calibration.tokens)->default_value(calibration.tokens), "tokens of it to use");
  add("tokenizer", po::value(&compile.tokenizer), "tokenizer file (default: found in or beside the checkpoint)");
  return options;
}

po::options_description run_options(toolchain::RunOptions& run) {
  po::options_description options("Execution");
  auto add = options.add_options();
  add("mode", parsed(run.mode, toolchain::parse_mode),
      "analog (a program on a device), fp32, digital-w8a8, digital-w4a8 (references); default: analog for a program, "
      "fp32 for a checkpoint");
  add("device", po::value(&run.device)->default_value(run.device),
      ("device that executes the program: " + registry::describe_devices() +
       "; all of them and their options: docs/devices.md")
          .c_str());
  add("noise", po::value(&run.chip.noise),
      ("programming model of the chip instance (default: the chip's): " + cells::noise_help()).c_str());
  add("chip-seed", po::value(&run.chip.chip_seed)->default_value(run.chip.chip_seed),
      "which chip instance: seed of all its noise");
  add("time", po::value(&run.chip.seconds),
      ("seconds since programming, for models with drift: " + cells::model_names(true)).c_str());
  add("read-sigma", po::value(&run.chip.read_sigma),
      "read noise: standard deviation in units of input range x w_max (0: off)");
  return options;
}

po::options_description thread_options(unsigned& threads) {
  po::options_description options;
  options.add_options()("threads", po::value(&threads)->default_value(0), "threads (0: all)");
  return options;
}

po::options_description json_options(std::filesystem::path& path) {
  po::options_description options;
  options.add_options()("json", po::value(&path)->implicit_value("-", "-"),
                        "result as JSON to this file (--json=FILE; without a file: standard output)");
  return options;
}

void write_json(const std::filesystem::path& path, const std::string& text) {
  if (path == "-") {
    std::cout << text;
  } else {
    write_text_file(path, text);
  }
}

void refuse_options(const po::variables_map& values, const po::options_description& options,
                    const std::string& reason) {
  for (const auto& option : options.options()) {
    const auto found = values.find(option->long_name());
    if (found != values.end() && !found->second.defaulted()) {
      throw Error(ErrorCode::kInvalidArgument, "--" + option->long_name() + " cannot apply: " + reason);
    }
  }
}

void refuse_unused(const po::variables_map& values, const toolchain::OpenedModel& opened,
                   const po::options_description& run, const po::options_description& compile) {
  if (opened.was_compiled()) refuse_options(values, compile, "the model is compiled already");
  if (opened.chip() != nullptr) return;
  po::options_description analog;
  for (const auto& option : run.options()) {
    if (option->long_name() != "mode") analog.add(option);
  }
  refuse_options(values, analog, std::string("the mode is ") + toolchain::name(opened.mode()) + ", not analog");
}

namespace {

/// Options of unsigned type would wrap negative numbers silently; the few that take real numbers check themselves.
void refuse_negative_numbers(const po::variables_map& values) {
  for (const char* name : {"read-sigma", "temperature", "time"}) {
    if (const auto found = values.find(name); found != values.end() && !found->second.defaulted()) {
      const double value = found->second.as<double>();
      if (!(value >= 0))
        throw Error(ErrorCode::kInvalidArgument,
                    std::string("--") + name + ": expected a number of at least 0, found " + std::to_string(value));
    }
  }
  if (const auto threads = values.find("threads");
      threads != values.end() && threads->second.as<unsigned>() > kMaxThreads) {
    throw Error(ErrorCode::kInvalidArgument, "--threads: expected at most " + std::to_string(kMaxThreads) + ", found " +
                                                 std::to_string(threads->second.as<unsigned>()));
  }
}

/// "-5" where a count is wanted.
void refuse_negative_counts(const po::parsed_options& parsed) {
  static constexpr const char* kCounts[] = {
      "threads",       "tokens",         "seed",   "chip-seed",          "chip-seeds",
      "top-k",         "context",        "limit",  "calibration-tokens", "prompt-tokens",
      "decode-tokens", "prefill-tokens", "repeats"};
  for (const auto& option : parsed.options) {
    if (std::find(std::begin(kCounts), std::end(kCounts), option.string_key) == std::end(kCounts)) continue;
    if (!option.value.empty() && option.value[0].starts_with('-')) {
      throw Error(ErrorCode::kInvalidArgument,
                  "--" + option.string_key + ": expected a number of at least 0, found " + option.value[0]);
    }
  }
}

}  // namespace

std::optional<po::variables_map> parse_command_line(const char* command, const std::vector<std::string>& arguments,
                                                    const po::options_description& options, const char* positional,
                                                    const char* usage, const char* examples) {
  po::options_description all;
  all.add(options);
  po::options_description general("General");
  general.add_options()("help,h", "this text");
  all.add(general);
  po::positional_options_description places;
  if (positional != nullptr)
    places.add(positional, options.find(positional, false).semantic()->is_composing() ? -1 : 1);
  po::variables_map values;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(arguments)
            .options(all)
            .positional(places)
            .style(po::command_line_style::unix_style ^ po::command_line_style::allow_guessing)
            .run();
    refuse_negative_counts(parsed);
    po::store(parsed, values);
    if (values.count("help") != 0) {
      std::cout << "Usage: crossweave " << command << ' ' << usage << "\n" << all << "\nExamples:\n" << examples;
      return std::nullopt;
    }
    po::notify(values);
    refuse_negative_numbers(values);
  } catch (const po::error& error) {
    throw Error(ErrorCode::kInvalidArgument, std::string(error.what()) + " (see `crossweave " + command + " --help`)");
  }
  return values;
}

}  // namespace xw::app
