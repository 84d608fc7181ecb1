// Pairs of devices of every kind as cells: the reference functions with the same deviates. (pcm-aihwkit has a test of its own.)
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/device_pairs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "models/cells/aihwkit_devices.hpp"
#include "models/cells/pcm_afm.hpp"
#include "models/cells/programming.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/cells/documented_deviates.hpp"

namespace xw::cells {
namespace {

constexpr std::uint32_t kSeed = 33, kTile = 4, kRow = 200, kCol0 = 17;
/// What tables of parameters and Q may add to an error, in cell codes: docs/numerics.md#pairs-of-devices.
constexpr double kTables = 0.05;

/// Conductance over g_max of a device that is programmed to r, from its deviates of programming, drift and read.
using Reference = std::function<double(double r, double programming, double drift, double read)>;

struct Case {
  std::string noise;
  std::uint32_t stream;
  double seconds;
  Reference reference;
};

Case hermes(int devices, double seconds) {
  return {"pcm-hermes:devices=" + std::to_string(devices), 3, seconds,
          [device = aihwkit::HermesDevice(devices), seconds](double r, double programming, double drift, double read) {
            const double g = r * device.g_max();
            const double programmed = device.programmed(g, programming);
            return device.read(programmed, device.drift_exponent(g, drift), seconds, read) / device.g_max();
          }};
}

Case wan(int days, aihwkit::ReramTime time) {
  return {"reram-wan2022:days=" + std::to_string(days), 4, 0, [time](double r, double programming, double, double) {
            return aihwkit::reram_wan2022(r * 25.0, time, programming) / 25.0;
          }};
}

TEST(DevicePairs, EqualTheReferenceWithTheSameDeviates) {
  std::mt19937 rng(5);
  const std::vector<Case> cases = {hermes(1, 0),
                                   hermes(1, 3600),
                                   hermes(1, 3.15e7),
                                   hermes(2, 0),
                                   hermes(2, 86400),
                                   hermes(2, 1e10),
                                   wan(0, aihwkit::ReramTime::kOneSecond),
                                   wan(1, aihwkit::ReramTime::kOneDay),
                                   wan(2, aihwkit::ReramTime::kTwoDays)};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.noise + " at " + std::to_string(c.seconds) + " s");
    for (const int target_max : {32767, 127, 7}) {
      const auto model =
          make_programming_model({.noise = c.noise, .chip_seed = kSeed, .g_unit = 96, .seconds = c.seconds});
      std::vector<std::int16_t> targets(3000);
      for (auto& t : targets) {
        t = static_cast<std::int16_t>(static_cast<int>(rng() % (2U * static_cast<unsigned>(target_max) + 1U)) -
                                      target_max);
      }
      std::vector<std::int8_t> cells(targets.size());
      model->program_row(kTile, kRow, kCol0, std::span<const std::int16_t>(targets), target_max, cells);
      const test::DocumentedRow row{kSeed, kTile, kRow, c.stream, c.seconds};
      int changed = 0;
      for (std::uint32_t i = 0; i < targets.size(); ++i) {
        const double w = static_cast<double>(targets[i]) / target_max;
        const auto device = [&](double r, bool idle) {
          const auto xi = [&](test::Draw draw) { return row.pair(kCol0 + i, draw, idle); };
          return c.reference(r, xi(test::kProgramming), xi(test::kDrift), xi(test::kRead));
        };
        const double pair = device(std::fabs(w), false) - device(0, true);
        const double code = std::clamp((w < 0 ? -pair : pair) * 96, -127.0, 127.0);
        // The nearest integer, up to the steps of the tables.
        ASSERT_LE(std::fabs(cells[i] - code), 0.5 + kTables) << "target " << targets[i] << " at " << i;
        changed += std::fabs(cells[i] - w * 96) > 0.51 ? 1 : 0;
      }
      EXPECT_GT(changed, 1500) << "there is noise";
    }
  }
}

