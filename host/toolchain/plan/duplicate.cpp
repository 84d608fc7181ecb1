// Spending free tiles on the slowest stages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/duplicate.hpp"

#include <algorithm>
#include <map>
#include <queue>
#include <utility>

namespace xw::toolchain {
namespace {

double longest(const Stage& stage) {
  double ns = 0;
  for (const Stage::Load& load : stage.loads) ns = std::max(ns, load.ns);
  return ns;
}

/// Least slowest time with parts of copies: sum of tiles * max(0, ns / t - 1) <= budget, solved for t by halving.
double bound(const std::vector<Stage>& stages, std::uint64_t budget) {
  double high = 0;
  for (const Stage& stage : stages) high = std::max(high, longest(stage));
  double low = 0;
  for (int n = 0; n < 200 && low < high; ++n) {
    const double middle = low + (high - low) / 2;
    double tiles = 0;
    for (const Stage& stage : stages)
      tiles += middle > 0 ? static_cast<double>(stage.tiles) * std::max(0.0, longest(stage) / middle - 1) : 0;
    (middle > 0 && tiles <= static_cast<double>(budget) ? high : low) = middle;
  }
  return low;
}

/// Tiles with the stages that are in them.
class Tiles {
 public:
  std::vector<std::uint32_t> copies;  ///< by stage

  explicit Tiles(const std::vector<Stage>& stages) : copies(stages.size(), 1), stages_(stages) {
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (const Stage::Load& load : stages[s].loads) tiles_[load.tile].push_back({s, load.ns});
    }
    for (const auto& [tile, parts] : tiles_) queue_.emplace(load_of(tile), tile);
  }

  /// The busiest tile and how long a token keeps it busy.
  std::pair<double, std::uint32_t> busiest() {
    while (!queue_.empty()) {
      const auto [ns, tile] = queue_.top();
      const double now = load_of(tile);
      if (now == ns) return {ns, tile};
      queue_.pop();  // copies have been added since
      queue_.emplace(now, tile);
    }
    return {0, 0};
  }

  /// The stage in the tile of which a further copy gives most per tile; their number: none fits.
  [[nodiscard]] std::size_t best_in(std::uint32_t tile, std::uint64_t budget, std::uint32_t most) const {
    std::size_t best = stages_.size();
    double best_gain = 0;
    for (const Part& part : tiles_.at(tile)) {
      const double count = copies[part.stage];
      const double gain = part.ns / (count * (count + 1)) / static_cast<double>(stages_[part.stage].tiles);
      if (stages_[part.stage].tiles > budget || copies[part.stage] >= most || gain <= best_gain) continue;
      best = part.stage;
      best_gain = gain;
    }
    return best;
  }

 private:
  struct Part {
    std::size_t stage = 0;
    double ns = 0;
  };
  [[nodiscard]] double load_of(std::uint32_t tile) const {
    double ns = 0;
    for (const Part& part : tiles_.at(tile)) ns += part.ns / copies[part.stage];
    return ns;
  }

  const std::vector<Stage>& stages_;
  std::map<std::uint32_t, std::vector<Part>> tiles_;
  std::priority_queue<std::pair<double, std::uint32_t>> queue_;  ///< loads as they were once, which only fall
};

}  // namespace

Duplication duplicate(const std::vector<Stage>& stages, std::uint64_t budget, double floor_ns, std::uint32_t most) {
  Duplication result;
  Tiles tiles(stages);
  for (;;) {
    const auto [ns, tile] = tiles.busiest();
    result.slowest_ns = ns;
    if (ns <= floor_ns || ns == 0) break;
    const std::size_t stage = tiles.best_in(tile, budget - result.tiles, most);
    if (stage == stages.size()) break;
    ++tiles.copies[stage];
    result.tiles += stages[stage].tiles;
  }
  result.copies = std::move(tiles.copies);
  result.bound_ns = std::max(floor_ns, bound(stages, budget));
  result.slowest_ns = std::max(floor_ns, result.slowest_ns);
  return result;
}

}  // namespace xw::toolchain
