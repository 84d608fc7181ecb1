// Packing and its bounds against exhaustive search.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/packing.hpp"

#include <gtest/gtest.h>

#include <random>

#include "compiler/mapping/bounds.hpp"

namespace xw::mapping {
namespace {

/// Bins that these rectangles need at least: tries every place of every rectangle (bins of at most 64 cells).
class Exhaustive {
 public:
  Exhaustive(const std::vector<Kind>& kinds, const BinShape& bin) : bin_(bin) {
    for (const Kind& kind : kinds) {
      for (std::uint64_t n = 0; n < kind.count; ++n) rects_.push_back(kind);
    }
  }
  std::size_t solve() {
    best_ = rects_.size();
    place(0);
    return best_;
  }

 private:
  std::uint64_t mask(const Kind& rect, std::uint32_t row0, std::uint32_t col0) const {
    std::uint64_t cells = 0;
    for (std::uint32_t r = row0; r < row0 + rect.rows; ++r) {
      for (std::uint32_t c = col0; c < col0 + rect.cols; ++c) cells |= std::uint64_t{1} << (r * bin_.cols + c);
    }
    return cells;
  }
  void place(std::size_t index) {
    if (bins_.size() >= best_) return;
    if (index == rects_.size()) {
      best_ = bins_.size();
      return;
    }
    const Kind& rect = rects_[index];
    const std::size_t open = bins_.size();
    for (std::size_t b = 0; b <= open; ++b) {
      if (b == open) bins_.push_back(0);
      for (std::uint32_t r = 0; r + rect.rows <= bin_.rows; ++r) {
        for (std::uint32_t c = 0; c + rect.cols <= bin_.cols; ++c) {
          const std::uint64_t cells = mask(rect, r, c);
          if ((bins_[b] & cells) != 0) continue;
          bins_[b] |= cells;
          place(index + 1);
          bins_[b] &= ~cells;
        }
      }
      if (b == open) bins_.pop_back();
    }
  }

  BinShape bin_;
  std::vector<Kind> rects_;
  std::vector<std::uint64_t> bins_;
  std::size_t best_ = 0;
};

/// Every rectangle once, inside, without overlap.
void expect_valid(const Packing& packing, const std::vector<Kind>& kinds, const BinShape& bin) {
  std::vector<std::uint64_t> placed(kinds.size(), 0);
  for (const Bin& filled : packing) {
    std::vector<bool> cells(std::size_t{bin.rows} * bin.cols, false);
    ASSERT_FALSE(filled.slots.empty());
    for (const Slot& slot : filled.slots) {
      ASSERT_LT(slot.kind, kinds.size());
      placed[slot.kind] += filled.count;
      ASSERT_LE(slot.row0 + kinds[slot.kind].rows, bin.rows);
      ASSERT_LE(slot.col0 + kinds[slot.kind].cols, bin.cols);
      for (std::uint32_t r = slot.row0; r < slot.row0 + kinds[slot.kind].rows; ++r) {
        for (std::uint32_t c = slot.col0; c < slot.col0 + kinds[slot.kind].cols; ++c) {
          ASSERT_FALSE(cells[std::size_t{r} * bin.cols + c]) << "overlap";
          cells[std::size_t{r} * bin.cols + c] = true;
        }
      }
    }
  }
  for (std::size_t k = 0; k < kinds.size(); ++k) ASSERT_EQ(placed[k], kinds[k].count);
}

std::vector<Kind> random_kinds(std::mt19937& random, std::uint32_t max_kinds, std::uint32_t max_count,
                               const BinShape& bin) {
  const auto between = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  std::vector<Kind> kinds(between(1, max_kinds));
  for (Kind& kind : kinds) kind = {between(1, bin.rows), between(1, bin.cols), between(1, max_count)};
  return kinds;
}

TEST(Packing, BoundsHoldAndTheHeuristicsAreCloseToExhaustiveSearch) {
  std::size_t solved = 0;
  std::size_t optimal = 0;
  std::size_t tight = 0;
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const BinShape bin{2 + seed % 4, 2 + seed / 4 % 4};
    const std::vector<Kind> kinds = random_kinds(random, 3, 2, bin);
    std::uint64_t count = 0;
    for (const Kind& kind : kinds) count += kind.count;
    if (count > 5) continue;
    const std::size_t best = Exhaustive(kinds, bin).solve();
    const std::uint64_t bound = rectangles_bound(kinds, bin);
    ASSERT_LE(bound, best) << "a lower bound above the optimum";
    const Packing packing = pack(kinds, bin, bound);
    expect_valid(packing, kinds, bin);
    ASSERT_GE(num_bins(packing), best) << "better than the optimum: the check or the search is wrong";
    ASSERT_LE(num_bins(packing), best + 1);
    ++solved;
    optimal += num_bins(packing) == best ? 1 : 0;
    tight += bound == best ? 1 : 0;
  }
  EXPECT_GT(solved, 250U);
  EXPECT_GE(optimal * 100, solved * 97) << optimal << " of " << solved << " optimal";
  EXPECT_GE(tight * 100, solved * 80) << tight << " of " << solved << " bounds tight";
}

TEST(Packing, RandomInstancesAreValidForEveryMethod) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const BinShape bin{8 + seed % 25, 40 - seed % 25};
    const std::vector<Kind> kinds = random_kinds(random, 12, 20, bin);
    const std::uint64_t bound = rectangles_bound(kinds, bin);
    for (const std::uint32_t emphasis : {0U, 3U, 32U}) {
      const Packing packing = pack_patterns(kinds, bin, emphasis);
      expect_valid(packing, kinds, bin);
      ASSERT_GE(num_bins(packing), bound);
    }
    for (const PackOrder order :
         {PackOrder::kArea, PackOrder::kRows, PackOrder::kCols, PackOrder::kLongSide, PackOrder::kPerimeter}) {
      const Packing packing = pack_maximal_rectangles(kinds, bin, order);
      expect_valid(packing, kinds, bin);
      ASSERT_GE(num_bins(packing), bound);
    }
    const Packing packing = pack(kinds, bin, bound);
    expect_valid(packing, kinds, bin);
    EXPECT_EQ(packing, pack(kinds, bin, bound)) << "deterministic";
  }
}

