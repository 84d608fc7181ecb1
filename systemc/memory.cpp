// Device memory with a number of AXI ports.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/memory.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace xw::systemc {

Memory::Memory(const sc_core::sc_module_name& name, std::uint32_t num_ports, const RunControl& control)
    : sc_core::sc_module(name), ports("port", num_ports), control_(control), channels_(num_ports) {
  for (std::uint32_t port = 0; port < num_ports; ++port) {
    ports[port].register_b_transport(this, &Memory::b_transport, static_cast<int>(port));
    ports[port].register_transport_dbg(this, &Memory::transport_dbg, static_cast<int>(port));
  }
}

bool Memory::access(tlm::tlm_generic_payload& payload) {
  if (payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return false;
  }
  if (payload.get_data_length() == 0 || payload.get_streaming_width() < payload.get_data_length()) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return false;
  }
  std::byte* bytes = storage_ == nullptr ? nullptr : storage_->find(payload.get_address(), payload.get_data_length());
  if (bytes == nullptr) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return false;
  }
  if (payload.is_read()) std::memcpy(payload.get_data_ptr(), bytes, payload.get_data_length());
  if (payload.is_write()) std::memcpy(bytes, payload.get_data_ptr(), payload.get_data_length());
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  return true;
}

void Memory::b_transport(int port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (!access(payload)) return;
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  const std::uint32_t beat_bytes = control_.settings.beat_bytes();
  const std::uint32_t beats = (payload.get_data_length() + beat_bytes - 1) / beat_bytes;
  const double cycles_per_beat = std::max(1.0, beat_bytes / emulator.memory_bytes_per_cycle);
  const auto transfer = static_cast<Cycles>(std::llround(beats * cycles_per_beat));
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time latency = control_.clock.span(emulator.memory_latency_cycles);
  Channels& channels = channels_[static_cast<std::size_t>(port)];
  if (payload.is_write()) {
    // The data came with the address; a slow memory takes longer than the bus.
    const sc_core::sc_time begin = std::max(now + delay, channels.write_free);
    channels.write_free = begin + control_.clock.span(transfer - static_cast<Cycles>(beats));
    delay = channels.write_free + latency - now;
    return;
  }
  const sc_core::sc_time first = std::max(now + delay + latency, channels.read_free);
  channels.read_free = first + control_.clock.span(transfer);
  delay = channels.read_free - control_.clock.period() - now;
}

unsigned Memory::transport_dbg(int, tlm::tlm_generic_payload& payload) {
  return access(payload) ? payload.get_data_length() : 0;
}

}  // namespace xw::systemc
