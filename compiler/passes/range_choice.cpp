// The ways of choosing a range, as text and as numbers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "arch/support/error.hpp"
#include "compiler/passes/calibration.hpp"

namespace xw::passes {
namespace {

constexpr std::string_view kPercentile = "percentile:";
constexpr std::string_view kStd = "std:";

double parameter_of(const std::string& text, std::string_view prefix, double largest) {
  const char* begin = text.data() + prefix.size();
  const char* end = text.data() + text.size();
  double value = 0;
  const auto result = std::from_chars(begin, end, value);
  if (result.ec != std::errc() || result.ptr != end || !(value > 0 && value <= largest)) {
    throw Error(ErrorCode::kInvalidArgument, "range method '" + text + "': expected a number above 0" +
                                                 (std::isinf(largest) || largest > 1e30 ? "" : " and at most 100") +
                                                 " after '" + std::string(prefix) + "'");
  }
  return value;
}

}  // namespace

RangeChoice parse_range_choice(const std::string& text) {
  if (text == "max") return {RangeMethod::kMax, 0};
  if (text == "mse") return {RangeMethod::kMse, 0};
  if (text.starts_with(kPercentile)) return {RangeMethod::kPercentile, parameter_of(text, kPercentile, 100)};
  if (text.starts_with(kStd)) return {RangeMethod::kStd, parameter_of(text, kStd, std::numeric_limits<float>::max())};
  throw Error(ErrorCode::kInvalidArgument,
              "range method '" + text + "': expected max, percentile:P (0 < P <= 100), std:K (K > 0) or mse");
}

std::string to_string(const RangeChoice& choice) {
  std::array<char, 40> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), choice.parameter);
  const std::string number(buffer.data(), result.ptr);
  switch (choice.method) {
    case RangeMethod::kMax:
      return "max";
    case RangeMethod::kPercentile:
      return std::string(kPercentile) + number;
    case RangeMethod::kStd:
      return std::string(kStd) + number;
    case RangeMethod::kMse:
      return "mse";
  }
  return "unknown";
}

float choose_range(const RangeStatistics& statistics, const RangeChoice& choice, int dac_max) {
  float beta = 0;
  switch (choice.method) {
    case RangeMethod::kMax:
      beta = statistics.max_abs();
      break;
    case RangeMethod::kPercentile:
      beta = statistics.quantile(choice.parameter / 100);
      break;
    case RangeMethod::kStd:
      beta = static_cast<float>(choice.parameter * statistics.standard_deviation());
      break;
    case RangeMethod::kMse:
      beta = statistics.mse_range(dac_max);
      break;
  }
  // A percentile of mostly zeros is zero: then the maximum. Ranges below the normal numbers cannot be divided by.
  if (!(beta >= std::numeric_limits<float>::min() && beta <= std::numeric_limits<float>::max()))
    beta = statistics.max_abs();
  return beta >= std::numeric_limits<float>::min() ? beta : 1.0F;
}

}  // namespace xw::passes
