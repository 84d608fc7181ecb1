// The masters that share the port of program, x and y.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/axi_mux.hpp"

namespace xw::systemc {

AxiMux::AxiMux(const sc_core::sc_module_name& name, std::uint32_t num_inputs)
    : sc_core::sc_module(name), inputs("input", num_inputs) {
  for (std::uint32_t input = 0; input < num_inputs; ++input) {
    inputs[input].register_b_transport(this, &AxiMux::b_transport, static_cast<int>(input));
    inputs[input].register_transport_dbg(this, &AxiMux::transport_dbg, static_cast<int>(input));
  }
}

void AxiMux::b_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  output->b_transport(payload, delay);
}

unsigned AxiMux::transport_dbg(int, tlm::tlm_generic_payload& payload) {
  return output->transport_dbg(payload);
}

}  // namespace xw::systemc
