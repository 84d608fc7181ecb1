// Where the ranges of the converters come from, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/ranges.hpp"
#include "arch/support/setting_error.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace xw::toolchain {
namespace {

/// The whole text as a finite number above 0, or nothing.
std::optional<float> positive(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value > 0) || !std::isfinite(value)) return {};
  return value;
}

}  // namespace

InputRanges parse_input_ranges(const std::string& text) {
  constexpr std::string_view kFixed = "fixed:";
  if (text.empty()) return {};
  if (!text.starts_with(kFixed)) return {InputRanges::Source::kText, passes::parse_range_choice(text), 0};
  const std::string number = text.substr(kFixed.size());
  const std::optional<float> beta = positive(number);
  if (!beta) {
    throw SettingError(ErrorCode::kInvalidArgument, "input ranges",
                       "input ranges: fixed:BETA: expected a positive number, found '" + number + "'");
  }
  return {InputRanges::Source::kFixed, {}, *beta};
}

AdcRange parse_adc_range(const std::string& text) {
  constexpr float kLargest = 1e6F;
  if (text.empty()) return {};
  if (text == "auto") return {AdcRange::Source::kPerLayer, 0};
  const std::optional<float> lambda = positive(text);
  if (!lambda || *lambda > kLargest) {
    throw SettingError(ErrorCode::kInvalidArgument, "ADC range",
                       "ADC range: expected a positive number or auto, found '" + text + "'");
  }
  return {AdcRange::Source::kFixed, *lambda};
}

}  // namespace xw::toolchain
