// Shared command-line options and their parser.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/app/options.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "host/backends/registry/devices.hpp"
#include "host/toolchain/settings.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/converter.hpp"

namespace xw::app {

namespace po = boost::program_options;

namespace {

/// The value of an option as parse(text) gives it.
template <typename T, typename Parse>
po::typed_value<std::string>* parsed(T& value, Parse parse) {
  return po::value<std::string>()->notifier([&value, parse](const std::string& text) { value = parse(text); });
}

/// An option whose text sets what toolchain::set() sets by this name; messages name it with its dashes.
template <typename Options>
po::typed_value<std::string>* setting(Options& options, const std::string& name) {
  return po::value<std::string>()->notifier([&options, name](const std::string& text) {
    try {
      toolchain::set(options, name, text);
    } catch (const SettingError& error) {
      if (error.setting() != name) throw;
      throw Error(error.code(), std::string("--") + error.what());
    }
  });
}

}  // namespace

po::options_description compile_options(toolchain::CompileOptions& compile) {
  toolchain::CalibrationOptions& calibration = compile.calibration;
  po::options_description options("Compilation");
  auto add = options.add_options();
  add("chip", po::value(&compile.chip)->default_value(compile.chip), "chip description: built-in name or TOML file");
  add("chips", setting(compile, "chips")->default_value("1"),
      "how many of the chip there are, linked as its description says: a number, or auto (as many as the model needs)");
  add("reload", setting(compile, "reload")->implicit_value("auto", "auto"),
      "where the chip has too few tiles: they are written anew, round by round, for all tokens of a pass; a number of "
      "areas of the chip of which "
      "only the last is, or auto (the fastest)");
  add("emulator", po::value(&compile.emulator), "emulator description (default: the chip's)");
  add("weights", parsed(compile.weights, program::weight_mode_from)->default_value(program::name(compile.weights)),
      "weight targets: analog (continuous), w8, w4");
  add("lm-head", setting(compile, "lm-head")->default_value(compile.lm_head_analog ? "analog" : "digital"),
      "where the output layer runs: analog or digital");
  add("digital", po::value(&compile.digital)->composing(),
      "keep these linear layers digital (name or pattern, e.g. '*.down_proj'); repeatable");
  add("first-token", setting(compile, "first-token")->default_value(compile.first_token_digital ? "digital" : "analog"),
      "where the first token of every context runs: analog or digital (on the host, in floating point)");
  add("replicate",
      po::value<std::vector<std::string>>()->composing()->notifier([&compile](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) toolchain::set(compile, "replicate", text);
      }),
      "copies of layers on the chip, their outputs averaged against noise: PATTERN=COUNT[,...], or all=COUNT; "
      "repeatable");
  add("spread", setting(compile, "spread")->implicit_value("auto", "auto"),
      "blocks that share a tile, and would take turns, get tiles of their own: further tiles that they may take, or "
      "auto "
      "(all free tiles)");
  add("duplicate", setting(compile, "duplicate")->implicit_value("auto", "auto"),
      "further copies of calls, which take different tokens of a prompt or a batch: a number of tiles for those that "
      "make prompts fastest, auto (all "
      "free tiles), or PATTERN=COUNT[,...] by names of calls");
  add("row-cuts", setting(compile, "row-cuts")->default_value("fewest-tiles"),
      "how inputs are cut into blocks: fewest-tiles, or equal (nearly equal pieces: less noise, more tiles)");
  add("adapt", setting(compile, "adapt"),
      ("make the checkpoint fit for the noisy chip first, without training: " + toolchain::adapt_level_help() +
       " (default: none; `crossweave adapt` has more options)")
          .c_str());
  add("lambda", parsed(calibration.adc, toolchain::parse_adc_range),
      "ADC full scale in units of input range x w_max: a number for all layers, or auto: per layer, from data "
      "(default: auto, or the chip's when the checkpoint stores its input ranges)");
  add("ranges", parsed(calibration.ranges, toolchain::parse_input_ranges),
      "input ranges: mse, percentile:P, std:K, max, or fixed:BETA without data (default: from the checkpoint if stored "
      "there, else mse)");
  add("calibration-text", path_value(calibration.text, "--calibration-text"),
      "text file for calibration, or a folder of `crossweave generate-data` (default: a built-in text)");
  add("calibration-tokens", po::value(&calibration.tokens),
      "tokens of it to use for ranges (default: 512, of an adapted checkpoint 4096)");
  add("calibration-context", po::value(&calibration.context)->default_value(calibration.context),
      "tokens of it that the model reads as one sequence");
  add("adapter", path_value(compile.adapter, "--adapter"),
      "directory of a low-rank adapter (PEFT) that runs digitally beside the layers of the chip");
  add("tokenizer", path_value(compile.tokenizer, "--tokenizer"),
      "tokenizer file (default: found in or beside the checkpoint)");
  return options;
}

