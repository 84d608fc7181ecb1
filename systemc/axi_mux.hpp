// The masters that share the port of program, x and y (xw_read_mux, xw_write_mux).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>

namespace xw::systemc {

/// Passes transactions of several initiators on; adds no time.
class AxiMux final : public sc_core::sc_module {
 public:
  using Input = tlm_utils::simple_target_socket_tagged<AxiMux>;
  AxiMux(const sc_core::sc_module_name& name, std::uint32_t num_inputs);

  sc_core::sc_vector<Input> inputs;
  tlm_utils::simple_initiator_socket<AxiMux> output{"output"};

 private:
  void b_transport(int input, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(int input, tlm::tlm_generic_payload& payload);
};

}  // namespace xw::systemc
