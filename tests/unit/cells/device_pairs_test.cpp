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

#include "models/analog/threefry.hpp"
#include "models/cells/aihwkit_devices.hpp"
#include "models/cells/normal.hpp"
#include "models/cells/programming.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::cells {
namespace {

constexpr std::uint32_t kSeed = 33, kTile = 4, kRow = 200, kCol0 = 17;

double deviate(std::uint32_t column, PcmDraw draw, std::uint32_t side) {
  const auto key = analog::threefry2x32<20>(kSeed, kTile, 0x474F5250U, static_cast<std::uint32_t>(draw) + side);
  const auto words = analog::threefry2x32<20>(key[0], key[1], kRow, column / 2);
  return static_cast<double>(NormalTable::instance()(words[column % 2]));
}

/// Conductance over g_max of a device that is programmed to r, from its deviates of programming, drift and read.
using Reference = std::function<double(double r, double programming, double drift, double read)>;

struct Case {
  std::string noise;
  double seconds;
  Reference reference;
};

Case hermes(int devices, double seconds) {
  return {"pcm-hermes:devices=" + std::to_string(devices), seconds,
          [device = aihwkit::HermesDevice(devices), seconds](double r, double programming, double drift, double read) {
            const double g = r * device.g_max();
            const double programmed = device.programmed(g, programming);
            return device.read(programmed, device.drift_exponent(g, drift), seconds, read) / device.g_max();
          }};
}

Case wan(int days, aihwkit::ReramTime time) {
  return {"reram-wan2022:days=" + std::to_string(days), 0, [time](double r, double programming, double, double) {
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
      int changed = 0;
      for (std::uint32_t i = 0; i < targets.size(); ++i) {
        const double w = static_cast<double>(targets[i]) / target_max;
        const auto side = [&](double r, std::uint32_t which) {
          return c.reference(r, deviate(kCol0 + i, PcmDraw::kProgrammingPlus, which),
                             deviate(kCol0 + i, PcmDraw::kDriftPlus, which),
                             deviate(kCol0 + i, PcmDraw::kReadPlus, which));
        };
        const double code = std::clamp((side(std::max(w, 0.0), 0) - side(std::max(-w, 0.0), 1)) * 96, -127.0, 127.0);
        // The nearest integer, up to fp32 rounding and the steps of the table of read noise.
        ASSERT_LE(std::fabs(cells[i] - code), 0.5 + 5e-3) << "target " << targets[i] << " at " << i;
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
      for (std::uint32_t i = 0; i < targets.size(); ++i) {
        const double target = kLowest + (targets[i] / 32767.0 + 1) / 2 * (kHighest - kLowest);
        const double spread = acceptance < 1 ? 0.00081107 + 0.00106879 * target : 0.0112185391 + 0.01129027418 * target;
        double g = target + spread * deviate(kCol0 + i, PcmDraw::kProgrammingPlus, 0);
        if (seconds > 0) {
          g += -0.08900206 * std::log(seconds) +
               (0.04201137 * std::log(seconds) + 0.41183342) * deviate(kCol0 + i, PcmDraw::kDriftPlus, 0);
          g += 0.0277316483 * std::log10(g) * std::sqrt(std::log((seconds + 1e-6) / 2e-6)) *
               deviate(kCol0 + i, PcmDraw::kReadPlus, 0);
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

TEST(DevicePairs, OtherTimesOfTheMemoryOfWanAreRefused) {
  for (const char* noise : {"reram-wan2022:days=0.5", "reram-wan2022:days=3", "pcm-hermes:devices=1.5"}) {
    test::expect_error(ErrorCode::kInvalidArgument, "a whole number",
                       [&] { (void)make_programming_model({.noise = noise}); });
  }
  test::expect_error(ErrorCode::kInvalidArgument, "pcm-aihwkit, pcm-hermes, reram-cmo",
                     [] { (void)make_programming_model({.noise = "reram-wan2022", .seconds = 3600}); });
}

}  // namespace
}  // namespace xw::cells
