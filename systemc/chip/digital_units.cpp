// The digital units.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/digital_units.hpp"

namespace xw::systemc {

DigitalUnits::DigitalUnits(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  work.register_b_transport(this, &DigitalUnits::b_transport);
}

std::vector<double> DigitalUnits::busy_ns() const {
  std::vector<double> busy;
  for (const Server& unit : units_) busy.push_back(unit.busy_ns());
  return busy;
}

void DigitalUnits::configure(const ChipCosts& costs, std::uint32_t num_chips) {
  units_.assign(num_chips, {});
  costs_ = costs;
}

void DigitalUnits::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Work* operation = work_of(payload, units_.size());
  if (operation == nullptr) return;
  operation->time_ns = costs_.digital_ns(operation->digital);
  operation->energy_pj = costs_.digital_pj(operation->digital);
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time earliest = now + delay;
  const sc_core::sc_time duration = nanoseconds(operation->time_ns.total());
  operation->begin = units_[payload.get_address()].occupy(earliest, duration);
  operation->end = operation->begin + duration;
  operation->time_ns[Component::kDigitalWait] = in_nanoseconds(operation->begin - earliest);
  delay = operation->end - now;
}

}  // namespace xw::systemc
