// Cells with a past and drift compensation against vectors made by aihwkit 1.2.0 (tests/fixtures/golden/make_chip_life.py).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/cells/aihwkit_devices.hpp"
#include "models/cells/compensation.hpp"
#include "tests/support/paths.hpp"

namespace xw::cells::aihwkit {
namespace {

using nlohmann::json;
using Numbers = std::vector<double>;

constexpr double kTolerance = 3e-6;  // the vectors are fp32

json cases() {
  std::ifstream file(test::source_dir() / "tests/fixtures/golden/chip_life.json");
  return json::parse(file).at("cases");
}

const json& find(const json& all, const std::string& name) {
  for (const json& one : all) {
    if (one.at("case") == name) return one;
  }
  throw std::runtime_error("chip_life.json: no case " + name);
}

/// Largest difference from out[i], relative to the largest of them.
double error_of(const Numbers& out, const std::function<double(std::size_t)>& found) {
  double difference = 0, magnitude = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    difference = std::max(difference, std::fabs(found(i) - out[i]));
    magnitude = std::max(magnitude, std::fabs(out[i]));
  }
  EXPECT_GT(magnitude, 0);
  return difference / magnitude;
}

template <typename Device>
void check_phase_change(const json& c, const Device& device) {
  SCOPED_TRACE(c.at("case"));
  const Numbers g = c.at("g_target"), xi = c.at("xi_programming"), programmed = c.at("programmed"),
                xi_nu = c.at("xi_drift"), nu = c.at("nu");
  ASSERT_EQ(g.size(), 33U);
  EXPECT_LT(error_of(programmed, [&](std::size_t i) { return device.programmed(g[i], xi[i]); }), kTolerance);
  EXPECT_LT(error_of(nu, [&](std::size_t i) { return device.drift_exponent(g[i], xi_nu[i]); }), kTolerance);
  ASSERT_EQ(c.at("times").size(), 3U);
  for (const json& time : c.at("times")) {
    const Numbers xi_read = time.at("xi").at(0), out = time.at("out");
    const double t = time.at("t");
    EXPECT_LT(error_of(out, [&](std::size_t i) { return device.read(programmed[i], nu[i], t, xi_read[i]); }),
              kTolerance)
        << t;
  }
}

TEST(ChipLife, PhaseChangeDevicesAreThoseOfAihwkitAtAllTimes) {
  const json all = cases();
  check_phase_change(find(all, "pcm"), PcmLikeDevice());
  check_phase_change(find(all, "hermes1"), HermesDevice(1));
  check_phase_change(find(all, "hermes2"), HermesDevice(2));
}

TEST(ChipLife, ResistiveDevicesAreThoseOfAihwkitAtAllTimes) {
  const json all = cases();
  const json& wan = find(all, "wan2022");
  const Numbers g = wan.at("g_target"), xi = wan.at("xi_programming"), programmed = wan.at("programmed");
  const auto at = [&](ReramTime time, const Numbers& deviates) {
    return [&, time](std::size_t i) { return reram_wan2022(g[i], time, deviates[i]); };
  };
  EXPECT_LT(error_of(programmed, at(ReramTime::kOneSecond, xi)), kTolerance);
  // aihwkit applies the spread of a time to what it takes for the target: the "drift coefficients", which are the targets.
  ASSERT_EQ(wan.at("times").size(), 2U);
  const ReramTime times[] = {ReramTime::kOneDay, ReramTime::kTwoDays};
  for (std::size_t k = 0; k < 2; ++k) {
    const Numbers xi_k = wan.at("times").at(k).at("xi").at(0), out = wan.at("times").at(k).at("out");
    EXPECT_LT(error_of(out, at(times[k], xi_k)), kTolerance) << k;
  }
  for (const auto& [name, acceptance] : {std::pair("cmo02", 0.2), std::pair("cmo2", 2.0)}) {
    SCOPED_TRACE(name);
    const json& c = find(all, name);
    const ReramCmoDevice device(acceptance);
    const Numbers targets = c.at("g_target"), xi_programming = c.at("xi_programming"), written = c.at("programmed");
    EXPECT_LT(error_of(written, [&](std::size_t i) { return device.programmed(targets[i], xi_programming[i]); }),
              kTolerance);
    ASSERT_EQ(c.at("times").size(), 3U);
    for (const json& time : c.at("times")) {
      const Numbers relaxation = time.at("xi").at(0), read = time.at("xi").at(1), out = time.at("out");
      EXPECT_LT(
          error_of(out, [&](std::size_t i) { return device.read(written[i], time.at("t"), relaxation[i], read[i]); }),
          kTolerance)
          << time.at("t");
    }
  }
}

TEST(ChipLife, CompensationIsThatOfAihwkit) {
  for (const char* name : {"compensation_pcm", "compensation_hermes2"}) {
    SCOPED_TRACE(name);
    const json all = cases();
    const json& c = find(all, name);
    const std::size_t rows = c.at("rows"), cols = c.at("cols");
    const Numbers fresh = c.at("fresh");
    constexpr double kStep = 1U << 30U;  // answers as integers, fine enough
    const auto sum = [&](const Numbers& answers, std::size_t col) {
      std::uint64_t total = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        total += static_cast<std::uint64_t>(std::llround(std::fabs(answers[row * cols + col]) * kStep));
      }
      return total;
    };
    for (const json& time : c.at("times")) {
      const Numbers now = time.at("answers"), column = time.at("column");
      const double global = time.at("global").at(0);
      std::vector<ColumnAnswers> answers;
      for (std::size_t col = 0; col < cols; ++col) answers.push_back({7, true, 1.0, sum(fresh, col), sum(now, col)});
      const auto vectors = static_cast<std::uint32_t>(rows);
      const Numbers ours = compensation_factors(CompensationKind::kColumn, answers, vectors).factors;
      EXPECT_LT(error_of(column, [&](std::size_t i) { return ours[i]; }), kTolerance) << time.at("t");
      const Numbers tile = compensation_factors(CompensationKind::kGlobal, answers, vectors).factors;
      for (const double factor : tile) EXPECT_NEAR(factor / global, 1.0, kTolerance) << time.at("t");
      EXPECT_GT(global, 1.1) << "there is drift to compensate";
    }
  }
}

}  // namespace
}  // namespace xw::cells::aihwkit
