// The same measurement on several chips: mean and spread.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "host/transformer/model.hpp"

namespace xw::evaluation {

struct SeedStatistics {
  std::vector<std::uint32_t> seeds;
  std::vector<double> values;  ///< one per seed
  double mean = 0;
  double standard_deviation = 0;  ///< of the sample (n - 1); 0 for one seed
};
/// Throws Error{kInvalidArgument} if there are no values or not one per seed.
[[nodiscard]] SeedStatistics seed_statistics(std::span<const std::uint32_t> seeds, std::span<const double> values);

/// Makes the chip of a seed, calls `use` with its model while the chip exists.
using WithChip = std::function<void(std::uint32_t seed, const std::function<void(transformer::Model&)>& use)>;
/// Measures one model.
using Measurement = std::function<double(transformer::Model&)>;

/// Runs `measure` once on the chip of every seed, one after another.
[[nodiscard]] SeedStatistics measure_seeds(std::span<const std::uint32_t> seeds, const WithChip& with_chip,
                                           const Measurement& measure);

[[nodiscard]] std::string to_json(const SeedStatistics& statistics);
/// "12.34 +- 0.56 over 3 chips (seeds 0, 1, 2)".
[[nodiscard]] std::string to_text(const SeedStatistics& statistics);

}  // namespace xw::evaluation
