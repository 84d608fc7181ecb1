// Programming models: rounding by hand, statistics against the published polynomial, independence of order and splitting.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/programming.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/pcm_afm.hpp"

namespace xw::cells {
namespace {

std::vector<std::int8_t> program(const ProgrammingModel& model, std::uint32_t tile, std::uint32_t row,
                                 std::uint32_t col0, const std::vector<std::int16_t>& targets, int target_max = 32767) {
  std::vector<std::int8_t> cells(targets.size());
  model.program_row(tile, row, col0, std::span<const std::int16_t>(targets), target_max, cells);
  return cells;
}

std::vector<std::int16_t> random_targets(std::uint32_t seed, std::size_t count) {
  std::mt19937 rng(seed);
  std::vector<std::int16_t> targets(count);
  for (auto& t : targets) t = static_cast<std::int16_t>(static_cast<int>(rng() % 65535) - 32767);
  return targets;
}

TEST(IdealProgramming, RoundsToCells) {
  const auto model = make_programming_model({.noise = "ideal", .g_unit = 96});
  EXPECT_THAT(program(*model, 0, 0, 0, {32767, -32767, 0, 16384, 170, 171, 512, 513, -512}),
              testing::ElementsAre(96, -96, 0, 48, 0, 1, 2, 2, -2));  // 170: 0.498, 171: 0.501, 512: 1.50005
  const auto full = make_programming_model({.noise = "ideal", .g_unit = 127});
  EXPECT_THAT(program(*full, 0, 0, 0, {127, -127, 1, -1, 64}, 127), testing::ElementsAre(127, -127, 1, -1, 64));
  EXPECT_THAT(program(*model, 0, 0, 0, {7, -7, 1, 2, 3, -3}, 7), testing::ElementsAre(96, -96, 14, 27, 41, -41));
  // Beyond full scale counts as full scale.
  EXPECT_THAT(program(*model, 0, 0, 0, {-32768, 8, -9}, 7), testing::ElementsAre(-96, 96, -96));
  EXPECT_THAT(program(*model, 0, 0, 0, {-32768}), testing::ElementsAre(-96));
}

TEST(Programming, BothWidthsOfTargetsAgree) {
  for (const CellModel& row : cell_models()) {
    const std::string name = row.is_custom ? "custom:programming=0.03,drift=0.05,read=0.02" : std::string(row.name);
    const auto model = make_programming_model({.noise = name, .chip_seed = 3, .g_unit = 96});
    std::vector<std::int16_t> wide;
    std::vector<std::int8_t> narrow;
    for (int t = -127; t <= 127; ++t) {
      wide.push_back(static_cast<std::int16_t>(t));
      narrow.push_back(static_cast<std::int8_t>(t));
    }
    std::vector<std::int8_t> cells(narrow.size());
    model->program_row(5, 6, 7, std::span<const std::int8_t>(narrow), 127, cells);
    EXPECT_EQ(cells, program(*model, 5, 6, 7, wide, 127)) << name;
  }
}

TEST(Programming, DependsOnNothingButThePlace) {
  const std::vector<std::int16_t> targets = random_targets(1, 1500);
  for (const CellModel& row : cell_models()) {
    const std::string name = row.is_custom ? "custom:programming=0.03,drift=0.05,read=0.02" : std::string(row.name);
    const auto model = make_programming_model({.noise = name, .chip_seed = 42, .g_unit = 96});
    const std::vector<std::int8_t> whole = program(*model, 9, 17, 33, targets);
    std::mt19937 rng(2);
    for (int round = 0; round < 20; ++round) {  // any split, any order
      std::vector<std::int8_t> parts(targets.size());
      std::vector<std::pair<std::size_t, std::size_t>> pieces;
      for (std::size_t first = 0; first < targets.size();) {
        const std::size_t count = std::min<std::size_t>(1 + rng() % 400, targets.size() - first);
        pieces.emplace_back(first, count);
        first += count;
      }
      std::shuffle(pieces.begin(), pieces.end(), rng);
      for (const auto& [first, count] : pieces) {
        model->program_row(9, 17, 33 + static_cast<std::uint32_t>(first), std::span(targets).subspan(first, count),
                           32767, std::span(parts).subspan(first, count));
      }
      ASSERT_EQ(parts, whole) << name;
    }
    const auto again = make_programming_model({.noise = name, .chip_seed = 42, .g_unit = 96});
    EXPECT_EQ(program(*again, 9, 17, 33, targets), whole) << name;
    if (name == "ideal") continue;
    const auto other_seed = make_programming_model({.noise = name, .chip_seed = 43, .g_unit = 96});
    EXPECT_NE(program(*other_seed, 9, 17, 33, targets), whole) << name;
    EXPECT_NE(program(*model, 10, 17, 33, targets), whole) << name;
    EXPECT_NE(program(*model, 9, 18, 33, targets), whole) << name;
    EXPECT_NE(program(*model, 9, 17, 34, targets), whole) << name;
  }
}

TEST(PcmAfm, SigmaEqualsThePublishedTable) {  // in percent of w_max
  const std::pair<double, double> table[] = {{0.00334, 1.51}, {0.05, 2.40}, {0.1, 3.10}, {0.2, 4.00},
                                             {0.2916, 4.65},  {0.4, 4.75},  {0.5, 4.69}, {0.6, 4.73},
                                             {0.7, 5.10},     {0.8, 6.06},  {0.9, 7.83}, {1.0, 10.67}};
  for (const auto& [weight, percent] : table) {
    // The table has two decimals; fp16 rounding adds 0.0022.
    EXPECT_NEAR(100.0 * pcm_afm_sigma(weight), percent, 0.0073) << weight;
    EXPECT_EQ(pcm_afm_sigma(-weight), pcm_afm_sigma(weight));
  }
  EXPECT_EQ(pcm_afm_sigma(0.0), 0.0);
  EXPECT_EQ(pcm_afm_sigma(0.599 / 180), 0.0);
  EXPECT_GT(pcm_afm_sigma(0.601 / 180), 0.014);
  EXPECT_NEAR(pcm_afm_sigma(52.5 / 180), pcm_afm_sigma(52.501 / 180), 1e-4);  // the two fits join
  const double half = pcm_afm_sigma(0.5) * 180.0 * 128.0;  // fp16 numbers in 8..16 are multiples of 1/128
  EXPECT_DOUBLE_EQ(half, std::nearbyint(half));
}

struct Moments {
  double mean = 0, deviation = 0;
};

/// Mean and standard deviation of w' (in units of w_max) over at least 100 000 cells of one target.
Moments sample(const ProgrammingModel& model, std::int16_t target, int g_unit) {
  constexpr int kRows = 120, kCols = 1000;
  const std::vector<std::int16_t> targets(kCols, target);
  double s1 = 0, s2 = 0;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    for (const std::int8_t g : program(model, 3, row, 0, targets)) {
      s1 += g;
      s2 += static_cast<double>(g) * g;
    }
  }
  constexpr double kCount = kRows * kCols;
  const double mean = s1 / kCount;
  return {mean / g_unit, std::sqrt(s2 / kCount - mean * mean) / g_unit};
}

TEST(PcmAfm, MeanAndDeviationOfEveryBin) {
  constexpr int kGUnit = 96;
  const auto model = make_programming_model({.noise = "pcm-afm", .chip_seed = 11, .g_unit = kGUnit});
  for (int step = 1; step <= 19; ++step) {  // up to 0.95 w_max, where clipping at 127 / 96 is 4.3 sigma away
    for (const int sign : {1, -1}) {
      const auto target = static_cast<std::int16_t>(sign * step * 32767 / 20);
      const double weight = target / 32767.0;
      const Moments moments = sample(*model, target, kGUnit);
      // Rounding to cells adds 1/12 of a cell squared (sigma is 2.3 cells or more).
      const double expected = std::hypot(pcm_afm_sigma(weight), 1.0 / std::sqrt(12.0) / kGUnit);
      EXPECT_NEAR(moments.mean, weight, 4.5 * expected / std::sqrt(120000.0)) << weight;
      EXPECT_NEAR(moments.deviation / expected, 1.0, 4.5 / std::sqrt(2.0 * 120000.0) + 1e-3) << weight;
    }
  }
}

TEST(PcmAfm, SmallWeightsBecomeExactlyZero) {
  const auto model = make_programming_model({.noise = "pcm-afm", .chip_seed = 11, .g_unit = 127});
  // |g| < 0.6 of 180: |target| < 109.2.
  for (const int target : {0, 1, -50, 109, -109}) {
    EXPECT_THAT(program(*model, 1, 2, 3, std::vector<std::int16_t>(5000, static_cast<std::int16_t>(target))),
                testing::Each(0))
        << target;
  }
  for (const int target : {110, -110}) {
    EXPECT_THAT(program(*model, 1, 2, 3, std::vector<std::int16_t>(5000, static_cast<std::int16_t>(target))),
                testing::Contains(testing::Ne(0)));
  }
}

TEST(PcmAfm, OtherFullScalesUseTheSamePolynomial) {
  const auto model = make_programming_model({.noise = "pcm-afm", .chip_seed = 1, .g_unit = 96});
  // 16384 / 32768 (unusual full scale) and 32767 / 65534: the same weight 0.5, the same cells.
  EXPECT_EQ(program(*model, 1, 2, 3, std::vector<std::int16_t>(300, 1000), 2000),
            program(*model, 1, 2, 3, std::vector<std::int16_t>(300, 50), 100));
}

TEST(GaussianProgramming, MeanAndDeviation) {
  for (const double gamma : {0.02, 0.05}) {
    const auto model =
        make_programming_model({.noise = "gaussian:gamma=" + std::to_string(gamma), .chip_seed = 12, .g_unit = 96});
    for (const std::int16_t target : {std::int16_t{0}, std::int16_t{16384}, std::int16_t{-32767}}) {
      const Moments moments = sample(*model, target, 96);
      const double expected = std::hypot(gamma, 1.0 / std::sqrt(12.0) / 96);
      EXPECT_NEAR(moments.mean, target / 32767.0, 4.5 * expected / std::sqrt(120000.0));
      EXPECT_NEAR(moments.deviation / expected, 1.0, 4.5 / std::sqrt(2.0 * 120000.0) + 1e-3);
    }
  }
  const auto none = make_programming_model({.noise = "gaussian:gamma=0.0", .chip_seed = 12, .g_unit = 96});
  const auto ideal = make_programming_model({.noise = "ideal", .g_unit = 96});
  const auto targets = random_targets(4, 777);
  EXPECT_EQ(program(*none, 1, 2, 3, targets), program(*ideal, 1, 2, 3, targets));
}

TEST(GaussianProgramming, ClampsAtTheLargestCell) {
  const auto model = make_programming_model({.noise = "gaussian:gamma=5.0", .chip_seed = 1, .g_unit = 127});
  const auto cells = program(*model, 1, 2, 3, std::vector<std::int16_t>(2000, 0));
  EXPECT_THAT(cells, testing::Each(testing::AllOf(testing::Ge(-127), testing::Le(127))));
  EXPECT_THAT(cells, testing::Contains(127));
  EXPECT_THAT(cells, testing::Contains(-127));
}

TEST(GaussianProgramming, NeighbouringCellsAreUncorrelated) {
  const auto model = make_programming_model({.noise = "gaussian:gamma=0.3", .chip_seed = 1, .g_unit = 96});
  const std::vector<std::int16_t> zeros(1001, 0);
  double right = 0, below = 0, tile = 0, power = 0;
  constexpr int kRows = 200;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    const auto a = program(*model, 3, row, 0, zeros);
    const auto b = program(*model, 3, row + 1, 0, zeros);
    const auto c = program(*model, 4, row, 0, zeros);
    for (std::size_t i = 0; i < 1000; ++i) {
      right += a[i] * a[i + 1];
      below += a[i] * b[i];
      tile += a[i] * c[i];
      power += a[i] * a[i];
    }
  }
  const double error = 4.5 * power / std::sqrt(kRows * 1000.0);
  EXPECT_LT(std::fabs(right), error);
  EXPECT_LT(std::fabs(below), error);
  EXPECT_LT(std::fabs(tile), error);
}

