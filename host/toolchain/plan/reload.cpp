// Writing tiles anew: what stays, what takes turns, and what that costs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/reload.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "compiler/mapping/chips.hpp"
#include "systemc/chip/constants.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::toolchain {
namespace {

constexpr std::uint32_t kMostParts = 64;  ///< of the chip's tiles that are tried

/// The blocks of one round.
struct Round {
  WrittenRows rows;
  std::uint64_t cells = 0;
};

/// Rounds of a placement on areas of `area` tiles: area r of the plan is round r.
std::vector<Round> rounds_of(const mapping::Plan& placed, std::uint32_t area) {
  std::vector<Round> rounds;
  for (const mapping::PlacedBlock& block : placed.blocks) {
    const std::uint32_t round = block.tile / area;
    if (round >= rounds.size()) rounds.resize(std::size_t{round} + 1);
    rounds[round].rows.add(block, block.tile % area);
    rounds[round].cells += std::uint64_t{block.rows} * block.cols;
  }
  return rounds;
}

/// Nanoseconds in which a round's tiles are written, not faster than the memory gives a byte per cell.
double write_ns(const Round& round, const arch::ChipDescription& chip, const systemc::ChipCosts& costs) {
  return std::max(round.rows.ns(chip), costs.memory.move_ns(static_cast<double>(round.cells)));
}

/// Activations that wait in memory while a round is written: those of the batch, there and back. Bytes per token.
std::uint64_t parked_bytes(const systemc::ChipPlan& rounds) {
  std::uint64_t bytes = 0;
  for (const systemc::Step& step : rounds.steps) bytes += 2 * step.carried_bytes;
  return bytes;
}

/// The plan with `parts` areas, one of which takes turns; nothing if everything has an area of its own.
DeploymentPlan with_parts(const PlannedLayers& layers, const arch::ChipDescription& chip,
                          const mapping::TileShape& tile, const PlanOptions& options, std::uint32_t parts) {
  const std::uint32_t area = chip.num_tiles / parts;
  DeploymentPlan plan;
  plan.kind = PlanKind::kReload;
  const mapping::Plan areas =
      mapping::make_chips_plan(layers.shapes, tile.unlimited(), {area, 0, mapping::ChipBorders::kFewest});
  const std::vector<Round> rounds = rounds_of(areas, area);
  const auto resident = std::min<std::size_t>(parts - 1, rounds.size());
  // All rounds are on one chip: resident ones in areas of their own, the others in the last.
  mapping::Plan placed = areas;
  placed.tiles_per_chip = 0;
  placed.num_tiles = chip.num_tiles;
  for (mapping::PlacedBlock& block : placed.blocks) {
    const auto round = std::min<std::uint32_t>(block.tile / area, parts - 1);
    block.tile = round * area + block.tile % area;
  }
  fill_costs(plan, layers, placed, chip, options);
  plan.tiles_per_chip = chip.num_tiles;
  plan.bounds.tiles = 0;  // tiles take turns
  plan.bounds.tiles_reason.clear();
  ReloadPlan& reload = plan.reload.emplace();
  reload.rounds = static_cast<std::uint32_t>(rounds.size());
  reload.resident_tiles = static_cast<std::uint32_t>(resident) * area;
  reload.reloaded_tiles = area;
  const systemc::ChipCosts costs(chip);
  for (std::size_t r = resident; r < rounds.size(); ++r) {
    reload.tiles_written += rounds[r].rows.tiles();
    reload.write_ns += write_ns(rounds[r], chip, costs);
    reload.write_pj +=
        static_cast<double>(rounds[r].cells) * (systemc::constant(chip.programming, "cell", 0) + costs.memory.byte_pj);
  }
  // Every area that takes turns is written once per batch and round; a cell of it as often as there are rounds.
  const double writes = static_cast<double>(rounds.size() - resident);
  reload.batches_to_wear = systemc::constant(chip.programming, "endurance", 0) / std::max(1.0, writes);
  if (plan.token_ns) {
    systemc::ChipPlan on_areas = chip_plan_of(layers, areas);
    const std::uint64_t parked = options.batch == 1 ? 0 : parked_bytes(on_areas);
    const double parked_ns = costs.memory.move_ns(static_cast<double>(parked));
    const double parked_pj = static_cast<double>(parked) * costs.memory.byte_pj;
    const double more_ns = reload.write_ns / options.batch + parked_ns;
    if (reload.write_ns / options.batch > *plan.token_ns) plan.bound_by = "writing cells";
    *plan.token_ns += more_ns;
    *plan.token_pj += reload.write_pj / options.batch + parked_pj + costs.static_watt * more_ns * 1e3;
    if (plan.prompt_ns) *plan.prompt_ns += reload.write_ns / options.prompt_tokens + parked_ns;
    reload.seconds_to_wear = reload.batches_to_wear * *plan.token_ns * options.batch * 1e-9;
  }
  // What does not fit is written for every batch, whatever stays.
  const std::uint64_t there = std::uint64_t{chip.num_tiles} * chip.rows * chip.cols;
  const double missing = static_cast<double>(areas.cells_used - std::min(areas.cells_used, there));
  if (plan.bounds.token_ns) {
    const double at_once = systemc::constant(chip.programming, "tiles_at_once", 0);
    const double tiles = at_once > 0 ? std::min<double>(at_once, chip.num_tiles) : chip.num_tiles;
    const double rows_ns = missing / chip.cols / tiles * systemc::constant(chip.programming, "row", 0);
    const double more_ns = std::max(rows_ns, costs.memory.move_ns(missing)) / options.batch;
    *plan.bounds.token_ns += more_ns;
    *plan.bounds.token_pj +=
        missing * (systemc::constant(chip.programming, "cell", 0) + costs.memory.byte_pj) / options.batch +
        costs.static_watt * more_ns * 1e3;
  }
  return plan;
}

bool is_better(const DeploymentPlan& a, const DeploymentPlan& b, PlanObjective objective) {
  if (!a.token_ns || !b.token_ns) return a.reload->tiles_written < b.reload->tiles_written;
  return objective == PlanObjective::kEnergy ? *a.token_pj < *b.token_pj : *a.token_ns < *b.token_ns;
}

}  // namespace

DeploymentPlan reload_plan(const PlannedLayers& layers, const arch::ChipDescription& chip,
                           const mapping::TileShape& tile, const PlanOptions& options) {
  std::optional<DeploymentPlan> best;
  for (std::uint32_t parts = 1; parts <= std::min(chip.num_tiles, kMostParts); parts *= 2) {
    DeploymentPlan plan = with_parts(layers, chip, tile, options, parts);
    if (!best || is_better(plan, *best, options.objective)) best = std::move(plan);
  }
  const ReloadPlan& reload = *best->reload;
  best->what = std::to_string(reload.rounds) + " rounds, " + std::to_string(reload.resident_tiles) + " tiles stay";
  best->change = "tiles written for every batch of " + std::to_string(options.batch);
  return *std::move(best);
}

}  // namespace xw::toolchain
