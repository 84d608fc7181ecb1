// Options by name and text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/settings.hpp"

#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "arch/support/setting_error.hpp"
#include "arch/support/units.hpp"
#include "models/cells/converter.hpp"

namespace xw::toolchain {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& text) {
  throw SettingError(ErrorCode::kInvalidArgument, name, name + ": expected " + expected + ", found '" + text + "'");
}

/// The whole text as a number.
template <class Number>
std::optional<Number> number_of(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::uint32_t count_of(const std::string& name, const std::string& text) {
  const std::optional<std::uint32_t> count = number_of<std::uint32_t>(text);
  if (!count) refuse(name, "a whole number from 0 to 4294967295", text);
  return *count;
}

double real_of(const std::string& name, const std::string& text) {
  const std::optional<double> real = number_of<double>(text);
  if (!real || !std::isfinite(*real)) refuse(name, "a number", text);
  return *real;
}

double schedule_of(const std::string& name, const std::string& text) {
  constexpr std::string_view kEvery = "every:";
  const double seconds = text.starts_with(kEvery) ? seconds_of(name, text.substr(kEvery.size())) : 0;
  if (seconds <= 0) refuse(name, "every:TIME with a time above 0", text);
  return seconds;
}

bool is_analog(const std::string& name, const std::string& text) {
  if (text != "analog" && text != "digital") refuse(name, "analog or digital", text);
  return text == "analog";
}

mapping::RowCuts row_cuts_of(const std::string& name, const std::string& text) {
  if (text == "equal") return mapping::RowCuts::kEqual;
  if (text != "fewest-tiles") refuse(name, "equal or fewest-tiles", text);
  return mapping::RowCuts::kFewestTiles;
}

std::uint32_t chips_of(const std::string& name, const std::string& text) {
  if (text == "auto") return 0;
  const std::optional<std::uint32_t> chips = number_of<std::uint32_t>(text);
  if (!chips || *chips < 1 || *chips > program::kMaxChips)
    refuse(name, "auto or a number from 1 to " + std::to_string(program::kMaxChips), text);
  return *chips;
}

std::optional<std::uint32_t> reload_of(const std::string& name, const std::string& text) {
  if (text == "none") return std::nullopt;
  if (text == "auto") return 0;
  const std::optional<std::uint32_t> areas = number_of<std::uint32_t>(text);
  if (!areas || *areas < 1 || *areas > program::kMaxRounds)
    refuse(name, "auto, none or a number from 1 to " + std::to_string(program::kMaxRounds), text);
  return areas;
}

void set_duplicate(CompileOptions& options, const std::string& name, const std::string& text) {
  options.duplicate_tiles.reset();
  options.duplicates.clear();
  if (text == "none") return;
  if (text.find('=') != std::string::npos) {
    options.duplicates = passes::parse_replica_rules(text);
    return;
  }
  options.duplicate_tiles = text == "auto" ? 0 : number_of<std::uint32_t>(text);
  if (!options.duplicate_tiles || (text != "auto" && *options.duplicate_tiles == 0))
    refuse(name, "auto, none, a number of tiles of at least 1, or PATTERN=COUNT", text);
}

void set_spread(CompileOptions& options, const std::string& name, const std::string& text) {
  options.spread_tiles.reset();
  if (text == "none") return;
  options.spread_tiles = text == "auto" ? 0 : number_of<std::uint32_t>(text);
  if (!options.spread_tiles || (text != "auto" && *options.spread_tiles == 0))
    refuse(name, "auto, none or a number of tiles of at least 1", text);
}

template <class Options>
using Setters = std::map<std::string, std::function<void(Options&, const std::string& name, const std::string& text)>>;

using Text = const std::string&;

const Setters<CompileOptions>& compile_setters() {
  using Options = CompileOptions;
  static const Setters<Options> setters = {
      {"adapt",
       [](Options& options, Text, Text text) {
         const AdaptPasses passes = adapt_level(text);
         options.adapt.reset();
         if (text == "none") return;
         options.adapt.emplace();
         options.adapt->passes = passes;
       }},
      {"adapter", [](Options& options, Text, Text text) { options.adapter = text; }},
      {"calibration-context",
       [](Options& options, Text name, Text text) { options.calibration.context = count_of(name, text); }},
      {"calibration-text", [](Options& options, Text, Text text) { options.calibration.text = text; }},
      {"calibration-tokens",
       [](Options& options, Text name, Text text) { options.calibration.tokens = count_of(name, text); }},
      {"chip", [](Options& options, Text, Text text) { options.chip = text; }},
      {"chips", [](Options& options, Text name, Text text) { options.chips = chips_of(name, text); }},
      {"digital", [](Options& options, Text, Text text) { options.digital.push_back(text); }},
      {"duplicate", set_duplicate},
      {"emulator", [](Options& options, Text, Text text) { options.emulator = text; }},
      {"first-token",
       [](Options& options, Text name, Text text) { options.first_token_digital = !is_analog(name, text); }},
      {"lambda", [](Options& options, Text, Text text) { options.calibration.adc = parse_adc_range(text); }},
      {"lm-head", [](Options& options, Text name, Text text) { options.lm_head_analog = is_analog(name, text); }},
      {"ranges", [](Options& options, Text, Text text) { options.calibration.ranges = parse_input_ranges(text); }},
      {"reload", [](Options& options, Text name, Text text) { options.reload = reload_of(name, text); }},
      {"replicate",
       [](Options& options, Text, Text text) {
         for (passes::ReplicaRule& rule : passes::parse_replica_rules(text))
           options.replicas.push_back(std::move(rule));
       }},
      {"row-cuts", [](Options& options, Text name, Text text) { options.row_cuts = row_cuts_of(name, text); }},
      {"spread", set_spread},
      {"tokenizer", [](Options& options, Text, Text text) { options.tokenizer = text; }},
      {"weights", [](Options& options, Text, Text text) { options.weights = program::weight_mode_from(text); }},
  };
  return setters;
}

const Setters<RunOptions>& run_setters() {
  using Options = RunOptions;
  static const Setters<Options> setters = {
      {"adc-mismatch",
       [](Options& options, Text, Text text) { options.chip.adc_mismatch = cells::parse_converter_spread(text); }},
      {"chip-seed", [](Options& options, Text name, Text text) { options.chip.chip_seed = count_of(name, text); }},
      {"compensation", [](Options& options, Text, Text text) { options.chip.compensation = text; }},
      {"device", [](Options& options, Text, Text text) { options.device = text; }},
      {"faults", [](Options& options, Text, Text text) { options.chip.faults = text; }},
      {"mode", [](Options& options, Text, Text text) { options.mode = parse_mode(text); }},
      {"noise", [](Options& options, Text, Text text) { options.chip.noise = text; }},
      {"read-sigma", [](Options& options, Text name, Text text) { options.chip.read_sigma = real_of(name, text); }},
      {"recalibrate",
       [](Options& options, Text name, Text text) { options.chip.recalibrate = schedule_of(name, text); }},
      {"spares", [](Options& options, Text, Text text) { options.chip.spares = text; }},
      {"time", [](Options& options, Text name, Text text) { options.chip.seconds = seconds_of(name, text); }},
  };
  return setters;
}

template <class Options>
std::vector<std::string> names_of(const Setters<Options>& setters) {
  std::vector<std::string> names;
  for (const auto& entry : setters) names.push_back(entry.first);
  return names;
}

template <class Options>
void set_by_name(const Setters<Options>& setters, Options& options, const std::string& name, const std::string& text) {
  const auto found = setters.find(name);
  if (found == setters.end()) {
    std::string known;
    for (const auto& entry : setters) known += (known.empty() ? "" : ", ") + entry.first;
    throw SettingError(ErrorCode::kInvalidArgument, name, name + ": there is no such option; known: " + known);
  }
  found->second(options, name, text);
}

}  // namespace

double seconds_of(const std::string& name, const std::string& text) {
  const std::optional<double> seconds = parse_duration(text);
  if (!seconds) refuse(name, "seconds or a number with a unit (s, min, h, d, w, y)", text);
  return *seconds;
}

const std::vector<std::string>& compile_settings() {
  static const std::vector<std::string> names = names_of(compile_setters());
  return names;
}

const std::vector<std::string>& run_settings() {
  static const std::vector<std::string> names = names_of(run_setters());
  return names;
}

void set(CompileOptions& options, const std::string& name, const std::string& text) {
  set_by_name(compile_setters(), options, name, text);
}

void set(RunOptions& options, const std::string& name, const std::string& text) {
  set_by_name(run_setters(), options, name, text);
}

}  // namespace xw::toolchain
