// Laying out and counting one plan.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/candidate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "arch/description/writing.hpp"
#include "compiler/mapping/chips.hpp"
#include "compiler/mapping/cuts.hpp"
#include "compiler/passes/replicas.hpp"
#include "compiler/passes/select_analog.hpp"
#include "host/estimate/chip_plan.hpp"
#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/constants.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::toolchain {
namespace {

std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

/// The largest part of a token's time.
std::string bound_by(const estimate::StaticEstimate& estimate) {
  double tiles = 0, links = 0, chips = estimate.digital.carry_ns;
  for (const estimate::CallEstimate& call : estimate.calls) {
    if (estimate.context <= call.digital_positions) continue;
    tiles += call.tile_ns;
    links += call.link_ns;
    chips += call.chip_link_ns;
  }
  const std::array<std::pair<double, const char*>, 5> parts = {
      {{tiles, "tiles"},
       {links, "links of the chip"},
       {chips, "links between chips"},
       {estimate.digital.time_ns - estimate.digital.memory_ns, "digital units"},
       {estimate.digital.memory_ns, "memory"}}};
  return std::max_element(parts.begin(), parts.end())->second;
}

}  // namespace

PlannedLayers plan_layers(const ir::Graph& graph, const PlanOptions& options, const std::vector<std::string>& digital,
                          std::uint32_t most_copies, const compiler::Calibration* calibration) {
  PlannedLayers layers;
  ir::Graph changed = graph;
  std::vector<std::string> names = passes::select_analog(changed, options.lm_head_analog, options.digital);
  passes::set_replicas(changed, names, options.replicas);
  for (ir::Node& node : changed.nodes) {
    if (node.kind == ir::OpKind::kLinear && ir::replicas(node) > most_copies) {
      if (most_copies == 1) {
        node.attributes.erase(ir::kReplicas);
      } else {
        node.attributes[ir::kReplicas] = std::int64_t{most_copies};
      }
    }
  }
  std::map<std::string, std::uint32_t> analog;
  for (const std::string& name : names) analog[name] = 0;
  if (calibration != nullptr) analog = compiler::range_classes(names, *calibration);
  for (const std::string& name : digital) analog.erase(name);
  layers.grouped = passes::group_calls(changed, analog);
  for (const passes::Call& call : layers.grouped.calls) {
    const auto number = static_cast<std::uint32_t>(layers.manifest.calls.size());
    program::CallInfo& info = layers.manifest.calls.emplace_back();
    info.name = call.name;
    info.in_features = call.linears.front().in_features;
    for (const passes::AnalogLinear& linear : call.linears) {
      info.matrices.push_back(static_cast<std::uint32_t>(layers.shapes.size()));
      mapping::MatrixShape& shape = layers.shapes.emplace_back();
      shape = {linear.name, linear.in_features, linear.out_features, {}, number + 1, linear.replicas};
      if (calibration != nullptr) {
        for (const program::InputRange& range : calibration->layers.at(linear.name).inputs) {
          if (range.begin != 0) shape.input_cuts.push_back(range.begin);
        }
      }
      program::MatrixInfo& matrix = layers.manifest.matrices.emplace_back();
      matrix.name = linear.name;
      matrix.layer = linear.layer;
      matrix.in_features = linear.in_features;
      matrix.out_features = linear.out_features;
      matrix.call = number;
      matrix.replicas = linear.replicas;
    }
  }
  for (const ir::Node& node : layers.grouped.graph.nodes) {
    if (node.kind == ir::OpKind::kLinear)
      layers.digital_macs += std::uint64_t{layers.grouped.graph.values[node.inputs[0]].features} *
                             layers.grouped.graph.values[node.results[0]].features;
  }
  return layers;
}