TEST(Programming, RejectsImpossibleOptions) {
  const auto message = [](const ProgrammingOptions& options) -> std::string {
    try {
      (void)make_programming_model(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({.g_unit = 0}), "programming: g_unit is 0, must be 1..127");
  EXPECT_EQ(message({.g_unit = 128}), "programming: g_unit is 128, must be 1..127");
  for (const double seconds : {-1.0, 2e10, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    EXPECT_THAT(message({.noise = "pcm-aihwkit", .seconds = seconds}), testing::HasSubstr("must be 0..1e10"))
        << seconds;
  }
  EXPECT_EQ(message({.noise = "pcm-aihwkit", .seconds = 1e10}), "accepted");
  for (const std::string model : {"ideal", "gaussian", "reram-wan2022"}) {
    EXPECT_EQ(message({.noise = model, .seconds = 3600}),
              "programming model '" + model +
                  "' has no drift: seconds is 3600.000000, must be 0; models with drift: " + model_names(true));
    EXPECT_EQ(message({.noise = model}), "accepted");
  }
}

/// Cells of one chip: rows of targets from a linear congruential generator, beyond full scale on both sides, at odd columns.
template <typename Target>
std::uint32_t checksum(const std::string& noise, double seconds, int target_max) {
  std::vector<Target> targets(2100);
  std::uint32_t state = 1;
  for (Target& target : targets) {
    state = state * 1664525U + 1013904223U;
    target = static_cast<Target>(static_cast<int>(state >> 16U) % (2 * target_max + 9) - target_max - 4);
  }
  std::vector<std::int8_t> cells(targets.size());
  const auto model = make_programming_model({.noise = noise, .chip_seed = 77, .g_unit = 96, .seconds = seconds});
  std::uint32_t crc = 0;
  for (std::uint32_t row = 0; row < 16; ++row) {
    model->program_row(5, row, row * 3, std::span<const Target>(targets), target_max, cells);
    crc = crc32(std::as_bytes(std::span(cells)), crc);
  }
  return crc;
}

TEST(Programming, TheWordsOfAChipNeverChange) {  // they were written down before the loops were last made faster
  const std::string custom = "custom:programming=0.01/0.08,drift=0.05,drift-spread=0.01,read=0.02/0.01";
  const struct {
    std::string noise;
    double seconds;
    std::uint32_t wide, narrow;
  } chips[] = {
      {"ideal", 0, 0x8B68C94FU, 0x2928A567U},         {"gaussian", 0, 0x9594A4A7U, 0x9E00A1FAU},
      {"pcm-afm", 0, 0xE48E554CU, 0x75F24645U},       {"pcm-afm", 86400, 0x50C0389CU, 0xA69A06A2U},
      {"pcm-aihwkit", 0, 0x257D4A8BU, 0xAEF8FDEBU},   {"pcm-aihwkit", 86400, 0xD0E351E1U, 0xD51EBD3CU},
      {"pcm-hermes", 0, 0x309C113DU, 0x429E2417U},    {"pcm-hermes", 86400, 0x8DFDE970U, 0xF5F47D05U},
      {"reram-wan2022", 0, 0xBE95D1E9U, 0xC8BD7EABU}, {"reram-cmo", 0, 0xB0609017U, 0x58026612U},
      {"reram-cmo", 86400, 0x77F5144CU, 0xA5660CB6U}, {custom, 0, 0xF86B6EB4U, 0x58BB2AEBU},
      {custom, 86400, 0xB8053DD8U, 0x80A84B8FU},      {"pcm-hermes:devices=1", 86400, 0xD39D0EE8U, 0xD6F6DB96U},
  };
  for (const auto& chip : chips) {
    EXPECT_EQ(checksum<std::int16_t>(chip.noise, chip.seconds, 32767), chip.wide) << chip.noise << " " << chip.seconds;
    EXPECT_EQ(checksum<std::int8_t>(chip.noise, chip.seconds, 100), chip.narrow) << chip.noise << " " << chip.seconds;
  }
}

}  // namespace
}  // namespace xw::cells
