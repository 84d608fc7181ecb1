// Cells of one's own: the curves, what they do to cells, chips that differ, and what is refused.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/custom.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/programming.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace xw::cells {
namespace {

constexpr int kCells = 60000;

struct Moments {
  double mean = 0, deviation = 0;
};

/// Of cells with one target, in units of w_max.
Moments moments(const std::string& noise, double weight, double seconds, std::uint32_t seed = 1) {
  const std::vector<std::int16_t> targets(kCells, static_cast<std::int16_t>(std::lround(weight * 32767)));
  std::vector<std::int8_t> cells(kCells);
  make_programming_model({.noise = noise, .chip_seed = seed, .g_unit = 100, .seconds = seconds})
      ->program_row(1, 2, 0, std::span<const std::int16_t>(targets), 32767, cells);
  double sum = 0, squares = 0;
  for (const std::int8_t cell : cells) sum += cell / 100.0 / kCells;
  for (const std::int8_t cell : cells) squares += std::pow(cell / 100.0 - sum, 2) / kCells;
  return {sum, std::sqrt(std::max(0.0, squares - 1.0 / 12 / 100 / 100))};
}

std::string table(const std::string& text) {
  static const test::TemporaryFolder folder;
  std::string path = folder / "custom_cells.csv";
  std::ofstream(path) << text;
  return path;
}

TEST(CustomCells, PolynomialsAreTheirStatistics) {
  // Programming 0.02 + 0.1 r^2 of the loaded device, 0.02 of the empty one, which conducts max(0, 0.02 xi).
  const Moments fresh = moments("custom:programming=0.02/0/0.1", 0.5, 0);
  const double idle_mean = 0.02 * 0.3989423, idle_variance = 0.02 * 0.02 * (0.5 - 0.3989423 * 0.3989423);
  EXPECT_NEAR(fresh.mean, 0.5 - idle_mean, 4.5 * 0.05 / std::sqrt(kCells) + 1e-4);
  EXPECT_NEAR(fresh.deviation, std::sqrt(0.045 * 0.045 + idle_variance), 0.001);
  // Drift without spread is the law: ((980 + 20) / 20)^-nu with nu = 0.1 - 0.05 r.
  EXPECT_NEAR(moments("custom:drift=0.1/-0.05", 0.8, 980).mean, 0.8 * std::pow(50, -0.06), 1e-3 + 0.005);
  EXPECT_NEAR(moments("custom:drift=0.1,t0=980", 0.8, 980).mean, 0.8 * std::pow(2, -0.1), 0.005);
  // Read noise: Q sqrt(ln((t + t_read) / (2 t_read))) of the conductance; t = 1 s and 0 s after programming.
  const double reads = std::sqrt(std::log((1 + 1e-3) / 2e-3));
  EXPECT_NEAR(moments("custom:read=0.02,t0=1,t-read=1e-3", 0.6, 0).deviation, 0.6 * 0.02 * reads, 0.0008);
  EXPECT_NEAR(moments("custom", 0.6, 1e6).deviation, 0, 0.003) << "without keys: ideal";
}

TEST(CustomCells, TablesAreStraightLinesBetweenPoints) {
  const std::string path =
      table("r,programming,drift,drift_spread,read\n0,0,0,0,0\r\n0.5,0.04,0.1,0,0\n1,0.08,0.1,0,0\n");
  const std::string noise = "custom:table=" + path;
  EXPECT_NEAR(moments(noise, 0.25, 0).deviation, 0.02, 0.0006);
  EXPECT_NEAR(moments(noise, 0.75, 0).deviation, 0.06, 0.0012);
  EXPECT_NEAR(moments(noise, -0.75, 980).mean, -0.75 * std::pow(50, -0.1), 0.006);
  const CustomCells cells = parse_custom("table=" + path);
  EXPECT_DOUBLE_EQ(cells.programming(0.125), 0.01);
  EXPECT_DOUBLE_EQ(cells.drift(0.25), 0.05);
  EXPECT_DOUBLE_EQ(cells.programming(2), 0.08) << "constant beyond";
}

std::vector<std::int8_t> programmed(const std::string& noise, double seconds) {
  std::vector<std::int16_t> targets(300);
  for (std::size_t i = 0; i < targets.size(); ++i)
    targets[i] = static_cast<std::int16_t>(static_cast<int>(i) * 218 - 32700);
  std::vector<std::int8_t> cells(targets.size());
  make_programming_model({.noise = noise, .chip_seed = 4, .g_unit = 100, .seconds = seconds})
      ->program_row(1, 2, 0, std::span<const std::int16_t>(targets), 32767, cells);
  return cells;
}

TEST(CustomCells, WhatWasReadFromATableNeedsItsFileNoMore) {
  const std::string path = table(
      "r,programming,drift,drift_spread,read\n0,0.01,0.05,0.001,0.2\n0.1,0.0333333333333333,0.04,0,0.1\n1,8e-2,0.03,0."
      "002,0\n");
  const std::string text = parse_noise("custom:t0=30,table=" + path + ",die=0.1").text();
  const std::string points =
      "custom:t0=30,die=0.1,programming=0@0.01/0.1@0.0333333333333333/1@0.08,drift=0@0.05/0.1@0.04/1@0.03,"
      "drift-spread=0@0.001/0.1@0/1@0.002,read=0@0.2/0.1@0.1/1@0";
  EXPECT_EQ(text, points);
  EXPECT_EQ(parse_noise(text).text(), text);
  EXPECT_EQ(noise_file("custom:t0=30,table=" + path + ",die=0.1"), path);
  EXPECT_EQ(noise_file(text), "");
  EXPECT_EQ(noise_file("gaussian:table=a"), "");
  const std::vector<std::int8_t> before = programmed("custom:t0=30,die=0.1,table=" + path, 86400);
  std::filesystem::remove(path);
  EXPECT_EQ(programmed(text, 86400), before);
  EXPECT_NE(programmed("custom:t0=30,die=0.1", 86400), before);
}

TEST(CustomCells, ATableLiesBesideWhatNamesIt) {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "mine.csv") << "r,programming,drift,drift_spread,read\n0,0,0,0,0\n1,0.5,0,0,0\n";
  EXPECT_EQ(parse_noise("custom:table=mine.csv", folder.path()).text(),
            "custom:programming=0@0/1@0.5,drift=0@0/1@0,drift-spread=0@0/1@0,read=0@0/1@0");
  test::expect_error(ErrorCode::kFileNotFound, "mine.csv", [] { (void)parse_noise("custom:table=mine.csv"); });
}

