// Maximal-rectangles packing: every bin keeps all maximal free rectangles.
// Method: J. Jylänki, "A Thousand Ways to Pack the Bin", 2010, section 2.4 (global best short side fit).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

#include "compiler/mapping/packing.hpp"

namespace xw::mapping {
namespace {

constexpr std::size_t kMaxOpenBins = 512;  ///< older bins are not looked at any more

struct FreeRect {
  std::uint32_t row0 = 0, col0 = 0, rows = 0, cols = 0;
};

bool contains(const FreeRect& outer, const FreeRect& inner) {
  return outer.row0 <= inner.row0 && outer.col0 <= inner.col0 && inner.row0 + inner.rows <= outer.row0 + outer.rows &&
         inner.col0 + inner.cols <= outer.col0 + outer.cols;
}

bool overlaps(const FreeRect& a, const FreeRect& b) {
  return a.row0 < b.row0 + b.rows && b.row0 < a.row0 + a.rows && a.col0 < b.col0 + b.cols && b.col0 < a.col0 + a.cols;
}

/// Removes `used` from the free space; keeps only maximal rectangles.
void occupy(std::vector<FreeRect>& space, const FreeRect& used) {
  std::vector<FreeRect> kept, cut;
  for (const FreeRect& rect : space) {
    if (!overlaps(rect, used)) {
      kept.push_back(rect);
      continue;
    }
    const std::uint32_t row_end = rect.row0 + rect.rows;
    const std::uint32_t col_end = rect.col0 + rect.cols;
    const std::uint32_t used_row_end = used.row0 + used.rows;
    const std::uint32_t used_col_end = used.col0 + used.cols;
    if (used.row0 > rect.row0) cut.push_back({rect.row0, rect.col0, used.row0 - rect.row0, rect.cols});
    if (used_row_end < row_end) cut.push_back({used_row_end, rect.col0, row_end - used_row_end, rect.cols});
    if (used.col0 > rect.col0) cut.push_back({rect.row0, rect.col0, rect.rows, used.col0 - rect.col0});
    if (used_col_end < col_end) cut.push_back({rect.row0, used_col_end, rect.rows, col_end - used_col_end});
  }
  for (std::size_t i = 0; i < cut.size(); ++i) {
    bool maximal =
        std::none_of(kept.begin(), kept.end(), [&](const FreeRect& other) { return contains(other, cut[i]); });
    for (std::size_t j = 0; j < cut.size() && maximal; ++j) {
      // Of two equal rectangles the first is kept.
      if (j != i && contains(cut[j], cut[i]) && (!contains(cut[i], cut[j]) || j < i)) maximal = false;
    }
    if (maximal) kept.push_back(cut[i]);
  }
  space = std::move(kept);
}

using Score = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;

struct Place {
  Score score{std::numeric_limits<std::uint32_t>::max(), 0, 0, 0};
  std::size_t bin = 0;
  std::uint32_t row0 = 0, col0 = 0;
};

std::uint64_t sort_key(const Kind& kind, PackOrder order) {
  const std::uint64_t rows = kind.rows;
  const std::uint64_t cols = kind.cols;
  switch (order) {
    case PackOrder::kArea:
      return rows * cols;
    case PackOrder::kRows:
      return (rows << 32) + cols;
    case PackOrder::kCols:
      return (cols << 32) + rows;
    case PackOrder::kLongSide:
      return (std::max(rows, cols) << 32) + std::min(rows, cols);
    case PackOrder::kPerimeter:
      return rows + cols;
  }
  return 0;
}

}  // namespace

Packing pack_maximal_rectangles(std::span<const Kind> kinds, const BinShape& bin, PackOrder order) {
  std::vector<std::uint32_t> sorted(kinds.size());
  std::iota(sorted.begin(), sorted.end(), 0U);
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
    return sort_key(kinds[a], order) > sort_key(kinds[b], order);
  });

  Packing packing;
  std::vector<std::vector<FreeRect>> spaces;
  for (const std::uint32_t index : sorted) {
    const Kind& kind = kinds[index];
    for (std::uint64_t n = 0; n < kind.count; ++n) {
      std::optional<Place> best;
      const std::size_t oldest = spaces.size() > kMaxOpenBins ? spaces.size() - kMaxOpenBins : 0;
      for (std::size_t b = oldest; b < spaces.size(); ++b) {
        for (const FreeRect& rect : spaces[b]) {
          if (rect.rows < kind.rows || rect.cols < kind.cols) continue;
          const std::uint32_t spare_rows = rect.rows - kind.rows;
          const std::uint32_t spare_cols = rect.cols - kind.cols;
          const Score score{std::min(spare_rows, spare_cols), std::max(spare_rows, spare_cols), rect.row0, rect.col0};
          if (!best || score < best->score) best = Place{score, b, rect.row0, rect.col0};
        }
      }
      if (!best) {
        packing.emplace_back();
        spaces.push_back({{0, 0, bin.rows, bin.cols}});
        best = Place{{}, spaces.size() - 1, 0, 0};
      }
      packing[best->bin].slots.push_back({index, best->row0, best->col0});
      occupy(spaces[best->bin], {best->row0, best->col0, kind.rows, kind.cols});
    }
  }
  return packing;
}

}  // namespace xw::mapping