TEST(Packing, FindsPerfectPackings) {
  // The rests of SmolLM2's matrices cut at 512: 75 bins by area, no gap anywhere.
  const std::vector<Kind> kinds{{64, 512, 240}, {512, 64, 150}, {512, 192, 60}, {64, 64, 60}, {64, 192, 60}};
  const Packing packing = pack(kinds, {512, 512}, 75);
  expect_valid(packing, kinds, {512, 512});
  EXPECT_EQ(num_bins(packing), 75U);
}

TEST(Packing, NothingNeedsNoBin) {
  EXPECT_TRUE(pack({}, {4, 4}, 0).empty());
  const std::vector<Kind> none{{2, 2, 0}};
  EXPECT_TRUE(pack(none, {4, 4}, 0).empty());
}

TEST(RectanglesBound, KnowsWhatAreaDoesNot) {
  const std::vector<Kind> large{{257, 257, 10}};
  EXPECT_EQ(rectangles_bound(large, {512, 512}), 10U) << "two larger than half a side never share a bin (area: 3)";
  const std::vector<Kind> thirds{{171, 512, 10}};
  EXPECT_EQ(rectangles_bound(thirds, {512, 512}), 5U) << "three of 171 rows exceed 512: two per bin (area: 4)";
  const std::vector<Kind> exact{{128, 512, 9}};
  EXPECT_EQ(rectangles_bound(exact, {512, 512}), 3U);
}

TEST(FewestPiecesBound, ClosedForms) {
  const auto matrices = [](std::uint32_t n, std::uint32_t in, std::uint32_t out) {
    return std::vector<MatrixShape>(n, MatrixShape{"m", in, out, {}});
  };
  const TileShape tile{512, 512};
  // 288 rows: one piece, more than half a tile high; ten of 288 columns stand side by side in ceil(2880 / 512) tiles.
  EXPECT_EQ(fewest_pieces_bound(matrices(10, 288, 288), tile).tiles, 6U);
  EXPECT_EQ(area_bound(matrices(10, 288, 288), tile).tiles, 4U);
  // 576 rows in two pieces, for example 512 + 64: area is all that can be proven.
  EXPECT_EQ(fewest_pieces_bound(matrices(8, 576, 512), tile).tiles, 9U);
  // 896 rows in two pieces: 512 + 384 or 448 + 448, either way two full heights.
  EXPECT_EQ(fewest_pieces_bound(matrices(4, 896, 512), tile).tiles, 8U);
  EXPECT_EQ(area_bound(matrices(4, 896, 512), tile).tiles, 7U);
}

}  // namespace
}  // namespace xw::mapping
