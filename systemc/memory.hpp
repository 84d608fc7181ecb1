// Device memory with a number of AXI ports.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/run_control.hpp"
#include "systemc/storage.hpp"

namespace xw::systemc {

/// Every transaction is one AXI burst. Reads and writes of a port are served in order, each channel at the port's
/// bandwidth; the first beat of a read comes `memory_latency_cycles` after its address, the answer of a write as long
/// after its last beat. `delay` of a call is when the address (read) or the last beat (write) is on the bus, of the
/// return when the last beat or the answer is there. Ports do not slow each other down. TLM_IGNORE_COMMAND takes the
/// time of a read and moves no bytes.
class Memory final : public sc_core::sc_module {
 public:
  using Port = tlm_utils::simple_target_socket_tagged<Memory>;

  /// `control` gives clock and description; both may change between runs.
  Memory(const sc_core::sc_module_name& name, std::uint32_t num_ports, const RunControl& control);

  sc_core::sc_vector<Port> ports;

  /// The storage must outlive its use; null: no address exists.
  void set_storage(Storage* storage) { storage_ = storage; }

 private:
  struct Channels {
    sc_core::sc_time read_free = sc_core::SC_ZERO_TIME, write_free = sc_core::SC_ZERO_TIME;
  };
  void b_transport(int port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(int port, tlm::tlm_generic_payload& payload);
  /// Moves the bytes; sets the response.
  [[nodiscard]] bool access(tlm::tlm_generic_payload& payload);

  const RunControl& control_;
  Storage* storage_ = nullptr;
  std::vector<Channels> channels_;
};

}  // namespace xw::systemc