mapping::TileShape tile_shape(const arch::ChipDescription& chip, const arch::EmulatorDescription& emulator,
                              mapping::RowCuts row_cuts) {
  mapping::TileShape tile{chip.rows, chip.cols, chip.num_tiles, emulator.block_rows, emulator.block_cols, row_cuts};
  if (chip.tiers > 1 && chip.num_tiles != 0) tile.stacks = chip.num_stacks(chip.num_tiles);
  return tile;
}

std::uint64_t blocks_at_least(const std::vector<mapping::MatrixShape>& shapes, const mapping::TileShape& tile) {
  const auto [rows, cols] = mapping::block_limit(tile);
  std::uint64_t blocks = 0;
  for (const mapping::MatrixShape& shape : shapes)
    blocks += std::uint64_t{ceil_div(shape.in_features, rows)} * ceil_div(shape.out_features, cols) * shape.replicas;
  return blocks;
}

systemc::ChipPlan chip_plan_of(const PlannedLayers& layers, const mapping::Plan& placed) {
  program::Manifest manifest = layers.manifest;
  manifest.num_tiles = placed.num_tiles;
  manifest.tiles_per_chip = placed.tiles_per_chip;
  manifest.rounds = {placed.tiles_per_round, placed.areas};
  std::vector<program::BlockRecord> blocks;
  blocks.reserve(placed.blocks.size());
  for (const mapping::PlacedBlock& block : placed.blocks) {
    program::BlockRecord& record = blocks.emplace_back();
    record.matrix = block.matrix;
    record.tile = block.tile;
    record.in_begin = block.in_begin;
    record.out_begin = block.out_begin;
    record.row0 = static_cast<std::uint16_t>(block.row0);
    record.rows = static_cast<std::uint16_t>(block.rows);
    record.cols = static_cast<std::uint16_t>(block.cols);
    record.replica = block.replica;
  }
  return estimate::make_chip_plan(manifest, blocks, layers.grouped.graph);
}

void WrittenRows::add(const mapping::PlacedBlock& block, std::uint32_t tile) {
  std::uint32_t& rows = rows_[tile];
  rows = std::max(rows, block.row0 + block.rows);
}

double WrittenRows::ns(const arch::ChipDescription& chip) const {
  arch::TileWriting writing;
  for (const auto& [tile, rows] : rows_) writing.add_tile(rows);
  return arch::write_rows_ns(chip, writing);
}

WriteCost programming_cost(const mapping::Plan& placed, const arch::ChipDescription& chip) {
  const std::uint32_t per_chip = placed.tiles_per_chip == 0 ? std::max(1U, placed.num_tiles) : placed.tiles_per_chip;
  std::map<std::uint32_t, WrittenRows> chips;
  for (const mapping::PlacedBlock& block : placed.blocks) chips[block.tile / per_chip].add(block, block.tile);
  WriteCost cost;
  for (const auto& [number, rows] : chips) cost.ns = std::max(cost.ns, rows.ns(chip));
  cost.pj = static_cast<double>(placed.cells_used) * systemc::constant(chip.programming, "cell", 0);
  return cost;
}

void fill_costs(DeploymentPlan& plan, const PlannedLayers& layers, const mapping::Plan& placed,
                const arch::ChipDescription& chip, const PlanOptions& options) {
  plan.chips = placed.num_chips();
  plan.tiles_per_chip = placed.tiles_per_chip != 0 ? placed.tiles_per_chip : chip.num_tiles;
  plan.tiles = mapping::tiles_used(placed);
  plan.tile_rows = chip.rows;
  plan.tile_cols = chip.cols;
  plan.digital_macs = layers.digital_macs;
  plan.most_copies = 1;
  for (const mapping::MatrixShape& shape : layers.shapes) plan.most_copies = std::max(plan.most_copies, shape.replicas);
  const systemc::ChipPlan steps = chip_plan_of(layers, placed);
  plan.bounds = bounds_of(layers, steps, placed, chip, options.context);
  const WriteCost write = programming_cost(placed, chip);
  plan.program_ns = write.ns;
  plan.program_pj = write.pj;
  const auto estimate =
      estimate::static_estimate(steps, layers.grouped.graph, chip, options.context, options.prompt_tokens);
  if (!estimate) return;
  plan.token_ns = estimate->decode.time_ns;
  plan.token_pj = estimate->decode.energy_pj.total();
  plan.prompt_ns = estimate->prefill_total.time_ns / options.prompt_tokens;
  plan.bound_by = bound_by(*estimate);
}

