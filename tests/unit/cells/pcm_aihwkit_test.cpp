// Phase-change pairs as cells: the aihwkit reference functions with the same deviates, moments by integration, drift.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#include "models/cells/aihwkit_devices.hpp"
#include "models/cells/device_pairs.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/programming.hpp"
#include "tests/unit/cells/documented_deviates.hpp"

namespace xw::cells {
namespace {

constexpr double kHour = 3600.0, kDay = 86400.0, kYear = 365.0 * kDay;

std::unique_ptr<ProgrammingModel> model_at(double seconds, std::uint32_t seed, int g_unit) {
  return make_programming_model({.noise = "pcm-aihwkit", .chip_seed = seed, .g_unit = g_unit, .seconds = seconds});
}

std::vector<std::int8_t> program(const ProgrammingModel& model, std::uint32_t tile, std::uint32_t row,
                                 std::uint32_t col0, const std::vector<std::int16_t>& targets, int target_max = 32767) {
  std::vector<std::int8_t> cells(targets.size());
  model.program_row(tile, row, col0, std::span<const std::int16_t>(targets), target_max, cells);
  return cells;
}

TEST(Elementary, AgreesWithTheLibrary) {
  std::mt19937 rng(7);
  std::uniform_real_distribution<double> octave(-40.0, 40.0);
  for (int i = 0; i < 200000; ++i) {
    const double x = std::exp2(octave(rng));
    ASSERT_NEAR(natural_log(x), std::log(x), 1e-15 * std::max(1.0, std::fabs(std::log(x)))) << x;
    const auto single = static_cast<float>(x);
    const double expected = std::log2(static_cast<double>(single));
    ASSERT_NEAR(static_cast<double>(fast_log2(single)), expected, 3e-7 * std::max(1.0, std::fabs(expected))) << x;
    const auto y = static_cast<float>(octave(rng) * 3.0);
    const double power = std::exp2(static_cast<double>(y));
    ASSERT_NEAR(static_cast<double>(fast_exp2(y)) / power, 1.0, 3e-7) << y;
  }
  EXPECT_EQ(natural_log(1.0), 0.0);
  EXPECT_EQ(fast_log2(1.0F), 0.0F);
  EXPECT_EQ(fast_exp2(0.0F), 1.0F);
}

TEST(PcmAihwkit, EqualsTheReferenceWithTheSameDeviates) {
  const aihwkit::PcmLikeDevice device;
  std::mt19937 rng(1);
  for (const double seconds : {0.0, 1.0, kHour, kYear, 1e10}) {
    for (const int target_max : {32767, 127, 7, 1000}) {
      constexpr std::uint32_t kSeed = 21, kTile = 6, kRow = 300, kCol0 = 71;
      const auto model = model_at(seconds, kSeed, 96);
      std::vector<std::int16_t> targets(2000);
      for (auto& t : targets) {
        t = static_cast<std::int16_t>(static_cast<int>(rng() % (2U * static_cast<unsigned>(target_max) + 1U)) -
                                      target_max);
      }
      targets[0] = 0;
      targets[1] = static_cast<std::int16_t>(target_max);
      targets[2] = static_cast<std::int16_t>(-target_max);
      targets[3] = -32768;  // counts as full scale
      const auto cells = program(*model, kTile, kRow, kCol0, targets, target_max);
      const test::DocumentedRow row{kSeed, kTile, kRow, 2, seconds};
      int zeros = 0;
      for (std::uint32_t i = 0; i < targets.size(); ++i) {
        const double weight = std::max<int>(targets[i], -target_max) / static_cast<double>(target_max);
        const auto one = [&](double g_target, bool idle) {
          const auto xi = [&](test::Draw draw) { return row.pair(kCol0 + i, draw, idle); };
          return device.read(device.programmed(g_target, xi(test::kProgramming)),
                             device.drift_exponent(g_target, xi(test::kDrift)), seconds, xi(test::kRead));
        };
        const double pair = one(std::fabs(weight) * device.g_max, false) - one(0, true);
        const double code = std::clamp((weight < 0 ? -pair : pair) / device.g_max * 96, -127.0, 127.0);
        // The nearest integer, up to the steps of the tables: docs/numerics.md#pairs-of-devices.
        ASSERT_LE(std::fabs(cells[i] - code), 0.5 + 0.05) << "t " << seconds << " target " << targets[i] << " at " << i;
        zeros += cells[i] == 0 ? 1 : 0;
      }
      EXPECT_LT(zeros, 1200) << "the comparison sees the devices";
    }
  }
}

/// Mean and mean square of one device at `seconds`, by integration over its three deviates.
struct Expected {
  double mean = 0, square = 0;
};

double density(double z) {
  return std::exp(-z * z / 2.0) / std::sqrt(2.0 * std::numbers::pi);
}

Expected expected_device(double g_target, double seconds) {
  const aihwkit::PcmLikeDevice device;
  constexpr double kStep = 0.002;
  Expected programmed, decay;
  for (double z = -8.0; z < 8.0; z += kStep) {
    const double probability = density(z) * kStep;
    const double g = device.programmed(g_target, z);
    if (g > 0.0) {
      // Read noise factor max(0, 1 + a xi): its first two moments in closed form; `a` from the reference at drift 0.
      const double a = device.read(g, 0.0, seconds, 1.0) / g - 1.0;
      const double upper = std::erfc(-1.0 / a / std::numbers::sqrt2) / 2.0;
      programmed.mean += probability * g * (upper + a * density(1.0 / a));
      programmed.square += probability * g * g * ((1.0 + a * a) * upper + a * density(1.0 / a));
    }
    const double factor = std::pow((seconds + device.t_0) / device.t_0, -device.drift_exponent(g_target, z));
    decay.mean += probability * factor;
    decay.square += probability * factor * factor;
  }
  return {programmed.mean * decay.mean / device.g_max, programmed.square * decay.square / device.g_max / device.g_max};
}

struct Moments {
  double mean = 0, deviation = 0;
};

constexpr int kSampleRows = 60, kSampleCols = 1000;
constexpr double kSamples = kSampleRows * kSampleCols;

Moments sample(const ProgrammingModel& model, std::int16_t target, int g_unit) {
  const std::vector<std::int16_t> targets(kSampleCols, target);
  double s1 = 0, s2 = 0;
  for (std::uint32_t row = 0; row < kSampleRows; ++row) {
    for (const std::int8_t g : program(model, 3, row, 0, targets)) {
      s1 += g;
      s2 += static_cast<double>(g) * g;
    }
  }
  const double mean = s1 / kSamples;
  return {mean / g_unit, std::sqrt(s2 / kSamples - mean * mean) / g_unit};
}

TEST(PcmAihwkit, MeanAndDeviationOfEveryBin) {
  constexpr int kGUnit = 96;
  for (const double seconds : {0.0, kDay, kYear}) {
    const auto model = model_at(seconds, 11, kGUnit);
    const Expected idle = expected_device(0.0, seconds);
    for (int step = 1; step <= 10; ++step) {
      const int sign = step % 2 == 0 ? 1 : -1;
      const auto target = static_cast<std::int16_t>(sign * step * 32767 / 10);
      const Expected loaded = expected_device(std::abs(target) / 32767.0 * 25.0, seconds);
      const double mean = sign * (loaded.mean - idle.mean);
      const double variance =
          loaded.square - loaded.mean * loaded.mean + idle.square - idle.mean * idle.mean + 1.0 / 12 / kGUnit / kGUnit;
      const Moments moments = sample(*model, target, kGUnit);
      EXPECT_NEAR(moments.mean, mean, 4.5 * std::sqrt(variance / kSamples) + 1e-5) << seconds << " s, bin " << step;
      // The read noise widens the tails: kurtosis a little above 3.
      EXPECT_NEAR(moments.deviation / std::sqrt(variance), 1.0, 6.0 / std::sqrt(2.0 * kSamples) + 3e-3)
          << seconds << " s, bin " << step;
    }
  }
}

TEST(PcmAihwkit, FullScaleDecaysAsTheDriftLaw) {
  // nu of full scale is 0.049 +- 0.008, hence the mean of (t/t0)^-nu is (t/t0)^-0.049 exp((0.008 ln(t/t0))^2 / 2).
  const double fresh = sample(*model_at(0.0, 5, 96), 32767, 96).mean;
  double previous = fresh;
  for (const double seconds : {60.0, kHour, kDay, kYear}) {
    const double ratio = (seconds + 20.0) / 20.0;
    const double spread = 0.008 * std::log(ratio);
    const double law = std::pow(ratio, -0.049) * std::exp(spread * spread / 2.0);
    const double now = sample(*model_at(seconds, 5, 96), 32767, 96).mean;
    EXPECT_NEAR(now / fresh / law, 1.0, 0.01) << seconds;  // the other device's 0.004 drifts by another law
    EXPECT_LT(now, previous);
    previous = now;
  }
  EXPECT_NEAR(previous / fresh, 0.50, 0.03);  // a year
}

TEST(PcmAihwkit, SmallWeightsDriftMore) {
  const auto decay = [](std::int16_t target) {
    return sample(*model_at(kDay, 5, 127), target, 127).mean / sample(*model_at(0.0, 5, 127), target, 127).mean;
  };
  EXPECT_LT(decay(3277), decay(16384));  // nu 0.060 and 0.049
}

TEST(PcmAihwkit, OneChipAtTwoTimesKeepsItsProgrammingAndReadsAnew) {
  std::mt19937 rng(3);
  std::vector<std::int16_t> targets(20000);
  for (auto& t : targets) t = static_cast<std::int16_t>(static_cast<int>(rng() % 65535) - 32767);
  const auto distance = [&](const std::vector<std::int8_t>& a, const std::vector<std::int8_t>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::sqrt(sum / static_cast<double>(a.size()));
  };
  const auto fresh = program(*model_at(0.0, 9, 96), 1, 2, 3, targets);
  const auto soon = program(*model_at(1e-3, 9, 96), 1, 2, 3, targets);
  const auto other = program(*model_at(0.0, 10, 96), 1, 2, 3, targets);
  // Programming and drift are the chip's; only read noise is new, sqrt(2) times its deviation apart.
  double expected = 1.0 / 6;  // two roundings
  const aihwkit::PcmLikeDevice device;
  for (const std::int16_t target : targets) {
    const double g = std::abs(target) / 32767.0 * 25.0;
    const double a = g > 0 ? (device.read(g, 0.0, 0.0, 1.0) - g) / 25.0 * 96 : 0;
    expected += 2 * a * a / static_cast<double>(targets.size());
  }
  EXPECT_NEAR(distance(fresh, soon) / std::sqrt(expected), 1.0, 0.12);  // the device at 0 reads a little, too
  EXPECT_GT(distance(fresh, other), 1.2 * distance(fresh, soon));
}

TEST(PcmAihwkit, DrawsOfOneCellAreIndependent) {
  constexpr std::uint32_t kCells = 40000;
  const test::DocumentedRow row{1, 2, 3, 2, kDay};
  const auto deviate = [&](std::uint32_t which, std::uint32_t col) {
    return row.pair(col, test::kProgramming + which / 2, which % 2 != 0);
  };
  for (std::uint32_t a = 0; a < 6; ++a) {
    for (std::uint32_t b = a + 1; b < 6; ++b) {
      double product = 0;
      for (std::uint32_t col = 0; col < kCells; ++col) product += deviate(a, col) * deviate(b, col);
      EXPECT_LT(std::fabs(product), 4.5 * std::sqrt(kCells)) << a << " and " << b;
    }
  }
}

}  // namespace
}  // namespace xw::cells
