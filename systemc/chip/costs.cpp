// Costs from the constants of a description.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/costs.hpp"

#include <algorithm>

#include "systemc/chip/constants.hpp"

namespace xw::systemc {

ChipCosts::ChipCosts(const arch::ChipDescription& chip) {
  const auto timing = [&](const char* key, double absent = 0) { return constant(chip.timing, key, absent); };
  const auto energy = [&](const char* key, double absent = 0) { return constant(chip.energy, key, absent); };
  sum_bytes = chip.sum_bytes;
  input_link = {Component::kInputLink,  Component::kLinkWait, timing("link_rate"),
                timing("link_latency"), energy("link_byte"),  energy("hop_byte")};
  output_link = input_link;
  output_link.component = Component::kOutputLink;
  accumulator = {Component::kAccumulate,
                 Component::kLinkWait,
                 sum_bytes * timing("accumulate_rate"),
                 0,
                 energy("accumulate_word") / sum_bytes,
                 0};
  buffer = {Component::kBuffer, Component::kLinkWait, timing("buffer_rate"), 0, energy("buffer_byte"), 0};
  memory = {Component::kMemory, Component::kDigitalWait, timing("memory_rate"), 0, energy("memory_byte"), 0};
  host_link = {Component::kHostLink,        Component::kLinkWait,     timing("host_link_rate"),
               timing("host_link_latency"), energy("host_link_byte"), 0};
  const auto link = [&](const char* key) { return constant(chip.links.constants, key, 0); };
  chip_link = {Component::kChipLink, Component::kLinkWait, link("rate"), link("latency"), link("byte"), 0};
  hop_latency_ns = timing("hop_latency");
  has_accumulator = chip.timing.count("accumulate_rate") != 0 || chip.energy.count("accumulate_word") != 0;
  has_buffer = chip.timing.count("buffer_rate") != 0 || chip.energy.count("buffer_byte") != 0;
  static_watt = energy("static_power");
  adcs_ = std::max(1U, chip.adcs_per_tile);
  dac_ns_ = timing("dac");
  cells_ns_ = chip.read_phases * timing("mvm");
  adc_round_ns_ = timing("adc_round");
  rescale_ns_ = timing("rescale_output");
  dac_pj_ = energy("dac_conversion");
  cell_pj_ = energy("cell_mac");
  adc_pj_ = energy("adc_conversion");
  rescale_pj_ = energy("rescale_output");
  start_ns_ = timing("digital_latency");
  mac_rate_ = timing("digital_mac_rate", 1);
  exp_rate_ = timing("digital_exp_rate", mac_rate_ / kMacsPerExp);
  mac_pj_ = energy("digital_mac");
  exp_pj_ = energy("digital_exp", mac_pj_ * kMacsPerExp);
}

Breakdown ChipCosts::mvm_ns(std::uint32_t cols) const {
  Breakdown ns;
  ns[Component::kDac] = dac_ns_;
  ns[Component::kCells] = cells_ns_;
  const std::uint32_t rounds = (cols + adcs_ - 1) / adcs_;
  ns[Component::kAdc] = rounds * adc_round_ns_;
  ns[Component::kRescale] = cols * rescale_ns_;
  return ns;
}

Breakdown ChipCosts::mvm_pj(std::uint32_t rows, std::uint32_t cols) const {
  Breakdown pj;
  pj[Component::kDac] = rows * dac_pj_;
  pj[Component::kCells] = static_cast<double>(rows) * cols * cell_pj_;
  pj[Component::kAdc] = cols * adc_pj_;
  pj[Component::kRescale] = cols * rescale_pj_;
  return pj;
}

Breakdown ChipCosts::digital_ns(const DigitalWork& work) const {
  Breakdown ns;
  ns[Component::kDigitalStart] = start_ns_;
  ns[Component::kDigitalMac] = static_cast<double>(work.macs) / mac_rate_;
  ns[Component::kDigitalExp] = static_cast<double>(work.exps) / exp_rate_;
  return ns;
}

Breakdown ChipCosts::digital_pj(const DigitalWork& work) const {
  Breakdown pj;
  pj[Component::kDigitalMac] = static_cast<double>(work.macs) * mac_pj_;
  pj[Component::kDigitalExp] = static_cast<double>(work.exps) * exp_pj_;
  return pj;
}

}  // namespace xw::systemc
