// X load: device memory to the XBUF of all engines (xw_x_load).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/axi_read.hpp"
#include "systemc/command.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// LOAD_X: one range of memory per vector, one beat per cycle.
class XLoad final : public sc_core::sc_module {
 public:
  using Broadcast = tlm_utils::simple_initiator_socket<XLoad>;
  XLoad(const sc_core::sc_module_name& name, std::uint32_t num_engines, RunControl& control);

  tlm_utils::simple_target_socket<XLoad> commands{"commands"};
  tlm_utils::simple_initiator_socket<XLoad> memory{"memory"};
  sc_core::sc_vector<Broadcast> xbuf;  ///< per engine

  void start() { reader_.restart(); }

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  [[nodiscard]] Fault check(const program::Instruction& instruction) const;
  /// Returns the cycle in which the command is complete.
  [[nodiscard]] Cycles load(Command& command, Cycles begin);
  void broadcast(std::uint64_t address, std::uint32_t bytes);

  RunControl& control_;
  AxiRead reader_;
  std::vector<std::byte> row_;
  tlm::tlm_generic_payload payload_;
};

}  // namespace xw::systemc
