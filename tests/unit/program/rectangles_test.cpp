// Overlaps, against counting cells.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/rectangles.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace xw::program {
namespace {

TEST(Rectangles, ThatOnlyTouchDoNotOverlap) {
  EXPECT_FALSE(find_overlap({}));
  EXPECT_FALSE(find_overlap({{0, 0, 2, 2, 0}, {2, 0, 2, 2, 1}, {0, 2, 2, 2, 2}, {2, 2, 2, 2, 3}}));
}

TEST(Rectangles, AnOverlapNamesBoth) {
  const auto found = find_overlap({{0, 0, 4, 4, 7}, {3, 3, 4, 4, 9}});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::pair<std::size_t, std::size_t>{7, 9}));
}

TEST(Rectangles, FoundExactlyWhenACellIsCoveredTwice) {
  constexpr unsigned kSeed = 41;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  int overlapping = 0;
  for (int repeat = 0; repeat < 20000; ++repeat) {
    std::array<std::array<int, 16>, 16> cells{};
    std::vector<Rectangle> rectangles;
    bool twice = false;
    for (std::size_t i = 1 + random() % 6; i > 0; --i) {
      const Rectangle made{random() % 8, random() % 8, 1 + random() % 5, 1 + random() % 5, rectangles.size()};
      rectangles.push_back(made);
      for (std::uint64_t row = made.row; row < made.row + made.rows; ++row) {
        for (std::uint64_t col = made.col; col < made.col + made.cols; ++col) twice = ++cells[row][col] > 1 || twice;
      }
    }
    ASSERT_EQ(find_overlap(rectangles).has_value(), twice) << "repeat " << repeat;
    overlapping += twice;
  }
  EXPECT_GT(overlapping, 2000);
  EXPECT_LT(overlapping, 18000);
}

}  // namespace
}  // namespace xw::program
