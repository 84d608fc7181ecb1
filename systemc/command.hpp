// How a unit's queue gives an instruction to its executor: the protocol of all `commands` sockets.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <systemc>
#include <tlm>

#include "compiler/program/instruction.hpp"
#include "systemc/clock.hpp"
#include "systemc/settings.hpp"

namespace xw::systemc {

/// A command is a write of the 16 bytes of an instruction to address 0, with this extension. The executor does the whole
/// instruction in b_transport and adds to `delay` the time until it is complete (it signals then). It answers
/// TLM_OK_RESPONSE, or TLM_GENERIC_ERROR_RESPONSE with `fault` filled in.
class Command final : public tlm::tlm_extension<Command> {
 public:
  program::Instruction instruction;
  const RunArguments* run = nullptr;
  Fault fault;              ///< answer
  Cycles memory_stall = 0;  ///< answer: cycles spent waiting for memory
  std::optional<Cycles>
      at_work;  ///< answer: cycles at work, those included; nothing: from the command to its completion

  [[nodiscard]] tlm::tlm_extension_base* clone() const override { return new Command(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const Command&>(other); }
};

/// The command on `payload`; null if it is none (the response is set then).
[[nodiscard]] inline Command* command_of(tlm::tlm_generic_payload& payload) {
  Command* command = payload.get_extension<Command>();
  const bool good = command != nullptr && command->run != nullptr && payload.is_write() &&
                    payload.get_data_length() == sizeof(program::EncodedInstruction);
  if (!good) payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
  return good ? command : nullptr;
}

/// Ends a command.
inline void answer(tlm::tlm_generic_payload& payload, const Command& command) {
  payload.set_response_status(command.fault ? tlm::TLM_GENERIC_ERROR_RESPONSE : tlm::TLM_OK_RESPONSE);
}

}  // namespace xw::systemc
