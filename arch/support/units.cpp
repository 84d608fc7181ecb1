// Numbers with units.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/units.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace xw {
namespace {

template <typename Factor>
struct Unit {
  std::string_view name;
  Factor factor;
};

constexpr std::array<Unit<double>, 8> kTimes = {
    {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}, {"y", 31536000}}};
constexpr std::array<Unit<unsigned>, 10> kSizes = {{{"", 0},
                                                    {"B", 0},
                                                    {"K", 10},
                                                    {"KB", 10},
                                                    {"KiB", 10},
                                                    {"M", 20},
                                                    {"MB", 20},
                                                    {"MiB", 20},
                                                    {"G", 30},
                                                    {"GiB", 30}}};

}  // namespace

std::optional<double> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || !(value >= 0)) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit<double>& known : kTimes) {
    if (unit == known.name) return value * known.factor;
  }
  return std::nullopt;
}

std::string duration_text(double seconds) {
  constexpr std::array<std::string_view, 4> kUnits = {"y", "d", "h", "min"};
  std::string_view unit = "s";
  double value = seconds;
  for (const std::string_view name : kUnits) {
    for (const Unit<double>& known : kTimes) {
      if (known.name != name || seconds < known.factor || unit != "s") continue;
      const double quarters = seconds / known.factor * 4;
      if (quarters != std::floor(quarters) || quarters > 1e6) continue;
      unit = name;
      value = quarters / 4;
    }
  }
  std::array<char, 32> text{};
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr) + " " +
         std::string(unit);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit<unsigned>& known : kSizes) {
    if (unit != known.name) continue;
    if (value > (std::uint64_t{1} << 63U) >> known.factor) return std::nullopt;
    return value << known.factor;
  }
  return std::nullopt;
}

}  // namespace xw
