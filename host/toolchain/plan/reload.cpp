// Writing tiles anew: what stays, what takes turns, and what that costs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/reload.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "arch/description/writing.hpp"
#include "compiler/mapping/chips.hpp"
#include "compiler/mapping/rounds.hpp"
#include "systemc/chip/constants.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::toolchain {
namespace {

/// A placement in rounds, and whether a program can be made of it.
struct Layout {
  mapping::Plan placed;
  bool is_whole = true;  ///< every call is in one round
};

/// Nothing for so many areas if a call does not fit into one of them; `split`: that does not matter.
std::optional<Layout> lay_out(const PlannedLayers& layers, const mapping::TileShape& tile, std::uint32_t areas,
                              bool split) {
  if (!split) {
    std::optional<mapping::Plan> placed = mapping::make_rounds_plan(layers.shapes, tile, areas);
    if (!placed || placed->tiles_per_round == 0) return std::nullopt;
    return Layout{*std::move(placed), true};
  }
  const std::uint32_t per_round = tile.max_tiles / areas;
  Layout layout{mapping::make_chips_plan(layers.shapes, tile.unlimited(), {per_round, 0}), false};
  if (layout.placed.num_chips() <= areas) return std::nullopt;
  layout.placed.tiles_per_chip = 0;
  layout.placed.tiles_per_round = per_round;
  layout.placed.areas = areas;
  return layout;
}

/// Tiles of the chip that hold anything.
std::uint64_t places_used(const systemc::ChipPlan& steps) {
  std::vector<bool> used(steps.num_tiles, false);
  for (const systemc::CallWork& call : steps.calls) {
    for (const systemc::BlockWork& block : call.blocks) used[block.tile] = true;
  }
  return static_cast<std::uint64_t>(std::count(used.begin(), used.end(), true));
}

/// Nanoseconds of writing what stays.
double resident_ns(const mapping::Plan& placed, const arch::ChipDescription& chip) {
  WrittenRows rows;
  for (const mapping::PlacedBlock& block : placed.blocks) {
    if (block.tile / placed.tiles_per_round + 1 < placed.areas) rows.add(block, block.tile);
  }
  return rows.ns(chip);
}

/// Bytes that a batch moves to memory and back in front of rounds, because its activations do not fit the buffer together.
double parked_bytes(const systemc::ChipPlan& steps, const arch::ChipDescription& chip, std::uint32_t batch) {
  if (chip.buffer_bytes == 0) return 0;
  const std::vector<bool> borders = steps.borders();
  double bytes = 0;
  for (std::size_t s = 1; s < steps.steps.size(); ++s) {
    const double alive = static_cast<double>(steps.steps[s - 1].live.bytes(chip.sum_bytes)) * batch;
    if (borders[s]) bytes += 2 * std::max(0.0, alive - static_cast<double>(chip.buffer_bytes));
  }
  return bytes;
}

/// From one token by itself to a batch: a further token takes what its digital work takes at least, and what does not fit is written for all.
void share_bounds(PlanBounds& bounds, const estimate::StaticEstimate& estimate, const mapping::Plan& placed,
                  const arch::ChipDescription& chip, std::uint32_t batch) {
  if (!bounds.token_ns) return;
  const systemc::ChipCosts costs(chip);
  const std::uint64_t there = std::uint64_t{chip.num_tiles} * chip.rows * chip.cols;
  const double missing = static_cast<double>(placed.cells_used - std::min(placed.cells_used, there));
  const double at_once = systemc::constant(chip.programming, "tiles_at_once", 0);
  const double tiles = at_once > 0 ? std::min<double>(at_once, chip.num_tiles) : chip.num_tiles;
  const double rows_ns = missing / chip.cols / tiles * systemc::constant(chip.programming, "row", 0);
  const double write_ns = std::max(rows_ns, costs.memory.move_ns(missing));
  systemc::Breakdown digital = costs.digital_ns(estimate.digital.work);
  digital[systemc::Component::kDigitalStart] *= estimate.digital.operations;
  const double digital_ns =
      std::max(digital.total(), costs.memory.move_ns(static_cast<double>(estimate.digital.work.memory_bytes)));
  const double alone_pj = *bounds.token_pj - costs.static_watt * *bounds.token_ns * 1e3;
  bounds.token_ns = (*bounds.token_ns + (batch - 1) * digital_ns + write_ns) / batch;
  bounds.token_pj = alone_pj + missing * (arch::write_cell_pj(chip) + costs.memory.byte_pj) / batch +
                    costs.static_watt * *bounds.token_ns * 1e3;
}

DeploymentPlan plan_of(const PlannedLayers& layers, const Layout& layout, const arch::ChipDescription& chip,
                       const PlanOptions& options) {
  DeploymentPlan plan;
  plan.kind = PlanKind::kReload;
  const systemc::ChipPlan steps = chip_plan_of(layers, layout.placed);
  fill_costs(plan, layers, layout.placed, chip, options);
  plan.tiles = places_used(steps);
  plan.bounds.tiles = 0;  // tiles take turns
  plan.bounds.tiles_reason.clear();
  ReloadPlan& reload = plan.reload.emplace();
  reload.areas = layout.placed.areas;
  reload.rounds = layout.placed.num_rounds();
  reload.resident_tiles = (layout.placed.areas - 1) * layout.placed.tiles_per_round;
  reload.reloaded_tiles = layout.placed.tiles_per_round;
  for (const systemc::RoundWork& round : steps.rounds) {
    reload.tiles_written += round.tiles.size();
    reload.write_ns += arch::write_ns(chip, round.writing);
    reload.write_pj += static_cast<double>(round.writing.cells) *
                       (arch::write_cell_pj(chip) + systemc::constant(chip.energy, "memory_byte", 0));
  }
  plan.program_ns = resident_ns(layout.placed, chip) + reload.write_ns;
  // A cell is written as often as there are rounds that take turns.
  reload.batches_to_wear =
      systemc::constant(chip.programming, "endurance", 0) / static_cast<double>(steps.rounds.size());
  const auto estimate = estimate::static_estimate(steps, layers.grouped.graph, chip, options.context,
                                                  options.prompt_tokens, options.batch);
  if (!estimate) return plan;
  share_bounds(plan.bounds, *estimate, layout.placed, chip, options.batch);
  const systemc::ChipCosts costs(chip);
  const double parked = parked_bytes(steps, chip, options.batch) / options.batch;
  const double parked_ns = costs.memory.move_ns(parked);
  plan.token_ns = estimate->decode.time_ns + parked_ns;
  plan.token_pj =
      estimate->decode.energy_pj.total() + parked * costs.memory.byte_pj + costs.static_watt * parked_ns * 1e3;
  plan.prompt_ns = estimate->prefill_total.time_ns / options.prompt_tokens;
  if (!layout.is_whole) {  // the estimate knows one round per call
    const double more_ns = reload.write_ns - estimate->writing.time_ns;
    const double more_pj = reload.write_pj - estimate->writing.energy_pj.total();
    *plan.token_ns += more_ns / options.batch;
    *plan.token_pj += (more_pj + costs.static_watt * more_ns * 1e3) / options.batch;
    *plan.prompt_ns += more_ns / options.prompt_tokens;
  }
  if (2 * reload.write_ns / options.batch > *plan.token_ns) plan.bound_by = "writing cells";
  reload.seconds_to_wear = reload.batches_to_wear * *plan.token_ns * options.batch * 1e-9;
  return plan;
}

bool is_better(const DeploymentPlan& a, const DeploymentPlan& b, PlanObjective objective) {
  if (!a.token_ns || !b.token_ns) return a.reload->tiles_written < b.reload->tiles_written;
  return objective == PlanObjective::kEnergy ? *a.token_pj < *b.token_pj : *a.token_ns < *b.token_ns;
}

}  // namespace

