// The digital units.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/digital_units.hpp"

#include "systemc/chip/constants.hpp"

namespace xw::systemc {

DigitalUnits::DigitalUnits(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  work.register_b_transport(this, &DigitalUnits::b_transport);
}

void DigitalUnits::configure(const arch::ChipDescription& chip) {
  units_ = {};
  start_ns_ = constant(chip.timing, "digital_latency", 0);
  mac_rate_ = constant(chip.timing, "digital_mac_rate", 1);
  exp_rate_ = constant(chip.timing, "digital_exp_rate", mac_rate_ / kMacsPerExp);
  mac_pj_ = constant(chip.energy, "digital_mac", 0);
  exp_pj_ = constant(chip.energy, "digital_exp", mac_pj_ * kMacsPerExp);
}

void DigitalUnits::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Work* operation = work_of(payload, 1);
  if (operation == nullptr) return;
  const auto macs = static_cast<double>(operation->digital.macs);
  const auto exps = static_cast<double>(operation->digital.exps);
  operation->time_ns[Component::kDigitalStart] = start_ns_;
  operation->time_ns[Component::kDigitalMac] = macs / mac_rate_;
  operation->time_ns[Component::kDigitalExp] = exps / exp_rate_;
  operation->energy_pj[Component::kDigitalMac] = macs * mac_pj_;
  operation->energy_pj[Component::kDigitalExp] = exps * exp_pj_;
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time earliest = now + delay;
  const sc_core::sc_time duration = nanoseconds(operation->time_ns.total());
  operation->begin = units_.occupy(earliest, duration);
  operation->end = operation->begin + duration;
  operation->time_ns[Component::kDigitalWait] = in_nanoseconds(operation->begin - earliest);
  delay = operation->end - now;
}

}  // namespace xw::systemc
