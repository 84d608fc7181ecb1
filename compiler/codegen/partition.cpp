// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/partition.hpp"

#include <algorithm>
#include <cmath>

namespace xw::codegen {
namespace {

/// Cost of a run of units on one engine, with the overhead of its images. An image ends where the panel ends or where the
/// group has not all its rows in the run.
std::uint64_t run_cost(const std::vector<Unit>& units, std::size_t begin, std::size_t end) {
  std::uint64_t cost = 0;
  const auto is_partial = [&](const Unit& unit) {
    const bool cut_at_begin = begin > 0 && units[begin - 1].group_id == unit.group_id;
    const bool cut_at_end = end < units.size() && units[end].group_id == unit.group_id;
    return cut_at_begin || cut_at_end;
  };
  bool was_partial = true;  // of the group before the current one
  bool partial = true;
  std::uint32_t group_id = UINT32_MAX;
  for (std::size_t i = begin; i < end; ++i) {
    const Unit& unit = units[i];
    if (unit.group_id != group_id) {
      was_partial = partial;
      partial = is_partial(unit);
      group_id = unit.group_id;
    }
    const bool starts_image = unit.group == 0 || partial || was_partial;
    cost += unit.cost + (starts_image ? kImageOverheadCycles : 0);
  }
  return cost;
}

/// Next place at or after `at` where a cut is allowed.
std::size_t next_cut(const std::vector<Unit>& units, std::size_t at, bool split_groups) {
  while (!split_groups && at > 0 && at < units.size() && units[at].row != 0) ++at;
  return at;
}

std::size_t previous_cut(const std::vector<Unit>& units, std::size_t at, bool split_groups) {
  while (!split_groups && at > 0 && at < units.size() && units[at].row != 0) --at;
  return at;
}

/// Cuts at equal parts of the total cost, each at the nearest allowed place.
std::vector<std::size_t> equal_cuts(const std::vector<Unit>& units, std::uint32_t num_engines, bool split_groups) {
  std::vector<std::uint64_t> before(units.size() + 1, 0);
  for (std::size_t i = 0; i < units.size(); ++i) before[i + 1] = before[i] + units[i].cost;
  std::vector<std::size_t> cuts = {0};
  for (std::uint32_t engine = 1; engine < num_engines; ++engine) {
    const std::uint64_t target = before.back() * engine / num_engines;
    const auto above =
        static_cast<std::size_t>(std::lower_bound(before.begin(), before.end(), target) - before.begin());
    const std::size_t high = next_cut(units, above, split_groups);
    const std::size_t low = previous_cut(units, above > 0 && before[above] > target ? above - 1 : above, split_groups);
    const bool take_low = low < high && target - before[low] < before[high] - target;
    cuts.push_back(std::max(cuts.back(), take_low ? low : high));
  }
  cuts.push_back(units.size());
  return cuts;
}

}  // namespace

std::vector<Unit> make_units(const Layout& layout, const arch::EmulatorDescription& emulator) {
  const std::uint64_t convert_cycles =
      (emulator.lanes + emulator.adc_columns_per_cycle - 1) / std::max(1U, emulator.adc_columns_per_cycle);
  const double bytes_per_cycle = emulator.memory_bytes_per_cycle > 0 ? emulator.memory_bytes_per_cycle : emulator.lanes;
  std::vector<Unit> units;
  std::uint32_t group_id = 0;
  for (std::uint32_t p = 0; p < layout.panels.size(); ++p) {
    const Panel& panel = layout.panels[p];
    const auto& rows = layout.row_sets[panel.row_set];
    for (std::uint32_t group = 0; group * layout.group_cols < panel.cols; ++group, ++group_id) {
      const std::uint32_t cols = std::min(layout.group_cols, panel.cols - group * layout.group_cols);
      const std::uint64_t lane_groups = (cols + emulator.lanes - 1) / emulator.lanes;
      for (std::uint32_t row = 0; row < rows.size(); ++row) {
        const std::uint64_t compute = lane_groups * std::max<std::uint64_t>(rows[row].rows, convert_cycles);
        const double bytes =
            static_cast<double>(lane_groups * rows[row].rows * emulator.lanes + std::uint64_t{cols} * 4);
        const auto load = static_cast<std::uint64_t>(std::ceil(bytes / bytes_per_cycle));
        units.push_back({p, group, row, group_id, std::max(compute, load)});
      }
    }
  }
  return units;
}

Partition make_partition(std::vector<Unit> units, std::uint32_t num_engines, bool split_groups) {
  Partition partition;
  partition.units = std::move(units);
  const auto& all = partition.units;
  auto& cuts = partition.cuts;
  cuts = equal_cuts(all, num_engines, split_groups);
  const auto cost = [&](std::size_t engine) { return run_cost(all, cuts[engine], cuts[engine + 1]); };
  // Move single cuts while that lowers the higher of the two costs at the cut; a few rounds are enough from equal parts.
  constexpr int kRounds = 8;
  bool changed = true;
  for (int round = 0; round < kRounds && changed; ++round) {
    changed = false;
    for (std::size_t cut = 1; cut < num_engines; ++cut) {
      const std::size_t old = cuts[cut];
      const std::uint64_t left = cost(cut - 1);
      const std::uint64_t right = cost(cut);
      const std::size_t moved = left > right ? (old == 0 ? 0 : previous_cut(all, old - 1, split_groups))
                                             : next_cut(all, std::min(old + 1, all.size()), split_groups);
      if (moved < cuts[cut - 1] || moved > cuts[cut + 1]) continue;
      cuts[cut] = moved;
      const bool is_better = std::max(cost(cut - 1), cost(cut)) < std::max(left, right);
      if (!is_better) cuts[cut] = old;
      changed = changed || is_better;
    }
  }
  for (std::uint32_t engine = 0; engine < num_engines; ++engine)
    partition.max_cost = std::max(partition.max_cost, cost(engine));
  return partition;
}

}  // namespace xw::codegen