TEST(ReramCmo, EqualsTheEquationWithTheSameDeviates) {
  constexpr double kLowest = 9, kHighest = 88.199997;
  for (const double acceptance : {0.2, 2.0}) {
    for (const double seconds : {0.0, 0.5, 3600.0, 3.15e7}) {
      SCOPED_TRACE(std::to_string(acceptance) + " %, " + std::to_string(seconds) + " s");
      const auto model = make_programming_model({.noise = "reram-cmo:acceptance=" + std::to_string(acceptance),
                                                 .chip_seed = kSeed,
                                                 .g_unit = 96,
                                                 .seconds = seconds});
      std::vector<std::int16_t> targets(3000);
      for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = static_cast<std::int16_t>(22 * i - 32767);
      std::vector<std::int8_t> cells(targets.size());
      model->program_row(kTile, kRow, kCol0, std::span<const std::int16_t>(targets), 32767, cells);
      const test::DocumentedRow row{kSeed, kTile, kRow, 5, seconds};
      for (std::uint32_t i = 0; i < targets.size(); ++i) {
        const double target = kLowest + (targets[i] / 32767.0 + 1) / 2 * (kHighest - kLowest);
        const double spread = acceptance < 1 ? 0.00081107 + 0.00106879 * target : 0.0112185391 + 0.01129027418 * target;
        const auto xi = [&](test::Draw draw) { return row.single(kCol0 + i, draw); };
        double g = target + spread * xi(test::kProgramming);
        if (seconds > 0) {
          g += -0.08900206 * std::log(seconds) + (0.04201137 * std::log(seconds) + 0.41183342) * xi(test::kDrift);
          g += 0.0277316483 * std::log10(g) * std::sqrt(std::log((seconds + 1e-6) / 2e-6)) * xi(test::kRead);
          g = std::clamp(g, kLowest, kHighest);
        }
        const double code = std::clamp(((g - kLowest) / (kHighest - kLowest) * 2 - 1) * 96, -127.0, 127.0);
        ASSERT_LE(std::fabs(cells[i] - code), 0.5 + 1e-3) << "target " << targets[i];
      }
    }
  }
  test::expect_error(ErrorCode::kInvalidArgument, "at 0.2 and 2 % only",
                     [] { (void)make_programming_model({.noise = "reram-cmo:acceptance=1"}); });
}

TEST(PcmAfm, AgesAsTheDeviceOfAihwkitFromItsOwnProgramming) {
  const aihwkit::PcmLikeDevice device;
  for (const int target_max : {32767, 127}) {
    const auto cells_at = [&](double seconds, const std::vector<std::int16_t>& targets) {
      std::vector<std::int8_t> cells(targets.size());
      make_programming_model({.noise = "pcm-afm", .chip_seed = kSeed, .g_unit = 96, .seconds = seconds})
          ->program_row(kTile, kRow, kCol0, std::span<const std::int16_t>(targets), target_max, cells);
      return cells;
    };
    std::vector<std::int16_t> targets(4000);
    for (std::size_t i = 0; i < targets.size(); ++i)
      targets[i] = static_cast<std::int16_t>(static_cast<int>(i) * 2 * target_max / 3999 - target_max);
    for (const double seconds : {1.0, 3600.0, 86400.0, 3.15e7}) {
      const std::vector<std::int8_t> cells = cells_at(seconds, targets);
      const test::DocumentedRow row{kSeed, kTile, kRow, 0, seconds};
      for (std::uint32_t i = 0; i < targets.size(); ++i) {
        const double w = static_cast<double>(targets[i]) / target_max;
        const double r = std::fabs(w);
        // The programming of pcm-afm: its polynomial, docs/numerics.md#pcm-afm.
        const double programmed = r * 180 < 0.6 ? 0 : w + pcm_afm_sigma(w) * row.first(kCol0 + i);
        const double nu = device.drift_exponent(r * device.g_max, row.single(kCol0 + i, test::kDrift));
        const double read =
            device.read(std::fabs(programmed) * device.g_max, nu, seconds, row.single(kCol0 + i, test::kRead)) /
            device.g_max;
        const double code = std::clamp((programmed < 0 ? -read : read) * 96, -127.0, 127.0);
        ASSERT_LE(std::fabs(cells[i] - code), 0.5 + kTables) << seconds << " s, target " << targets[i] << " at " << i;
      }
    }
  }
}

