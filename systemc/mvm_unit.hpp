// What the MVM units of both profiles have in common: commands, checks and events.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <functional>
#include <memory>
#include <systemc>
#include <tlm>

#include "systemc/command.hpp"
#include "systemc/engine_state.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// Checks an MVM and counts its events; who multiplies, and in what time, is the derived class's.
class MvmUnit : public sc_core::sc_module {
 public:
  MvmUnit(const sc_core::sc_module_name& name, RunControl& control, EngineState& state);

  tlm_utils::simple_target_socket<MvmUnit> commands{"commands"};

 protected:
  /// Does a command that is fine, on the block in `context`, from cycle `begin` on; returns the cycle of its completion.
  [[nodiscard]] virtual Cycles execute(Command& command, const Context& context, Cycles begin) = 0;
  /// The vectors of a command in the engine's buffers.
  [[nodiscard]] analog::MvmBatch batch_of(const Command& command);

  RunControl& control_;
  EngineState& state_;

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  [[nodiscard]] Fault check(const program::Instruction& instruction) const;
};

/// Makes the MVM unit of an engine.
using MakeMvm = std::function<std::unique_ptr<MvmUnit>(const char* name, RunControl& control, EngineState& state)>;

}  // namespace xw::systemc
