// What the rendering of a template may cost, charged before the cost arises.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace xw::tokenizer::jinja {

/// Bounds of one parse or one rendering. Both are totals: what is freed is not given back, so that the memory in use
/// at any time is below `bytes`, too.
struct Limits {
  std::uint64_t steps = 4'000'000;                ///< nodes visited, values compared, blocks of 32 bytes looked at
  std::uint64_t bytes = std::uint64_t{64} << 20;  ///< of values, texts, scopes, syntax trees and the result
};

/// Counts down. Whoever makes a value asks `allocate` before it does; whoever loops over data asks `step` or `scan`.
/// All throw Error{kUnsupported} when a limit is exceeded and Error{kInterrupted} after Ctrl-C.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// `count` steps of work.
  void step(std::uint64_t count = 1) {
    if (count > limits_.steps - steps_) throw_steps();
    steps_ += count;
    if (steps_ >= next_check_) check_interrupt();
  }
  /// Looking at `bytes` bytes of text once.
  void scan(std::size_t bytes) { step(1 + bytes / 32); }
  /// Memory that is about to be allocated.
  void allocate(std::uint64_t bytes) {
    if (bytes > limits_.bytes - bytes_) throw_bytes();
    bytes_ += bytes;
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void throw_steps() const;
  [[noreturn]] void throw_bytes() const;
  void check_interrupt();

  Limits limits_;
  std::uint64_t steps_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t next_check_ = 0;
};

}  // namespace xw::tokenizer::jinja