std::optional<DeploymentPlan> reload_plan(const PlannedLayers& layers, const arch::ChipDescription& chip,
                                          const mapping::TileShape& tile, const PlanOptions& options) {
  std::optional<DeploymentPlan> best;
  bool is_whole = true;
  for (const bool split : {false, true}) {
    for (const std::uint32_t areas : mapping::area_choices(chip.num_tiles)) {
      const std::optional<Layout> layout = lay_out(layers, tile, areas, split);
      if (!layout) continue;
      DeploymentPlan plan = plan_of(layers, *layout, chip, options);
      if (best && !is_better(plan, *best, options.objective)) continue;
      best = std::move(plan);
      is_whole = layout->is_whole;
    }
    if (best) break;
  }
  if (!best) return std::nullopt;
  const ReloadPlan& reload = *best->reload;
  best->what = std::to_string(reload.rounds) + " rounds, " + std::to_string(reload.resident_tiles) + " tiles stay";
  best->change = "--reload=" + std::to_string(reload.areas) + ": tiles written for every batch of " +
                 std::to_string(options.batch);
  if (!is_whole) {
    best->change = "tiles written for every batch of " + std::to_string(options.batch);
    best->note = "planned, not compiled: " + mapping::explain_rounds(layers.shapes, tile, 1);
  } else if (reload.rounds > program::kMaxRounds) {
    best->note = "planned, not compiled: a program has at most " + std::to_string(program::kMaxRounds) + " rounds";
  }
  return best;
}

}  // namespace xw::toolchain