po::options_description run_options(toolchain::RunOptions& run) {
  po::options_description options("Execution");
  auto add = options.add_options();
  add("mode", parsed(run.mode, toolchain::parse_mode),
      "analog (a program on a device), fp32, int8 (a checkpoint with linear layers in 8-bit "
      "integers), digital-w8a8, digital-w4a8 (references); default: analog for a program, "
      "fp32 for a checkpoint");
  add("device", po::value(&run.device)->default_value(run.device),
      ("device that executes the program: " + registry::describe_devices() +
       "; all of them and their options: docs/devices.md")
          .c_str());
  add("noise", po::value(&run.chip.noise),
      ("programming model of the chip instance (default: the chip's): " + cells::noise_help()).c_str());
  add("chip-seed", po::value(&run.chip.chip_seed)->default_value(run.chip.chip_seed),
      "which chip instance: seed of all its noise");
  add("time", setting(run, "time"),
      ("time since programming in seconds, or with a unit (s, min, h, d, w, y), for models with drift: " +
       cells::model_names(true))
          .c_str());
  add("compensation", po::value(&run.chip.compensation)->default_value("none"),
      "against drift: none, global (a factor per tile) or column, the last two with :vectors=N known inputs and "
      "reference=exact (ideal cells instead of the chip at programming time) if wanted; measured on the chip");
  add("adc-mismatch", parsed(run.chip.adc_mismatch, cells::parse_converter_spread),
      "how much the converters of columns differ: gain=S,offset=S, standard deviations of gains (0..0.2) and of "
      "offsets "
      "in codes of the ADC (0..256), one or both; a number is that of gains");
  add("recalibrate", setting(run, "recalibrate"),
      "time between calibrations as every:TIME, e.g. every:1h: the last one before the chip's age counts (default: one "
      "at its age)");
  add("faults", po::value(&run.chip.faults)->default_value(run.chip.faults),
      "what is broken in the chip: none, or any of stuck-low=P,stuck-high=P (a device of a cell), "
      "rows=P,columns=P,tiles=P "
      "(dead), seed=N (default: the chip's), map=FILE");
  add("spares", po::value(&run.chip.spares)->default_value(run.chip.spares),
      "what may take the place of broken parts: none, or columns=N (of every tile),tiles=N");
  add("read-sigma", po::value(&run.chip.read_sigma),
      "read noise: standard deviation in units of input range x w_max (0: off)");
  return options;
}

void add_sampler_options(po::options_description_easy_init& add, std::uint32_t& top_k, double& top_p,
                         std::uint64_t& seed) {
  add("top-k", po::value(&top_k)->default_value(0), "sample among the k likeliest (0: all)");
  add("top-p", po::value(&top_p)->default_value(1), "sample among the likeliest that hold this mass");
  add("seed", po::value(&seed)->default_value(0), "seed of the sampling (not of the chip)");
}

std::vector<double> times_of(const po::variables_map& values, const std::string& text) {
  std::vector<double> times;
  if (text.empty()) return times;
  if (values.count("time") != 0) throw Error(ErrorCode::kInvalidArgument, "--time and --times exclude each other");
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    times.push_back(toolchain::seconds_of("--times", text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return times;
}

po::options_description thread_options(unsigned& threads) {
  po::options_description options;
  options.add_options()("threads", po::value(&threads)->default_value(0), "threads (0: all)");
  return options;
}

po::typed_value<std::string>* path_value(std::filesystem::path& path, const std::string& option) {
  return parsed(path, [option](const std::string& text) {
    if (text.empty()) throw Error(ErrorCode::kInvalidArgument, option + ": expected a path, found an empty text");
    return std::filesystem::path(text);
  });
}

void add_description(FileRoles& roles, const std::string& option, const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml"))
    roles.add_input(option, name_or_path);
}

void add_device_outputs(FileRoles& roles, const std::string& uri) {
  for (const registry::DeviceOutput& output : registry::outputs(uri)) {
    roles.add_output("--device " + output.key + "=", output.path, output.kind);
  }
}

void add_model_files(FileRoles& roles, const std::filesystem::path& model, const toolchain::CompileOptions& compile,
                     const toolchain::RunOptions* run) {
  roles.add_input("the model", model);
  roles.add_input("--adapter", compile.adapter);
  roles.add_input("--tokenizer", compile.tokenizer);
  roles.add_input("--calibration-text", compile.calibration.text);
  add_description(roles, "--chip", compile.chip);
  add_description(roles, "--emulator", compile.emulator);
  if (run != nullptr) add_device_outputs(roles, run->device);
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

std::string with_option(const SettingError& error) {
  static constexpr std::pair<std::string_view, std::string_view> kOptions[] = {{"ADC range", "--lambda"},
                                                                               {"chip", "--chip"},
                                                                               {"chip seeds", "--chip-seeds"},
                                                                               {"context", "--context"},
                                                                               {"device", "--device"},
                                                                               {"input ranges", "--ranges"},
                                                                               {"lines", "--lines"},
                                                                               {"memory limit", "--memory-limit"},
                                                                               {"metric", "--metric"},
                                                                               {"mode", "--mode"},
                                                                               {"position", "--position"},
                                                                               {"prefill tokens", "--prefill-tokens"},
                                                                               {"prompt", "--prompt"},
                                                                               {"samples", "--samples"},
                                                                               {"shard", "--shard"},
                                                                               {"sweep", "--sweep"},
                                                                               {"threads", "--threads"},
                                                                               {"times", "--times"},
                                                                               {"tokenizer", "--tokenizer"},
                                                                               {"where", "--where"},
                                                                               {"x", "--x"}};
  std::string message = error.what();
  const std::string& setting = error.setting();
  const auto* const found =
      std::find_if(std::begin(kOptions), std::end(kOptions), [&](const auto& entry) { return entry.first == setting; });
  if (found == std::end(kOptions)) return message;
  if (message.starts_with(setting + ":") || message.starts_with(setting + " "))
    return std::string(found->second) + message.substr(setting.size());
  return message + " (" + std::string(found->second) + ")";
}

}  // namespace xw::app
