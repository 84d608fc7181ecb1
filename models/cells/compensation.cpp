// Known inputs, and factors from a chip's answers to them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/compensation.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "models/analog/threefry.hpp"

namespace xw::cells {
namespace {

constexpr std::uint32_t kGlobalVectors = 32, kColumnVectors = 256;
constexpr std::uint32_t kSignDomain = 0x4E474953U;  // 'SIGN'

double limited(double factor, std::uint64_t& count) {
  constexpr double kMost = CompensationFactors::kMostFactor;
  if (factor >= 1 / kMost && factor <= kMost) return factor;
  ++count;
  return std::clamp(factor, 1 / kMost, kMost);
}

}  // namespace

std::string Compensation::text() const {
  if (kind == CompensationKind::kNone) return "none";
  return std::string(kind == CompensationKind::kGlobal ? "global" : "column") + ":vectors=" + std::to_string(vectors) +
         (exact ? ",reference=exact" : "");
}

Compensation parse_compensation(std::string_view text) {
  const auto refuse = [&] {
    throw Error(ErrorCode::kInvalidArgument,
                "compensation: expected none, global or column, the last two with :vectors=N (1.." +
                    std::to_string(kMostCalibrationVectors) + ") and reference=exact or programmed if wanted, found '" +
                    std::string(text) + "'");
  };
  if (text == "none") return {};
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Compensation compensation;
  if (name == "global") {
    compensation = {CompensationKind::kGlobal, kGlobalVectors};
  } else if (name == "column") {
    compensation = {CompensationKind::kColumn, kColumnVectors};
  } else {
    refuse();
  }
  if (colon == std::string_view::npos) return compensation;
  std::set<std::string_view> given;
  for (std::size_t begin = colon + 1; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view key = item.substr(0, equals), value = item.substr(std::min(equals + 1, item.size()));
    if (!given.insert(key).second) refuse();
    if (key == "reference" && (value == "exact" || value == "programmed")) {
      compensation.exact = value == "exact";
      continue;
    }
    if (key != "vectors") refuse();
    const auto [last, error] = std::from_chars(value.data(), value.data() + value.size(), compensation.vectors);
    if (error != std::errc{} || last != value.data() + value.size()) refuse();
    if (compensation.vectors < 1 || compensation.vectors > kMostCalibrationVectors) refuse();
  }
  return compensation;
}

int calibration_amplitude(double full_scale, std::uint32_t rows, int g_unit, int dac_max) {
  constexpr double kRange = 1.6;  // end of the converter's range in units of sqrt(rows) w_max
  const double amplitude = std::floor(full_scale / (kRange * g_unit * std::sqrt(static_cast<double>(rows))));
  return static_cast<int>(std::clamp(amplitude, 1.0, static_cast<double>(dac_max)));
}

std::int8_t calibration_code(std::uint32_t vector, std::uint32_t row, int amplitude) {
  const std::uint32_t sign = analog::threefry2x32<20>(kSignDomain, 0, row, 0)[0] & 1U;
  const auto walsh = static_cast<std::uint32_t>(std::popcount(vector & row)) & 1U;
  return static_cast<std::int8_t>((walsh ^ sign) != 0 ? -amplitude : amplitude);
}

CompensationFactors compensation_factors(CompensationKind kind, std::span<const ColumnAnswers> answers,
                                         std::uint32_t vectors) {
  CompensationFactors result;
  result.factors.assign(answers.size(), 1.0);
  if (kind == CompensationKind::kNone) return result;
  struct Sums {
    double reference = 0, now = 0;
  };
  std::map<std::uint32_t, Sums> tiles;
  for (const ColumnAnswers& column : answers) {
    if (!column.used) continue;
    Sums& sums = tiles[column.tile];
    sums.reference += column.weight * static_cast<double>(column.reference);
    sums.now += column.weight * static_cast<double>(column.now);
  }
  std::map<std::uint32_t, double> tile_factors;
  for (const auto& [tile, sums] : tiles) {
    const bool answered = sums.reference > 0 && sums.now > 0;
    tile_factors[tile] = answered ? limited(sums.reference / sums.now, result.limited) : 1.0;
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const ColumnAnswers& column = answers[i];
    if (!column.used) continue;
    result.factors[i] = tile_factors[column.tile];
    if (kind == CompensationKind::kGlobal) continue;
    if (column.reference < vectors || column.now < vectors) {
      ++result.too_small;
      continue;
    }
    result.factors[i] =
        limited(static_cast<double>(column.reference) / static_cast<double>(column.now), result.limited);
  }
  return result;
}

ConverterGains scaled_gains(std::uint16_t gain, std::uint32_t shift, std::span<const double> factors) {
  constexpr double kMost = (1U << arch::kAdcGainBits) - 1;
  double largest = 0;
  for (const double factor : factors) largest = std::max(largest, gain * factor);
  ConverterGains result;
  result.shift = shift;
  double scale = 1;
  for (; std::nearbyint(largest * scale) > kMost && result.shift > arch::kMinAdcShift; --result.shift) scale /= 2;
  for (const double factor : factors) {
    const double scaled = std::nearbyint(gain * factor * scale);
    if (scaled > kMost) ++result.limited;
    result.gains.push_back(static_cast<std::uint16_t>(std::min(scaled, kMost)));
  }
  return result;
}

}  // namespace xw::cells
