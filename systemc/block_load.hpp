// Block loader of one engine (xw_block_load).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>

#include "systemc/axi_read.hpp"
#include "systemc/command.hpp"
#include "systemc/engine_state.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// LOAD_BLOCK: complete when header and tables are in; cells follow, and the next command waits for the last of them.
class BlockLoad final : public sc_core::sc_module {
 public:
  BlockLoad(const sc_core::sc_module_name& name, std::uint32_t engine, RunControl& control, EngineState& state);

  tlm_utils::simple_target_socket<BlockLoad> commands{"commands"};
  tlm_utils::simple_initiator_socket<BlockLoad> memory{"memory"};

  void start();

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  /// Returns the cycle in which the command is complete.
  [[nodiscard]] Cycles load(Command& command, Cycles begin);
  [[nodiscard]] Fault check(const program::Instruction& instruction) const;

  const std::uint32_t engine_;
  RunControl& control_;
  EngineState& state_;
  AxiRead reader_;
  Cycles idle_ = 0;  ///< nothing is under way any more
  Cycles free_ = 0;  ///< the state machine can take the header of the next image
};

}  // namespace xw::systemc
