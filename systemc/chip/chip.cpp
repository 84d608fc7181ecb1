// The analog chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/chip.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "arch/support/error.hpp"
#include "systemc/chip/constants.hpp"

namespace xw::systemc {

Chip::Chip(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  sequencer.tiles.bind(tiles.work);
  sequencer.input_links.bind(input_links.work);
  sequencer.output_links.bind(output_links.work);
  sequencer.accumulators.bind(accumulators.work);
  sequencer.buffer.bind(buffer.work);
  sequencer.digital.bind(digital.work);
  sequencer.memory.bind(memory.work);
  sequencer.host_link.bind(host_link.work);
}

void Chip::configure(const ChipPlan& plan, const arch::ChipDescription& chip) {
  if (chip.timing.empty() || chip.energy.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "chip " + chip.name +
                                                 ": expected [chip.timing] and [chip.energy], found " +
                                                 (chip.timing.empty() ? "no timing" : "no energy") + " constants");
  }
  if (chip.num_tiles != 0 && plan.num_tiles > chip.num_tiles) {
    throw Error(ErrorCode::kCapacity, "chip " + chip.name + " has " + std::to_string(chip.num_tiles) +
                                          " tiles, the program needs " + std::to_string(plan.num_tiles));
  }
  const ChipCosts costs(chip);
  sequencer.configure(plan, chip, costs);
  const std::uint32_t stacks = chip.num_stacks(plan.num_tiles);
  tiles.configure(costs, std::min(plan.num_tiles, stacks));
  digital.configure(costs);
  input_links.configure(chip.input_links == 0 ? stacks : chip.input_links, costs.input_link);
  output_links.configure(chip.output_links == 0 ? stacks : chip.output_links, costs.output_link);
  accumulators.configure(1, costs.accumulator);
  buffer.configure(1, costs.buffer);
  memory.configure(1, costs.memory);
  host_link.configure(2, costs.host_link);
  static_watt_ = costs.static_watt;
  tiles_mm2_ = stacks * constant(chip.area, "tile", 0);
  digital_mm2_ = constant(chip.area, "digital", 0);
}

ChipResult Chip::take_result() {
  ChipResult result = std::move(sequencer.result());
  result.energy_pj[Component::kStatic] = static_watt_ * result.total_ns * 1e3;  // W * ns = nJ
  result.tiles_mm2 = tiles_mm2_;
  result.digital_mm2 = digital_mm2_;
  result.tile_busy_ns = tiles.busy_ns();
  result.input_link_busy_ns = input_links.busy_ns();
  result.output_link_busy_ns = output_links.busy_ns();
  result.accumulator_busy_ns = accumulators.busy_ns().front();
  result.buffer_busy_ns = buffer.busy_ns().front();
  result.digital_busy_ns = digital.busy_ns();
  result.memory_busy_ns = memory.busy_ns().front();
  return result;
}

}  // namespace xw::systemc
