// Which calls get further copies in free tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/copies.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/mapping/duplicates.hpp"
#include "compiler/pipeline/free_tiles.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::toolchain {

Duplication choose_copies(const PlannedLayers& layers, const mapping::Plan& placed, const arch::ChipDescription& chip,
                          const PlanOptions& options, std::uint64_t budget) {
  const systemc::ChipPlan steps = chip_plan_of(layers, placed);
  const auto middle = estimate::static_estimate(steps, layers.grouped.graph, chip, (options.prompt_tokens + 1) / 2, 1);
  if (!middle) return {std::vector<std::uint32_t>(layers.manifest.calls.size(), 1), 0, 0, 0};
  std::vector<Stage> stages;
  const systemc::ChipCosts costs(chip);
  for (std::size_t call = 0; call < steps.calls.size(); ++call) {
    Stage& stage = stages.emplace_back();
    stage.tiles = mapping::tiles_of(placed, layers.manifest.calls[call].matrices);
    if (middle->calls[call].logits) continue;  // a prompt needs the last token's logits only
    std::map<std::uint32_t, double> loads;
    for (const systemc::BlockWork& block : steps.calls[call].blocks)
      loads[block.tile] += costs.mvm_ns(block.cols).total();
    for (const auto& [tile, ns] : loads) stage.loads.push_back({tile, ns});
  }
  return duplicate(stages, budget, middle->digital.busiest_chip_ns, program::kMaxReplicas);
}

void add_copies(PlannedLayers& layers, mapping::Plan& placed, const std::vector<std::uint32_t>& copies) {
  for (std::uint32_t call = 0; call < copies.size(); ++call) {
    for (std::uint32_t copy = 1; copy < copies[call]; ++copy) {
      const auto number = static_cast<std::uint32_t>(layers.manifest.calls.size());
      program::CallInfo info = layers.manifest.calls[call];
      mapping::append_copy(placed, layers.shapes, info.matrices, number + 1);
      info.copy_of = call;
      for (std::uint32_t& matrix : info.matrices) {
        program::MatrixInfo of_copy = layers.manifest.matrices[matrix];
        of_copy.call = number;
        matrix = static_cast<std::uint32_t>(layers.manifest.matrices.size());
        layers.manifest.matrices.push_back(std::move(of_copy));
      }
      layers.manifest.calls.push_back(std::move(info));
    }
  }
}

std::vector<passes::ReplicaRule> copy_rules(const ir::Graph& graph, const arch::ChipDescription& chip,
                                            const arch::EmulatorDescription& emulator,
                                            const compiler::Calibration& calibration, const PlanOptions& options,
                                            std::uint32_t tiles) {
  const std::string what = "duplicate: chip " + chip.name;
  if (chip.num_tiles == 0 && tiles == 0)
    throw Error(ErrorCode::kInvalidArgument,
                what + " has as many tiles as the model needs, expected how many copies may take");
  if (chip.timing.empty() || chip.energy.empty())
    throw Error(ErrorCode::kInvalidArgument,
                what + " has no constants of time and energy by which to choose copies, expected PATTERN=COUNT");
  compiler::check_tiles_work_alone(chip, "duplicate", "copies of calls");
  const PlannedLayers layers = plan_layers(graph, options, {}, UINT32_MAX, &calibration);
  mapping::Plan placed = mapping::make_plan(layers.shapes, tile_shape(chip, emulator, options.row_cuts));
  if (options.spread_tiles) compiler::spread_blocks(placed, layers.shapes, chip, *options.spread_tiles);
  std::uint64_t budget = chip.num_tiles == 0 ? tiles : chip.num_tiles - placed.num_tiles;
  if (tiles != 0) budget = std::min<std::uint64_t>(budget, tiles);
  const Duplication chosen = choose_copies(layers, placed, chip, options, budget);
  std::vector<passes::ReplicaRule> rules;
  for (std::size_t call = 0; call < chosen.copies.size(); ++call) {
    if (chosen.copies[call] > 1) rules.push_back({layers.manifest.calls[call].name, chosen.copies[call]});
  }
  if (rules.empty())
    throw Error(ErrorCode::kCapacity, what + ": no copy of the slowest call fits into " + std::to_string(budget) +
                                          " tiles, or none makes a prompt of " + std::to_string(options.prompt_tokens) +
                                          " tokens faster");
  return rules;
}

}  // namespace xw::toolchain
