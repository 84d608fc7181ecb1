// Fork-join pool: one atomic state word, work claimed in pieces, late workers are not waited for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/parallel.hpp"
#include "arch/support/setting_error.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace xw {

namespace {

constexpr std::chrono::microseconds kSpin{30};
constexpr int kPausesPerClockRead = 32;

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Polls `ready` for a few tens of microseconds. True if it became true.
template <class Ready>
bool spin_until(const Ready& ready) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

}  // namespace

// A job is open while kOpen is set in `state`; its low bits count the workers inside. A worker enters by adding one
// to an open state, so a worker that wakes up late finds the job closed and nobody waits for it: on a crowded
// machine the caller simply does the work itself. The caller changes the job's fields only while no worker is inside.
struct ThreadPool::Impl {
  static constexpr std::uint32_t kOpen = 1U << 31;

  // The job: pieces [0, num_pieces) are claimed through `next`.
  const std::function<void(std::size_t)>* each = nullptr;
  const std::function<void(std::size_t, std::size_t)>* range = nullptr;
  std::size_t count = 0;
  std::size_t piece = 0;
  std::size_t num_pieces = 0;
  std::exception_ptr error;
  std::atomic<bool> failed{false};

  alignas(64) std::atomic<std::size_t> next{0};
  alignas(64) std::atomic<std::uint32_t> state{0};
  alignas(64) std::atomic<std::uint32_t> epoch{0};  // grows with every job; sleeping workers wait on it
  alignas(64) std::atomic<std::uint32_t> left{0};   // grows when the last worker leaves a closed job
  std::atomic<bool> stopping{false};
  bool spin = true;
  std::vector<std::thread> workers;

  void work() noexcept {
    try {
      while (true) {
        const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
        if (index >= num_pieces) return;
        const std::size_t begin = index * piece;
        const std::size_t end = std::min(count, begin + piece);
        if (range != nullptr) {
          (*range)(begin, end);
        } else {
          for (std::size_t i = begin; i < end; ++i) (*each)(i);
        }
      }
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
      next.store(num_pieces, std::memory_order_relaxed);  // nobody starts another piece
    }
  }

  [[nodiscard]] bool enter() noexcept {
    std::uint32_t seen = state.load();
    while ((seen & kOpen) != 0) {
      if (state.compare_exchange_weak(seen, seen + 1)) return true;
    }
    return false;
  }

  void leave() noexcept {
    if (state.fetch_sub(1) == 1) {  // closed, and this was the last one
      left.fetch_add(1);
      left.notify_one();
    }
  }

  void serve() noexcept {
    std::uint32_t seen = 0;
    while (true) {
      if (!spin || !spin_until([&] { return epoch.load() != seen; })) epoch.wait(seen);
      seen = epoch.load();
      if (stopping.load()) return;
      if (enter()) {
        work();
        leave();
      }
    }
  }

  void run() {
    assert(state.load() == 0 && "ThreadPool is not re-entrant");
    next.store(0, std::memory_order_relaxed);
    failed.store(false, std::memory_order_relaxed);
    error = nullptr;
    state.store(kOpen);
    epoch.fetch_add(1);
    epoch.notify_all();
    work();
    if (state.fetch_sub(kOpen) != kOpen) wait_for_workers();
    each = nullptr;
    range = nullptr;
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  /// Ends all workers.
  void stop() noexcept {
    stopping.store(true);
    epoch.fetch_add(1);
    epoch.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
  }

  void wait_for_workers() noexcept {
    if (spin && spin_until([&] { return state.load() == 0; })) return;
    while (true) {
      const std::uint32_t seen = left.load();
      if (state.load() == 0) return;
      left.wait(seen);
    }
  }
};

ThreadPool::ThreadPool(unsigned num_threads) : impl_(std::make_unique<Impl>()) {
  const unsigned hardware = std::max(1U, std::thread::hardware_concurrency());
  const unsigned threads = num_threads == 0 ? hardware : num_threads;
  impl_->spin = threads <= hardware;
  impl_->workers.reserve(threads - 1);
  try {
    for (unsigned i = 1; i < threads; ++i) impl_->workers.emplace_back([pool = impl_.get()] { pool->serve(); });
  } catch (const std::system_error& error) {  // limits of processes or of address space
    const std::size_t started = impl_->workers.size() + 1;
    impl_->stop();
    throw SettingError(ErrorCode::kCapacity, "threads",
                       "threads: expected " + std::to_string(threads) + ", only " + std::to_string(started) +
                           " could be started: " + error.code().message() + "; ask for fewer");
  } catch (...) {  // out of memory
    impl_->stop();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  impl_->stop();
}

unsigned ThreadPool::num_threads() const noexcept {
  return static_cast<unsigned>(impl_->workers.size()) + 1;
}

void ThreadPool::for_each(std::size_t count, const std::function<void(std::size_t)>& body) {
  if (count == 0) return;
  if (impl_->workers.empty() || count == 1) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  constexpr std::size_t kPiecesPerThread = 8;  // small enough to balance, large enough to claim cheaply
  impl_->each = &body;
  impl_->count = count;
  impl_->piece = std::max<std::size_t>(1, count / (kPiecesPerThread * num_threads()));
  impl_->num_pieces = (count + impl_->piece - 1) / impl_->piece;
  impl_->run();
}

void ThreadPool::for_ranges(std::size_t count, std::size_t granularity,
                            const std::function<void(std::size_t, std::size_t)>& body) {
  assert(granularity > 0);
  if (count == 0) return;
  const std::size_t grains = (count + granularity - 1) / granularity;
  const std::size_t grains_per_piece = (grains + num_threads() - 1) / num_threads();
  if (impl_->workers.empty() || grains_per_piece == grains) {
    body(0, count);
    return;
  }
  impl_->range = &body;
  impl_->count = count;
  impl_->piece = grains_per_piece * granularity;
  impl_->num_pieces = (count + impl_->piece - 1) / impl_->piece;
  impl_->run();
}

}  // namespace xw
