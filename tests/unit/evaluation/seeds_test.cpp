// Statistics over chips.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/seeds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"

namespace xw::evaluation {
namespace {

TEST(Seeds, MeanAndSampleDeviation) {
  const std::vector<std::uint32_t> seeds{3, 5, 9, 11};
  const std::vector<double> values{2, 4, 4, 6};
  const SeedStatistics result = seed_statistics(seeds, values);
  EXPECT_DOUBLE_EQ(result.mean, 4);
  EXPECT_DOUBLE_EQ(result.standard_deviation, std::sqrt(8.0 / 3));
  EXPECT_EQ(to_text(result), "4.0000 +- 1.6330 over 4 chips (seeds 3, 5, 9, 11)");
  const auto json = nlohmann::json::parse(to_json(result));
  EXPECT_EQ(json.at("seeds"), seeds);
  EXPECT_EQ(json.at("values"), values);
  EXPECT_EQ(json.at("mean"), 4.0);
}

TEST(Seeds, OneChipHasNoDeviation) {
  const std::uint32_t seed = 7;
  const double value = 1.5;
  const SeedStatistics result = seed_statistics({&seed, 1}, {&value, 1});
  EXPECT_EQ(result.standard_deviation, 0);
  EXPECT_EQ(to_text(result), "1.5000 +- 0.0000 over 1 chip (seed 7)");
}

TEST(Seeds, LargeValuesDoNotOverflow) {
  const std::vector<std::uint32_t> seeds{0, 1};
  const SeedStatistics result = seed_statistics(seeds, std::vector<double>{1e300, 3e300});
  EXPECT_DOUBLE_EQ(result.mean, 2e300);
  EXPECT_DOUBLE_EQ(result.standard_deviation, std::sqrt(2.0) * 1e300);
  EXPECT_THROW(static_cast<void>(seed_statistics(seeds, std::vector<double>{1, HUGE_VAL})), Error);
}

TEST(Seeds, NeedsOneValuePerSeed) {
  const std::vector<std::uint32_t> seeds{1, 2};
  const std::vector<double> values{1};
  EXPECT_THROW(static_cast<void>(seed_statistics(seeds, values)), Error);
  EXPECT_THROW(static_cast<void>(seed_statistics({}, {})), Error);
}

}  // namespace
}  // namespace xw::evaluation
