// What sequencer modules share in a run: time, arguments, semaphores, counters and the first error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <systemc>

#include "compiler/program/instruction.hpp"
#include "systemc/clock.hpp"
#include "systemc/input_map.hpp"
#include "systemc/settings.hpp"

namespace xw::systemc {

/// The counting semaphores (xw_semaphores).
class Semaphores {
 public:
  void clear() { tokens_ = {}; }
  /// The semaphore that an instruction waits for in vain; nothing if it can take its tokens.
  [[nodiscard]] std::optional<std::uint32_t> missing(const program::Instruction& instruction) const {
    const std::uint32_t id0 = instruction.wait0_id;
    const std::uint32_t id1 = instruction.wait1_id;
    if (tokens_[id0] < instruction.wait0_count) return id0;
    const std::uint32_t taken = id0 == id1 ? instruction.wait0_count : 0U;
    if (tokens_[id1] - taken < instruction.wait1_count) return id1;
    return std::nullopt;
  }
  /// Takes tokens that are there.
  void take(const program::Instruction& instruction) {
    tokens_[instruction.wait0_id] -= instruction.wait0_count;
    tokens_[instruction.wait1_id] -= instruction.wait1_count;
  }
  /// Returns false if the counter is full.
  [[nodiscard]] bool signal(std::uint32_t id) {
    if (tokens_[id] == (1U << arch::kSemaphoreBits) - 1U) return false;
    ++tokens_[id];
    signalled_[id].notify();
    return true;
  }
  /// The lowest semaphore that is not zero.
  [[nodiscard]] std::optional<std::uint32_t> leftover() const {
    for (std::uint32_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id] != 0) return id;
    }
    return std::nullopt;
  }
  [[nodiscard]] const sc_core::sc_event& signalled(std::uint32_t id) const { return signalled_[id]; }

 private:
  std::array<std::uint32_t, arch::kNumSemaphores> tokens_{};
  std::array<sc_core::sc_event, arch::kNumSemaphores> signalled_;
};

/// A fault with its place.
struct RunFault {
  Fault fault;
  std::uint32_t unit = 0, instruction = 0;
};

/// State of the run in progress.
struct RunControl {
  Settings settings;
  Clock clock;
  RunArguments arguments;
  Semaphores semaphores;
  Counters counters;
  InputMap inputs;
  std::optional<RunFault> fault;  ///< the first in program order of those found so far
  sc_core::sc_event progress;     ///< some queue changed its state

  /// Instructions behind the first error are not begun; those before it run to their end.
  [[nodiscard]] bool may_begin(std::uint32_t instruction) const { return !fault || instruction < fault->instruction; }
  void report(const RunFault& found) {
    if (!fault || found.instruction < fault->instruction) fault = found;
  }
};

}  // namespace xw::systemc
