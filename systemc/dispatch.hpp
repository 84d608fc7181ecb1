// Fetch, dispatch and completion (xw_fetch, xw_dispatch, xw_completion): one run from start to done.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <array>
#include <cstdint>
#include <functional>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/axi_read.hpp"
#include "systemc/registers.hpp"
#include "systemc/run_control.hpp"
#include "systemc/unit_queue.hpp"

namespace xw::systemc {

/// Waits for a start, checks arguments and program header, gives instructions to the queues, ends the run.
class Dispatch final : public sc_core::sc_module {
 public:
  Dispatch(const sc_core::sc_module_name& name, RunControl& control);

  tlm_utils::simple_target_socket<Dispatch> control{"control"};   ///< registers, 32-bit accesses
  tlm_utils::simple_initiator_socket<Dispatch> memory{"memory"};  ///< program and completion record

  void add_queue(std::uint32_t unit, UnitQueue& queue) { queues_[unit] = &queue; }
  /// Called at the start of every run.
  void on_start(std::function<void()> reset) { reset_ = std::move(reset); }
  /// Called at the start of every run, after on_start().
  void on_begin(std::function<void()> begin) { begin_ = std::move(begin); }
  /// Called in the run's process when all instructions of a good run are done; may wait. The record has no cycles then:
  /// neither the run's nor those of units.
  void on_halt(std::function<void()> halt) { halt_ = std::move(halt); }
  [[nodiscard]] const sc_core::sc_event& done() const { return done_; }
  [[nodiscard]] Registers& registers() { return registers_; }

 private:
  /// Instructions of one fetch.
  struct Chunk {
    std::uint32_t begin = 0, count = 0;  ///< indices
    std::vector<program::EncodedInstruction> words;
    Cycles first = 0;  ///< arrival of the first beat
    Fault fault;       ///< of the next instruction
  };

  void access_registers(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void run();
  void execute();
  void complete();
  [[nodiscard]] Fault check_arguments() const;
  [[nodiscard]] Fault read_header();
  /// Requests the chunk that `index` lies in, at `request`.
  void fetch(Chunk& chunk, std::uint32_t index, Cycles request);
  /// Makes `index` the next instruction; returns the cycle in which it can be dispatched.
  [[nodiscard]] Cycles advance(std::uint32_t index);
  void dispatch_all();
  /// Returns false if it was the last one.
  [[nodiscard]] bool dispatch(std::uint32_t index);
  [[nodiscard]] Fault check_engine(const program::Instruction& instruction, std::uint32_t unit) const;
  /// Waits until condition() or until nothing moves any more; the latter is reported as a watchdog error.
  template <typename Condition>
  [[nodiscard]] bool wait_until(Condition&& condition);
  [[nodiscard]] bool all_idle() const;
  [[nodiscard]] bool all_quiet() const;
  void report(std::uint32_t instruction, const Fault& fault);

  RunControl& control_;
  Registers registers_;
  AxiRead reader_;
  std::array<UnitQueue*, arch::kNumUnits> queues_{};
  std::function<void()> reset_;
  std::function<void()> begin_;
  std::function<void()> halt_;
  std::uint32_t num_instructions_ = 0;
  Chunk current_, next_;
  Cycles total_cycles_ = 0;
  sc_core::sc_event start_, done_;
};

}  // namespace xw::systemc
