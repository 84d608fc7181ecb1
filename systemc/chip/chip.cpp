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
namespace {

constexpr double kWordBytes = 4;

}  // namespace

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
  const auto timing = [&](const char* key) { return constant(chip.timing, key, 0); };
  const auto energy = [&](const char* key) { return constant(chip.energy, key, 0); };
  sequencer.configure(plan, chip);
  const std::uint32_t stacks = chip.num_stacks(plan.num_tiles);
  tiles.configure(chip, std::min(plan.num_tiles, stacks));
  digital.configure(chip);
  ChannelCost link{Component::kInputLink,  Component::kLinkWait, timing("link_rate"),
                   timing("link_latency"), energy("link_byte"),  energy("hop_byte")};
  input_links.configure(chip.input_links == 0 ? stacks : chip.input_links, link);
  link.component = Component::kOutputLink;
  output_links.configure(chip.output_links == 0 ? stacks : chip.output_links, link);
  accumulators.configure(1, {Component::kAccumulate, Component::kLinkWait, kWordBytes * timing("accumulate_rate"), 0,
                             energy("accumulate_word") / kWordBytes, 0});
  buffer.configure(1, {Component::kBuffer, Component::kLinkWait, timing("buffer_rate"), 0, energy("buffer_byte"), 0});
  memory.configure(1,
                   {Component::kMemory, Component::kDigitalWait, timing("memory_rate"), 0, energy("memory_byte"), 0});
  host_link.configure(2, {Component::kHostLink, Component::kLinkWait, timing("host_link_rate"),
                          timing("host_link_latency"), energy("host_link_byte"), 0});
  static_watt_ = energy("static_power");
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
