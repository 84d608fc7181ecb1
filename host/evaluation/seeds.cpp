// A figure of several chips: mean and spread.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/seeds.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {

SeedStatistics seed_statistics(std::span<const std::uint32_t> seeds, std::span<const double> values) {
  if (values.empty() || seeds.size() != values.size()) {
    throw Error(ErrorCode::kInvalidArgument, "statistics over chips need one value per seed and at least one, found " +
                                                 std::to_string(values.size()) + " values for " +
                                                 std::to_string(seeds.size()) + " seeds");
  }
  SeedStatistics result{{seeds.begin(), seeds.end()}, {values.begin(), values.end()}, 0, 0};
  const auto n = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / n;
  double largest = 0;  // in units of it no square overflows
  for (const double value : values) largest = std::max(largest, std::abs(value - result.mean));
  double squares = 0;
  for (const double value : values) squares += std::pow((value - result.mean) / (largest > 0 ? largest : 1), 2);
  if (values.size() > 1) result.standard_deviation = largest * std::sqrt(squares / (n - 1));
  if (!std::isfinite(result.mean) || !std::isfinite(result.standard_deviation)) {
    throw Error(ErrorCode::kNotFinite, "statistics over chips: mean or standard deviation is not finite");
  }
  return result;
}

std::string to_json(const SeedStatistics& statistics) {
  return nlohmann::ordered_json{{"kind", "seeds"},
                                {"mean", statistics.mean},
                                {"standard_deviation", statistics.standard_deviation},
                                {"seeds", statistics.seeds},
                                {"values", statistics.values}}
      .dump(2);
}

std::string to_text(const SeedStatistics& statistics) {
  std::string seeds;
  for (const std::uint32_t seed : statistics.seeds) seeds += (seeds.empty() ? "" : ", ") + std::to_string(seed);
  return to_fixed(statistics.mean, 4) + " +- " + to_fixed(statistics.standard_deviation, 4) + " over " +
         std::to_string(statistics.values.size()) +
         (statistics.values.size() == 1 ? " chip (seed " : " chips (seeds ") + seeds + ")";
}

}  // namespace xw::evaluation
