// Drives one executor of the DMA units: commands, memory, abort and reset.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"
#include "tests/rtl/unit_events.hpp"

namespace xw::test {

/// `Bench` derives from this class and has drive_ports() and sample_ports() for what is not command or memory.
template <typename Bench, typename Model, typename Memory>
class ExecutorBench {
 public:
  using Command = std::array<std::uint32_t, 4>;

  ExecutorBench(unsigned seed, std::size_t memory_bytes, std::uint32_t beat_bytes)
      : random(seed), memory(memory_bytes, beat_bytes) {}
  ~ExecutorBench() { verilated::finish(*top); }
  ExecutorBench(const ExecutorBench&) = delete;
  ExecutorBench& operator=(const ExecutorBench&) = delete;

  void reset() {
    top->rst_ni = 0;
    top->cmd_valid_i = 0;
    top->abort_i = 0;
    memory.reset();
    for (int i = 0; i < 3; ++i) tick();
    memory.reset();
    top->rst_ni = 1;
    tick();
    events = {};
  }

  /// One cycle; inputs must be set.
  void tick() {
    auto& bench = static_cast<Bench&>(*this);
    memory.drive(*top, random);
    bench.drive_ports();
    clocks_low(*top);
    if (top->rst_ni != 0) {
      memory.sample(*top, random);
      bench.sample_ports();
      taken = top->cmd_valid_i != 0 && top->cmd_ready_o != 0;
      events.note(top->done_o != 0, top->error_o != 0, member(top->fault_o, rtl::Fault::code),
                  member(top->fault_o, rtl::Fault::detail));
      stalls += top->memory_stall_o;
      progress += top->beat_o;
      if (top->idle_o != 0) {
        EXPECT_TRUE(memory.quiet()) << "idle with bursts under way";
        EXPECT_EQ(top->memory_stall_o, 0);
      }
      if (top->cmd_ready_o != 0) {
        EXPECT_TRUE(memory.quiet()) << "ready with bursts under way";
      }
      if (top->done_o != 0) {
        EXPECT_TRUE(memory.quiet()) << "done with bursts under way";
      }
    }
    clock_edge(*top);
    ++cycles;
  }

  void start(const Command& command) {
    std::memcpy(&top->cmd_i, command.data(), sizeof command);
    top->cmd_valid_i = 1;
    wait("command", [&] { return taken; });
    top->cmd_valid_i = 0;
    for (int i = 0; i < 4; ++i) top->cmd_i[i] = static_cast<std::uint32_t>(random());
  }
  /// Runs a command until the unit is idle again; returns what it reported.
  UnitEvents run(const Command& command) {
    events = {};
    start(command);
    wait("end of command", [&] { return events.done + events.errors != 0; });
    wait("idle", [&] { return top->idle_o != 0; });
    return events;
  }
  /// Starts a command, aborts it after `after` cycles for `length` cycles, and waits until the unit is idle. A command
  /// may have ended before.
  void run_aborted(const Command& command, unsigned after, unsigned length) {
    start(command);
    for (unsigned i = 0; i < after; ++i) tick();
    top->abort_i = 1;
    tick();
    events = {};
    aborted = true;
    for (unsigned i = 1; i < length; ++i) tick();
    top->abort_i = 0;
    wait("idle after abort", [&] { return top->idle_o != 0; });
    for (int i = 0; i < 5; ++i) tick();
    EXPECT_EQ(events.done + events.errors, 0U) << "an aborted command reported something";
    aborted = false;
  }

  /// Ticks until `condition`; throws after many cycles.
  template <typename Condition>
  void wait(const char* what, Condition condition) {
    for (int i = 0; i < 500000; ++i) {
      tick();
      if (condition()) return;
    }
    throw std::runtime_error(std::string("the unit does not answer: ") + what);
  }

  std::mt19937 random;
  Memory memory;
  std::unique_ptr<Model> top = std::make_unique<Model>();
  UnitEvents events;
  bool taken = false;
  bool aborted = false;  ///< abort_i was seen: the command does nothing any more
  std::uint64_t stalls = 0, progress = 0, cycles = 0;
};

}  // namespace xw::test
