// A fixed pool of threads for loops whose results do not depend on their order.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace xw {

/// Runs index ranges on `num_threads` threads (the caller is one of them). Not re-entrant: a body may not
/// call back into the same pool. Fork-join latency is a few microseconds (workers spin briefly, then sleep).
class ThreadPool {
 public:
  /// num_threads = 0: one per hardware thread. Throws Error{kCapacity} if the system does not give that many.
  explicit ThreadPool(unsigned num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] unsigned num_threads() const noexcept;
  /// Calls body(i) for every i in [0, count), each exactly once, in any order and thread; returns when all are
  /// done. The first exception of a body is rethrown here (the rest still runs or is skipped).
  void for_each(std::size_t count, const std::function<void(std::size_t)>& body);
  /// Same with chunks: body(begin, end) over a partition of [0, count) into at most num_threads() ranges whose
  /// lengths are multiples of `granularity` (but the last).
  void for_ranges(std::size_t count, std::size_t granularity,
                  const std::function<void(std::size_t, std::size_t)>& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw
