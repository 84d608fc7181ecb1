// Faults by rate and from maps, and what they do to cell codes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/faults.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::cells {
namespace {

FaultOptions with_map(const std::string& text) {
  FaultOptions options;
  options.map = "chip.csv";
  options.map_text = text;
  return options;
}

TEST(Faults, AStuckDeviceLeavesTheOther) {
  // A weight of 50: plus device 50, minus device 0. A weight of -50 the other way round. g_unit 96.
  EXPECT_EQ(stuck_code(Stuck::kNone, 50, 96), 50);
  EXPECT_EQ(stuck_code(Stuck::kLowPlus, 50, 96), 0);
  EXPECT_EQ(stuck_code(Stuck::kLowMinus, 50, 96), 50);
  EXPECT_EQ(stuck_code(Stuck::kHighPlus, 50, 96), 96);
  EXPECT_EQ(stuck_code(Stuck::kHighMinus, 50, 96), -46);
  EXPECT_EQ(stuck_code(Stuck::kLowPlus, -50, 96), -50);
  EXPECT_EQ(stuck_code(Stuck::kLowMinus, -50, 96), 0);
  EXPECT_EQ(stuck_code(Stuck::kHighPlus, -50, 96), 46);
  EXPECT_EQ(stuck_code(Stuck::kHighMinus, -50, 96), -96);
  EXPECT_EQ(stuck_code(Stuck::kHighPlus, -127, 96), -31);
}

TEST(Faults, RatesAreThoseThatWereAskedFor) {
  const FaultOptions options = parse_faults("stuck-low=0.01,stuck-high=0.02,rows=0.1,columns=0.2,tiles=0.3,seed=5");
  const Faults faults(options, 99);
  constexpr std::uint32_t kTiles = 20, kSize = 128;
  double low_plus = 0, low = 0, high_plus = 0, high = 0, rows = 0, columns = 0, tiles = 0;
  for (std::uint32_t tile = 0; tile < 50 * kTiles; ++tile) tiles += faults.tile(tile) ? 1 : 0;
  for (std::uint32_t tile = 0; tile < kTiles; ++tile) {
    for (std::uint32_t row = 0; row < kSize; ++row) {
      rows += faults.row(tile, row) ? 1 : 0;
      columns += faults.column(tile, row) ? 1 : 0;
      for (std::uint32_t column = 0; column < kSize; ++column) {
        const Stuck stuck = faults.cell(tile, row, column);
        low_plus += stuck == Stuck::kLowPlus ? 1 : 0;
        low += stuck == Stuck::kLowPlus || stuck == Stuck::kLowMinus ? 1 : 0;
        high_plus += stuck == Stuck::kHighPlus ? 1 : 0;
        high += stuck == Stuck::kHighPlus || stuck == Stuck::kHighMinus ? 1 : 0;
      }
    }
  }
  const auto expect = [](double count, double total, double probability, const char* what) {
    EXPECT_NEAR(count, total * probability, 4.5 * std::sqrt(total * probability * (1 - probability))) << what;
  };
  constexpr double kCells = double{kTiles} * kSize * kSize;
  expect(low, kCells, 0.01, "low");
  expect(high, kCells, 0.02, "high");
  expect(low_plus, low, 0.5, "low plus");
  expect(high_plus, high, 0.5, "high plus");
  expect(rows, double{kTiles} * kSize, 0.1, "rows");
  expect(columns, double{kTiles} * kSize, 0.2, "columns");
  expect(tiles, 50.0 * kTiles, 0.3, "tiles");
  // Without a seed of their own, faults are the chip's.
  const Faults of_chip(parse_faults("stuck-low=0.01,stuck-high=0.02"), 5);
  const Faults of_other(parse_faults("stuck-low=0.01,stuck-high=0.02"), 6);
  int same = 0, other = 0;
  for (std::uint32_t column = 0; column < 20000; ++column) {
    same += of_chip.cell(1, 2, column) == faults.cell(1, 2, column) ? 0 : 1;
    other += of_other.cell(1, 2, column) == faults.cell(1, 2, column) ? 0 : 1;
  }
  EXPECT_EQ(same, 0);
  EXPECT_GT(other, 500);
}

TEST(Faults, SegmentsGiveWhatCellsGive) {
  FaultOptions options = with_map("cell,3,7,12,high-minus\ncell,3,7,13,low-plus\n");
  options.stuck_low = 0.05;
  options.stuck_high = 0.1;
  const Faults faults(options, 8);
  for (const std::uint32_t row : {7U, 8U}) {
    for (std::uint32_t column0 = 0; column0 < 15; ++column0) {
      for (std::uint32_t count = 1; count < 40; count += 6) {
        std::vector<std::int8_t> codes(count, 40);
        faults.apply(3, row, column0, codes, 96);
        for (std::uint32_t i = 0; i < count; ++i)
          ASSERT_EQ(codes[i], stuck_code(faults.cell(3, row, column0 + i), 40, 96)) << row << ' ' << column0 + i;
      }
    }
  }
  EXPECT_EQ(faults.cell(3, 7, 12), Stuck::kHighMinus);
  EXPECT_EQ(faults.cell(3, 7, 13), Stuck::kLowPlus);
}

TEST(Faults, MapsAreOfMeasuredChips) {
  const Faults faults(with_map("# tester 3\r\ntile,2\r\n\nrow,0,5\ncolumn,1,63\ncell,0,1,2,low-minus"), 1);
  EXPECT_TRUE(faults.any());
  EXPECT_TRUE(faults.tile(2));
  EXPECT_FALSE(faults.tile(1));
  EXPECT_TRUE(faults.row(0, 5));
  EXPECT_FALSE(faults.row(1, 5));
  EXPECT_TRUE(faults.column(1, 63));
  EXPECT_FALSE(faults.column(0, 63));
  EXPECT_EQ(faults.cell(0, 1, 2), Stuck::kLowMinus);
  EXPECT_EQ(faults.cell(0, 1, 3), Stuck::kNone);
  EXPECT_FALSE(Faults({}, 1).any());
  for (const char* line : {"tile", "tile,x", "tile,1,2", "row,1", "column,1,2,3", "cell,1,2,3", "cell,1,2,3,broken",
                           "device,1", "tile,-1", "tile,4294967296"}) {
    test::expect_error(ErrorCode::kFormat, {"chip.csv:2: expected tile,T or row,T,R", line},
                       [&] { Faults wrong(with_map("tile,1\n" + std::string(line) + "\n"), 1); });
  }
}

TEST(Faults, TextsThatMeanNothingAreRefused) {
  EXPECT_FALSE(Faults(parse_faults("none"), 1).any());
  EXPECT_EQ(parse_faults("rows=1e-3,seed=7").seed, 7U);
  for (const char* text : {"", "stuck=1", "rows", "rows=", "rows=1.1", "rows=-0.1", "rows=nan", "rows=0.1,rows=0.2",
                           "seed=-1", "map=", "stuck-low=0.6,stuck-high=0.6"}) {
    test::expect_error(ErrorCode::kInvalidArgument, "faults: expected", [&] { (void)parse_faults(text); });
  }
  test::expect_error(ErrorCode::kFileNotFound, "/nowhere/chip.csv",
                     [] { (void)parse_faults("map=/nowhere/chip.csv"); });
}

}  // namespace
}  // namespace xw::cells
