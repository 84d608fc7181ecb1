// MVM unit of one engine (xw_mvm_control, xw_mac_lanes, xw_converter).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>

#include "systemc/command.hpp"
#include "systemc/engine_state.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// MVM: one beat of cells per cycle for every column group, vector and row; conversion of a pass overlaps the next.
class Mvm final : public sc_core::sc_module {
 public:
  Mvm(const sc_core::sc_module_name& name, std::uint32_t engine, RunControl& control, EngineState& state);

  tlm_utils::simple_target_socket<Mvm> commands{"commands"};

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  [[nodiscard]] Fault check(const program::Instruction& instruction) const;
  /// Cycle of completion; `stall`: cycles waited for cells.
  [[nodiscard]] Cycles time(const Context& context, Cycles begin, std::uint32_t num_vectors, Cycles& stall);
  void multiply(const Command& command);

  const std::uint32_t engine_;
  RunControl& control_;
  EngineState& state_;
};

}  // namespace xw::systemc
