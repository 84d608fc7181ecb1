// The portfolio of packing methods.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/packing.hpp"

#include <cassert>

namespace xw::mapping {
namespace {

constexpr std::uint64_t kPatternEffort = 20'000'000;   ///< steps for all tries of one pack()
constexpr std::uint64_t kRectangleEffort = 2'000'000;  ///< rectangles times open bins, likewise

/// Keeps the better packing; true once the lower bound is reached.
bool keep_better(Packing& best, Packing candidate, std::uint64_t lower_bound) {
  if (best.empty() || num_bins(candidate) < num_bins(best)) best = std::move(candidate);
  return num_bins(best) <= lower_bound;
}

}  // namespace

std::uint64_t num_bins(const Packing& packing) {
  std::uint64_t total = 0;
  for (const Bin& bin : packing) total += bin.count;
  return total;
}

Packing pack(std::span<const Kind> kinds, const BinShape& bin, std::uint64_t lower_bound) {
  std::uint64_t total = 0;
  for (const Kind& kind : kinds) {
    assert(kind.rows >= 1 && kind.cols >= 1 && kind.rows <= bin.rows && kind.cols <= bin.cols);
    total += kind.count;
  }
  Packing best;
  if (total == 0) return best;
  const std::uint64_t effort = pattern_effort(kinds, bin);
  std::uint64_t spent = 0;
  for (const std::uint32_t emphasis : {0U, 8U, 2U, 32U, 1U, 4U, 16U}) {
    if (spent + effort > kPatternEffort) break;
    spent += effort;
    if (keep_better(best, pack_patterns(kinds, bin, emphasis), lower_bound)) return best;
  }
  // Open bins are about as many as the bins of the end, at most all rectangles.
  const std::uint64_t per_try = total * (best.empty() ? total : num_bins(best)) / 4 + 1;
  spent = 0;
  for (const PackOrder order :
       {PackOrder::kRows, PackOrder::kArea, PackOrder::kLongSide, PackOrder::kCols, PackOrder::kPerimeter}) {
    if (!best.empty() && spent + per_try > kRectangleEffort) break;
    spent += per_try;
    if (keep_better(best, pack_maximal_rectangles(kinds, bin, order), lower_bound)) break;
  }
  return best;
}

}  // namespace xw::mapping
