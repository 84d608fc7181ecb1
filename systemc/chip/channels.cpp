// Things that move bytes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/channels.hpp"

namespace xw::systemc {

Channels::Channels(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  work.register_b_transport(this, &Channels::b_transport);
}

void Channels::configure(std::uint32_t count, const ChannelCost& cost) {
  channels_.assign(count, {});
  cost_ = cost;
}

std::vector<double> Channels::busy_ns() const {
  std::vector<double> busy;
  busy.reserve(channels_.size());
  for (const Server& channel : channels_) busy.push_back(channel.busy_ns());
  return busy;
}

void Channels::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Work* transfer = work_of(payload, channels_.size());
  if (transfer == nullptr) return;
  const auto bytes = static_cast<double>(transfer->bytes);
  const double move_ns = cost_.move_ns(bytes);
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time earliest = now + delay;
  const sc_core::sc_time duration = nanoseconds(move_ns);
  transfer->begin = channels_[payload.get_address()].occupy(earliest, duration);
  transfer->end = transfer->begin + duration;
  transfer->time_ns[cost_.component] = move_ns + cost_.latency_ns;
  transfer->time_ns[cost_.waiting] = in_nanoseconds(transfer->begin - earliest);
  transfer->energy_pj[cost_.component] = bytes * cost_.byte_pj;
  transfer->energy_pj[Component::kHop] = static_cast<double>(transfer->hop_bytes) * cost_.hop_byte_pj;
  delay = transfer->end + nanoseconds(cost_.latency_ns) - now;
}

}  // namespace xw::systemc
