// Splits against their closed forms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/cuts.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::mapping {
namespace {

using Parts = std::vector<std::uint32_t>;

TEST(EqualSplit, DocumentedExample) {
  EXPECT_EQ(equal_split(17, 6), (Parts{6, 6, 5}));
  EXPECT_EQ(equal_split(576, 512), (Parts{288, 288}));
  EXPECT_EQ(equal_split(512, 512), (Parts{512}));
  EXPECT_EQ(equal_split(1, 512), (Parts{1}));
}

TEST(EqualSplit, PieceKHasTheClosedForm) {
  for (std::uint32_t total = 1; total <= 200; ++total) {
    for (std::uint32_t limit = 1; limit <= 64; ++limit) {
      const Parts parts = equal_split(total, limit);
      const std::uint32_t n = (total + limit - 1) / limit;
      ASSERT_EQ(parts.size(), n) << total << " " << limit;
      for (std::uint32_t k = 0; k < n; ++k)
        ASSERT_EQ(parts[k], (total + n - 1 - k) / n) << total << " " << limit << " " << k;
      ASSERT_LE(parts.front(), limit);
    }
  }
}

TEST(EqualSplit, RefusesZero) {
  EXPECT_THROW((void)equal_split(0, 5), Error);
  EXPECT_THROW((void)equal_split(5, 0), Error);
}

TEST(CutLength, FullPiecesAndARest) {
  EXPECT_EQ(cut_length(576, 512, CutRule::kFull), (Parts{512, 64}));
  EXPECT_EQ(cut_length(1024, 512, CutRule::kFull), (Parts{512, 512}));
  EXPECT_EQ(cut_length(100, 512, CutRule::kFull), (Parts{100}));
}

TEST(CutLength, FineRestsAreHalvesOfTheLimit) {
  EXPECT_EQ(cut_length(896, 512, CutRule::kFine), (Parts{512, 256, 128}));
  EXPECT_EQ(cut_length(1023, 512, CutRule::kFine), (Parts{512, 256, 128, 64, 32, 31}));
  EXPECT_EQ(cut_length(20, 512, CutRule::kFine), (Parts{20}));
}

TEST(CutLength, EveryRuleKeepsTheSumAndTheLimit) {
  for (const CutRule rule : {CutRule::kEqual, CutRule::kFull, CutRule::kFine}) {
    for (std::uint32_t total = 1; total <= 1500; total += 7) {
      for (const std::uint32_t limit : {1U, 5U, 64U, 100U, 512U}) {
        const Parts parts = cut_length(total, limit, rule);
        ASSERT_EQ(std::accumulate(parts.begin(), parts.end(), 0U), total);
        for (const std::uint32_t part : parts) ASSERT_TRUE(part >= 1 && part <= limit);
        if (rule != CutRule::kFine) {
          ASSERT_EQ(parts.size(), (total + limit - 1) / limit) << "the fewest pieces";
        }
      }
    }
  }
}

TEST(RowPieces, StayInsideInputRanges) {
  const MatrixShape matrix{"m", 1000, 10, {0, 100, 700}};
  EXPECT_EQ(input_ranges(matrix), (Parts{100, 600, 300}));
  EXPECT_EQ(row_pieces(matrix, 512, CutRule::kEqual), (Parts{100, 300, 300, 300}));
  EXPECT_EQ(row_pieces(matrix, 512, CutRule::kFull), (Parts{100, 512, 88, 300}));
}

TEST(InputRanges, RefuseCutsThatDoNotRise) {
  EXPECT_THROW((void)input_ranges({"m", 10, 10, {5, 5}}), Error);
  EXPECT_THROW((void)input_ranges({"m", 10, 10, {7, 5}}), Error);
  EXPECT_THROW((void)input_ranges({"m", 10, 10, {10}}), Error);
  EXPECT_THROW((void)input_ranges({"m", 10, 10, {5, 0}}), Error);
}

TEST(Bands, ShareFullWidth) {
  // Three matrices of 288 outputs fill 864 = 512 + 352 columns: two bands instead of three tiles; cuts at multiples of 64.
  const std::vector<MatrixShape> matrices(3, MatrixShape{"m", 288, 288, {}});
  const std::vector<CutRule> rules(3, CutRule::kEqual);
  const Cutting cutting = cut_matrices(matrices, {512, 512}, rules, CutRule::kBands);
  ASSERT_EQ(cutting.items.size(), 2U);
  EXPECT_EQ(cutting.items[0].cols, 288U + 192U) << "the second matrix is cut at 192, the last multiple of 64 that fits";
  EXPECT_EQ(cutting.items[1].cols, 96U + 288U);
  ASSERT_EQ(cutting.blocks.size(), 4U);
  EXPECT_EQ(cutting.blocks[2].matrix, 1U);
  EXPECT_EQ(cutting.blocks[2].out_begin, 192U);
  EXPECT_EQ(cutting.blocks[2].cols, 96U);
}

TEST(Bands, CopiesAreCutAlike) {
  std::vector<MatrixShape> matrices(3, MatrixShape{"m", 288, 288, {}, 0, 2});
  matrices.push_back({"once", 288, 288, {}});
  const std::vector<CutRule> rules(4, CutRule::kEqual);
  const Cutting cutting = cut_matrices(matrices, {512, 512}, rules, CutRule::kBands);
  ASSERT_EQ(cutting.items.size(), 2U * 2 + 1) << "matrices with another number of copies share no band";
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> cols;  // matrix, out_begin -> per copy
  for (const Item& item : cutting.items) {
    for (const Item::Part& part : item.parts) {
      const PlacedBlock& block = cutting.blocks[part.block];
      std::vector<std::uint32_t>& copies = cols[{block.matrix, block.out_begin}];
      EXPECT_EQ(block.replica, copies.size());
      copies.push_back(block.cols);
    }
  }
  EXPECT_EQ(cols.size(), 5U);
  for (const auto& [place, copies] : cols) {
    EXPECT_EQ(copies.size(), place.first == 3 ? 1U : 2U);
    EXPECT_EQ(copies.front(), copies.back());
  }
}

TEST(BlockLimit, IsTheSmallerOfTileAndEngine) {
  EXPECT_EQ(block_limit({512, 256}).rows, 512U);
  EXPECT_EQ(block_limit({512, 256}).cols, 256U);
  EXPECT_EQ(block_limit({512, 256, 0, 128, 1024}).rows, 128U);
  EXPECT_EQ(block_limit({512, 256, 0, 128, 1024}).cols, 256U);
}

}  // namespace
}  // namespace xw::mapping
