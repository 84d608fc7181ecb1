// The analog chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/chip.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/chip_links.hpp"
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
  sequencer.chip_links.bind(chip_links.work);
}

void Chip::configure(const ChipPlan& plan, const arch::ChipDescription& chip) {
  if (chip.timing.empty() || chip.energy.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "chip " + chip.name +
                                                 ": expected [chip.timing] and [chip.energy], found " +
                                                 (chip.timing.empty() ? "no timing" : "no energy") + " constants");
  }
  const std::uint32_t needed = plan.num_chips == 1 ? plan.num_tiles : plan.tiles_per_chip;
  if (chip.num_tiles != 0 && needed > chip.num_tiles) {
    throw Error(ErrorCode::kCapacity, "chip " + chip.name + " has " + std::to_string(chip.num_tiles) +
                                          " tiles, the program needs " + std::to_string(needed) +
                                          (plan.num_chips == 1 ? "" : " on each of its chips"));
  }
  const ChipCosts costs(chip);
  sequencer.configure(plan, chip, costs);
  const std::uint32_t chips = plan.num_chips;
  const ChipServers servers = servers_of(chip, plan);
  tiles.configure(costs, std::min(plan.num_tiles, chips * servers.stacks));
  digital.configure(costs, chips);
  input_links.configure(chips * servers.input_links, costs.input_link);
  output_links.configure(chips * servers.output_links, costs.output_link);
  accumulators.configure(chips, costs.accumulator);
  buffer.configure(chips, costs.buffer);
  memory.configure(chips, costs.memory);
  host_link.configure(2, costs.host_link);
  chip_links.configure(chips == 1 ? 0 : num_chip_links(chip.links, chips), costs.chip_link);
  static_watt_ = chips * costs.static_watt;
  tiles_mm2_ = chips * servers.stacks * constant(chip.area, "tile", 0);
  digital_mm2_ = chips * constant(chip.area, "digital", 0);
}

ChipResult Chip::take_result() {
  ChipResult result = std::move(sequencer.result());
  result.energy_pj[Component::kStatic] = static_watt_ * result.total_ns * 1e3;  // W * ns = nJ
  result.tiles_mm2 = tiles_mm2_;
  result.digital_mm2 = digital_mm2_;
  result.tile_busy_ns = tiles.busy_ns();
  result.input_link_busy_ns = input_links.busy_ns();
  result.output_link_busy_ns = output_links.busy_ns();
  result.chip_link_busy_ns = chip_links.busy_ns();
  const auto busiest = [](const std::vector<double>& chips) { return *std::max_element(chips.begin(), chips.end()); };
  result.accumulator_busy_ns = busiest(accumulators.busy_ns());
  result.buffer_busy_ns = busiest(buffer.busy_ns());
  result.digital_busy_ns = busiest(digital.busy_ns());
  result.memory_busy_ns = busiest(memory.busy_ns());
  return result;
}

}  // namespace xw::systemc