TEST(CustomCells, LongTextsAreShortInMessages) {
  EXPECT_EQ(noise_label("custom:programming=0.01"), "custom:programming=0.01");
  const std::string longer = "custom:programming=0@0" + std::string(100, '0');
  EXPECT_LT(noise_label(longer).size(), longer.size());
  EXPECT_NE(noise_label(longer), noise_label(longer.substr(0, longer.size() - 1) + "1"));
}

TEST(CustomCells, ChipsDifferByTheSpreadFromDieToDie) {
  const double expected = 0.05;
  double sum = 0, squares = 0;
  constexpr int kChips = 40;
  for (std::uint32_t seed = 0; seed < kChips; ++seed) {
    EXPECT_NEAR(moments("custom:programming=0.05", 0.9, 0, seed).deviation, std::hypot(expected, 0.0292), 0.002);
    const double log_ratio =
        std::log(moments("custom:programming=0/0.05,die=0.3", 0.9, 0, seed).deviation / (0.9 * expected));
    sum += log_ratio / kChips;
    squares += log_ratio * log_ratio / kChips;
  }
  EXPECT_NEAR(sum, 0, 4.5 * 0.3 / std::sqrt(kChips));
  EXPECT_NEAR(std::sqrt(squares), 0.3, 4.5 * 0.3 / std::sqrt(2.0 * kChips));
}

TEST(CustomCells, WhatMeansNothingIsRefused) {
  for (const char* text :
       {"programming", "programming=", "programming=a", "programming=0.1/", "nu=0.1", "t0=0", "t-read=-1", "die=3",
        "die=0.1,die=0.2", "table=", "programming=nan", "programming=0@1", "read=0@1/1", "read=0@1/0@1/1@1",
        "drift=0.5@1/1@1", "drift=0@-1/1@1", "read=0@1/1@", "read=@"}) {
    test::expect_error(ErrorCode::kInvalidArgument, {"programming model 'custom': expected"},
                       [&] { (void)make_programming_model({.noise = "custom:" + std::string(text)}); });
  }
  std::string too_many;
  for (int i = 0; i <= 1000; ++i) too_many += std::to_string(i) + ",0,0,0,0\n";
  const std::string head = "r,programming,drift,drift_spread,read\n";
  for (const auto& [text, expected] : {std::pair(std::string("r,sigma\n"), "csv:1: expected r,programming"),
                                       {head, "points from r = 0 up to r = 1"},
                                       {head + "0,0,0,0,0\n0.5,0,0,0,0\n", "points from r = 0 up to r = 1"},
                                       {head + "0.1,0,0,0,0\n", "csv:2: expected r = 0"},
                                       {head + "0,0,0,0,0\n0,0,0,0,0\n", "csv:3: expected a larger r"},
                                       {head + "0,0,0,0\n", "csv:2: expected five numbers"},
                                       {head + "0,-1,0,0,0\n", "csv:2: expected five numbers"},
                                       {head + too_many, "csv:1002: expected at most 1000 points"}}) {
    const std::string path = table(text);
    test::expect_error(ErrorCode::kFormat, expected, [&] { (void)parse_custom("table=" + path); });
  }
  const std::string good = table(head + "0,0,0,0,0\n1,0,0,0,0\n");
  test::expect_error(ErrorCode::kInvalidArgument, "a table or coefficients, not both",
                     [&] { (void)parse_custom("read=0.1,table=" + good); });
  test::expect_error(ErrorCode::kFileNotFound, "/nowhere.csv", [] { (void)parse_custom("table=/nowhere.csv"); });
}

}  // namespace
}  // namespace xw::cells
