// Spending free tiles on the slowest stages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/duplicate.hpp"

#include <algorithm>
#include <queue>
#include <utility>

namespace xw::toolchain {
namespace {

/// Least slowest time with parts of copies: sum of tiles * max(0, ns / t - 1) <= budget, solved for t by halving.
double bound(const std::vector<Stage>& stages, std::uint64_t budget) {
  double high = 0;
  for (const Stage& stage : stages) high = std::max(high, stage.ns);
  double low = 0;
  for (int n = 0; n < 200 && low < high; ++n) {
    const double middle = low + (high - low) / 2;
    double tiles = 0;
    for (const Stage& stage : stages)
      tiles += middle > 0 ? static_cast<double>(stage.tiles) * std::max(0.0, stage.ns / middle - 1) : 0;
    (middle > 0 && tiles <= static_cast<double>(budget) ? high : low) = middle;
  }
  return low;
}

}  // namespace

Duplication duplicate(const std::vector<Stage>& stages, std::uint64_t budget, double floor_ns) {
  Duplication result;
  result.copies.assign(stages.size(), 1);
  std::priority_queue<std::pair<double, std::size_t>> slowest;
  for (std::size_t s = 0; s < stages.size(); ++s) slowest.emplace(stages[s].ns, s);
  while (!slowest.empty()) {
    const auto [ns, s] = slowest.top();
    result.slowest_ns = ns;
    if (ns <= floor_ns || result.tiles + stages[s].tiles > budget) break;
    slowest.pop();
    result.tiles += stages[s].tiles;
    ++result.copies[s];
    slowest.emplace(stages[s].ns / result.copies[s], s);
  }
  result.bound_ns = std::max(floor_ns, bound(stages, budget));
  result.slowest_ns = std::max(floor_ns, result.slowest_ns);
  return result;
}

}  // namespace xw::toolchain