PlanBounds bounds_of(const PlannedLayers& layers, const systemc::ChipPlan& steps, const mapping::Plan& placed,
                     const arch::ChipDescription& chip, std::uint32_t context) {
  PlanBounds bounds;
  bounds.tiles = placed.tiles_lower_bound;
  bounds.tiles_reason = placed.lower_bound_reason;
  if (chip.timing.empty() || chip.energy.empty()) return bounds;
  const systemc::ChipCosts costs(chip);
  const systemc::ChipServers each = systemc::servers_of(chip, steps);  // tiers of different chips share no converters
  const double stacks = std::max(1.0, static_cast<double>(each.stacks) * steps.num_chips);
  const double in_links = std::max(1.0, static_cast<double>(each.input_links) * steps.num_chips);
  const double out_links = std::max(1.0, static_cast<double>(each.output_links) * steps.num_chips);
  double ns = 0, pj = 0;
  for (const systemc::Step& step : steps.steps) {
    const systemc::DigitalWork work = step.digital(context);
    if (!step.in_tiles(context)) {  // what no mapping changes
      ns += std::max(costs.digital_ns(work).total(), costs.memory.move_ns(static_cast<double>(work.memory_bytes)));
      pj += costs.digital_pj(work).total() + static_cast<double>(work.memory_bytes) * costs.memory.byte_pj;
      continue;
    }
    const program::CallInfo& call = layers.manifest.calls[step.call];
    double cells = 0;
    for (const std::uint32_t matrix : call.matrices) {
      const mapping::MatrixShape& shape = layers.shapes[matrix];
      cells += static_cast<double>(shape.in_features) * shape.out_features * shape.replicas;
    }
    // A tile has so many rows and columns: that many inputs are converted for a cell, and outputs, at least.
    const double blocks = std::max(1.0, cells / (static_cast<double>(chip.rows) * chip.cols));
    const double inputs = cells / chip.cols, outputs = cells / chip.rows;
    const systemc::Breakdown one = costs.mvm_ns(1), two = costs.mvm_ns(2);
    const double per_column = two[systemc::Component::kRescale] - one[systemc::Component::kRescale];
    const double round_ns = one[systemc::Component::kAdc];
    const double work_ns = blocks * (one[systemc::Component::kDac] + one[systemc::Component::kCells]) +
                           std::max(blocks, outputs / std::max(1U, chip.adcs_per_tile)) * round_ns +
                           outputs * per_column;
    const double sum_bytes = outputs * costs.sum_bytes;
    // Inputs of one block may come while another one works, and sums leave: only one MVM behind them, or before them, is sure.
    const double moved_ns = std::max(costs.input_link.move_ns(call.in_features / in_links),
                                     costs.output_link.move_ns(sum_bytes / out_links));
    ns += costs.input_link.latency_ns + costs.output_link.latency_ns;
    ns += std::max(one.total() + moved_ns, work_ns / stacks);
    pj += costs.mvm_pj(1, 0).total() * inputs +
          (costs.mvm_pj(1, 1).total() - costs.mvm_pj(1, 0).total() - costs.mvm_pj(0, 1).total()) * cells +
          costs.mvm_pj(0, 1).total() * outputs;
    pj += call.in_features * costs.input_link.byte_pj + sum_bytes * costs.output_link.byte_pj;
  }
  bounds.token_ns = ns;
  bounds.token_pj = pj + steps.num_chips * costs.static_watt * ns * 1e3;  // W * ns = nJ
  return bounds;
}

}  // namespace xw::toolchain