TEST(CellModels, ReadNoiseIsNewAtEveryTimeAndTheRestStays) {
  // Two times a second apart: what differs is read noise. aihwkit's own cells at 1 h and 1 d correlate as these must: far from 1.
  std::vector<std::int16_t> targets(20000, 16384);
  for (const char* noise : {"pcm-aihwkit", "pcm-hermes"}) {
    const auto cells_at = [&](double seconds) {
      std::vector<std::int8_t> cells(targets.size());
      make_programming_model({.noise = noise, .chip_seed = 3, .g_unit = 127, .seconds = seconds})
          ->program_row(1, 2, 0, std::span<const std::int16_t>(targets), 32767, cells);
      return cells;
    };
    const auto correlation = [&](const std::vector<std::int8_t>& a, const std::vector<std::int8_t>& b) {
      double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
      const auto n = static_cast<double>(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        sa += a[i], sb += b[i], saa += a[i] * a[i], sbb += b[i] * b[i], sab += a[i] * b[i];
      }
      return (sab / n - sa / n * sb / n) / std::sqrt((saa / n - sa / n * sa / n) * (sbb / n - sb / n * sb / n));
    };
    const auto hour = cells_at(3600), second_later = cells_at(3601), again = cells_at(3600);
    EXPECT_EQ(hour, again);
    const double same = correlation(hour, second_later);
    EXPECT_GT(same, 0.3) << noise << ": programming and drift are those of the chip";
    EXPECT_LT(same, 0.95) << noise << ": read noise is new";
  }
}

TEST(CellModels, ModelsOfOneSeedAreIndependent) {
  // What noise adds to one target, of the models that have it.
  std::vector<std::int16_t> targets(20000, 16384);
  std::vector<std::pair<std::string, std::vector<double>>> noises;
  for (const char* noise : {"gaussian:gamma=0.1", "pcm-afm", "pcm-aihwkit", "pcm-hermes", "reram-wan2022"}) {
    std::vector<std::int8_t> cells(targets.size());
    make_programming_model({.noise = noise, .chip_seed = 3, .g_unit = 96})
        ->program_row(1, 2, 0, std::span<const std::int16_t>(targets), 32767, cells);
    double mean = 0, square = 0;
    for (const std::int8_t cell : cells) mean += cell / 20000.0;
    for (const std::int8_t cell : cells) square += (cell - mean) * (cell - mean) / 20000.0;
    noises.emplace_back(noise, cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) noises.back().second[i] = (cells[i] - mean) / std::sqrt(square);
  }
  for (std::size_t a = 0; a < noises.size(); ++a) {
    for (std::size_t b = a + 1; b < noises.size(); ++b) {
      double product = 0;
      for (std::size_t i = 0; i < targets.size(); ++i) product += noises[a].second[i] * noises[b].second[i];
      EXPECT_LT(std::fabs(product) / std::sqrt(20000.0), 4.5) << noises[a].first << " and " << noises[b].first;
    }
  }
}

TEST(DevicePairs, OtherTimesOfTheMemoryOfWanAreRefused) {
  for (const char* noise : {"reram-wan2022:days=0.5", "reram-wan2022:days=3", "pcm-hermes:devices=1.5"}) {
    test::expect_error(ErrorCode::kInvalidArgument, "a whole number",
                       [&] { (void)make_programming_model({.noise = noise}); });
  }
  test::expect_error(ErrorCode::kInvalidArgument, "pcm-afm, pcm-aihwkit, pcm-hermes, reram-cmo",
                     [] { (void)make_programming_model({.noise = "reram-wan2022", .seconds = 3600}); });
}

}  // namespace
}  // namespace xw::cells
