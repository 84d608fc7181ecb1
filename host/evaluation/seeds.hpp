// A figure of several chips: mean and spread.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xw::evaluation {

struct SeedStatistics {
  std::vector<std::uint32_t> seeds;
  std::vector<double> values;  ///< one per seed
  double mean = 0;
  double standard_deviation = 0;  ///< of the sample (n - 1); 0 for one seed
};
/// Throws Error{kInvalidArgument} if there are no values or not one per seed.
[[nodiscard]] SeedStatistics seed_statistics(std::span<const std::uint32_t> seeds, std::span<const double> values);

[[nodiscard]] std::string to_json(const SeedStatistics& statistics);
/// "12.34 +- 0.56 over 3 chips (seeds 0, 1, 2)".
[[nodiscard]] std::string to_text(const SeedStatistics& statistics);

}  // namespace xw::evaluation
