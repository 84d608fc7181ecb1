// The instruction queue of one unit (xw_unit_queue).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <cstdint>
#include <deque>
#include <systemc>
#include <tlm>

#include "systemc/command.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// Takes instructions in order: waits for their tokens, has the executor do them, signals.
class UnitQueue final : public sc_core::sc_module {
 public:
  UnitQueue(const sc_core::sc_module_name& name, std::uint32_t unit, RunControl& control);
  ~UnitQueue() override;

  tlm_utils::simple_initiator_socket<UnitQueue> executor{"executor"};

  [[nodiscard]] bool full() const;
  [[nodiscard]] bool idle() const { return entries_.empty(); }
  /// Its first instruction waits for tokens that are not there.
  [[nodiscard]] bool blocked() const;
  /// Nothing happens here until another unit does something.
  [[nodiscard]] bool quiet() const;
  /// The instruction to report when nothing moves any more. Only while blocked().
  [[nodiscard]] RunFault starved() const;

  void push(const program::Instruction& instruction, const program::EncodedInstruction& words, std::uint32_t index);
  /// Forgets everything. Only while quiet().
  void abort();

 private:
  struct Entry {
    program::Instruction instruction;
    program::EncodedInstruction words{};
    std::uint32_t index = 0;
    Cycles visible = 0;
  };
  void run();
  void execute(Entry& entry);
  void wait_for_tokens(const Entry& entry);
  void signal(const Entry& entry);

  const std::uint32_t unit_;
  RunControl& control_;
  std::deque<Entry> entries_;  ///< the first one may be executing
  bool executing_ = false;
  sc_core::sc_event pushed_, aborted_;
  Command command_;
  tlm::tlm_generic_payload payload_;
};

}  // namespace xw::systemc
