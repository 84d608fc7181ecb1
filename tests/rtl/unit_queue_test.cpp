// The instruction queue of a unit: order, waits, signals, SYNC, errors, the limit after an error, abort.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <optional>
#include <string>

#include "Vunit_queue_16.h"
#include "Vunit_queue_4.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Depth4 {
  using Model = Vunit_queue_4;
  static constexpr std::size_t kDepth = 4;
};
struct Depth16 {
  using Model = Vunit_queue_16;
  static constexpr std::size_t kDepth = 16;
};

struct Entry {
  std::uint32_t index = 0;
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(4);

  [[nodiscard]] std::uint32_t field(const arch::Field& f) const {
    return words[f.word] >> f.low & ((1U << f.width) - 1);
  }
  [[nodiscard]] bool waits() const { return field(arch::kCommonWait0Count) + field(arch::kCommonWait1Count) != 0; }
  [[nodiscard]] bool is_sync() const { return field(arch::kCommonOpcode) == arch::opcode_value(arch::Opcode::kSync); }
  [[nodiscard]] bool signals() const { return field(arch::kCommonSignal) != 0; }
};

/// The words of a port of 128 bits.
template <typename Port>
[[nodiscard]] std::vector<std::uint32_t> words_of(const Port& port) {
  std::vector<std::uint32_t> words(4);
  std::memcpy(words.data(), &port, 16);
  return words;
}

[[nodiscard]] Entry random_entry(std::mt19937& random, std::uint32_t index) {
  Entry entry{index, random_elements<std::uint32_t>(random, 4)};
  entry.words[0] = (entry.words[0] & ~0xFU) | (random() % 3 == 0 ? arch::opcode_value(arch::Opcode::kSync)
                                                                 : arch::opcode_value(arch::Opcode::kMvm));
  if (random() % 2 == 0) entry.words[0] &= ~(7U << 10U | 7U << 19U);  // no waits
  return entry;
}

/// The queue and what it must hold: the first entry waits, is issued, or runs.
template <typename Config>
struct UnitQueueBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  enum class Phase { kWait, kIssue, kRun, kSignal };

  explicit UnitQueueBench(unsigned seed) : random(seed) {
    top->push_valid_i = top->abort_i = top->limit_valid_i = top->hold_i = top->grant_i = top->cmd_ready_i = 0;
    top->done_i = top->error_i = 0;
    this->reset();
  }

  /// One cycle with random answers of semaphores and executor.
  void cycle(unsigned push_percent, unsigned answer_percent) {
    const auto yes = [this](unsigned percent) { return uniform(random, 0, 99) < percent; };
    if (!pushing && yes(push_percent)) pushing = random_entry(random, next_index++);
    top->push_valid_i = pushing.has_value();
    if (pushing) {
      put(top->push_instruction_i, pushing->words);
      top->push_index_i = pushing->index;
    }
    top->cmd_ready_i = yes(answer_percent);
    top->hold_i = yes(hold_percent);
    const bool answers = phase == Phase::kRun && yes(answer_percent);
    top->error_i = answers && random() % 8 == 0;
    top->done_i = answers && top->error_i == 0;
    top->grant_i = 0;
    this->settle();
    check_state();
    const bool may_begin = phase == Phase::kWait && !held.empty() && (!limit || within_limit) && top->hold_i == 0;
    ASSERT_EQ(top->wait_o != 0, may_begin && held.front().waits());
    if (top->wait_o != 0) {
      const Entry& first = held.front();
      ASSERT_EQ(words_of(top->cmd_o), first.words);
      top->grant_i = yes(answer_percent);
      this->settle();
    }
    const bool takes = may_begin && (!held.front().waits() || top->grant_i != 0);
    // The signal of a SYNC that waited comes in the next cycle.
    const bool later = takes && held.front().is_sync() && held.front().waits() && held.front().signals();
    const bool completes = top->done_i != 0 || phase == Phase::kSignal || (takes && held.front().is_sync() && !later);
    const bool accepted = phase == Phase::kIssue && top->cmd_ready_i != 0;
    ASSERT_EQ(top->signal_o != 0, completes && held.front().signals());
    if (top->signal_o != 0) {
      ASSERT_EQ(words_of(top->cmd_o), held.front().words);
    }
    ASSERT_EQ(top->push_ready_o != 0, held.size() < Config::kDepth);
    const bool pushed = pushing && top->push_ready_o != 0;
    const bool failed = top->error_i != 0;
    // Known in the next cycle.
    within_limit = limit && !held.empty() && !completes && !failed && held.front().index <= *limit;
    this->tick();
    if (takes) phase = later ? Phase::kSignal : Phase::kIssue;
    num_later += later ? 1 : 0;
    if (accepted) phase = Phase::kRun;
    if (completes || failed) {
      phase = Phase::kWait;
      held.pop_front();
      num_complete += completes ? 1 : 0;
      num_failed += failed ? 1 : 0;
    }
    if (pushed) {
      held.push_back(*pushing);
      pushing.reset();
    }
    deepest = std::max(deepest, held.size());
  }

  void set_limit(std::uint32_t index) {
    limit = index;
    within_limit = false;
    top->limit_valid_i = 1;
    top->limit_i = index;
  }
  void check_state() {
    ASSERT_EQ(top->held_o != 0, !held.empty());
    ASSERT_EQ(top->busy_o != 0, phase == Phase::kIssue || phase == Phase::kRun);
    ASSERT_EQ(top->cmd_valid_o != 0, phase == Phase::kIssue);
    if (held.empty()) return;
    ASSERT_EQ(top->index_o, held.front().index);
    if (phase == Phase::kIssue) {
      ASSERT_FALSE(held.front().is_sync()) << "SYNC reached the executor";
      ASSERT_EQ(get<std::uint32_t>(top->cmd_o, 4), held.front().words);
    }
  }
  void forget() {
    held.clear();
    phase = Phase::kWait;
    pushing.reset();
    limit.reset();
    top->limit_valid_i = 0;
  }

  std::mt19937 random;
  std::deque<Entry> held;
  Phase phase = Phase::kWait;
  std::optional<Entry> pushing;
  std::optional<std::uint32_t> limit;
  bool within_limit = false;               ///< the first entry was not behind the limit in the last cycle
  std::uint32_t next_index = 0xFFFFFF00U;  // indices are compared unsigned; they wrap soon
  unsigned hold_percent = 10;
  unsigned num_complete = 0, num_failed = 0, num_later = 0;
  std::size_t deepest = 0;
};

template <typename Config>
class UnitQueueRtl : public testing::Test {};
using Configs = testing::Types<Depth4, Depth16>;
TYPED_TEST_SUITE(UnitQueueRtl, Configs);

TYPED_TEST(UnitQueueRtl, RunsEverythingOnceInOrder) {
  for (unsigned seed = 1; seed <= 9; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    UnitQueueBench<TypeParam> bench(seed);
    const unsigned push_percent = 20 + seed % 3 * 40, answer_percent = 20 + seed / 3 * 25;
    for (unsigned cycle = 0; cycle < 4000; ++cycle) {
      SCOPED_TRACE("cycle " + std::to_string(cycle));
      bench.cycle(push_percent, answer_percent);
      if (this->HasFatalFailure()) return;
    }
    EXPECT_GT(bench.num_complete, 200U);
    EXPECT_GT(bench.num_failed, 5U);
    EXPECT_GT(bench.num_later, 5U);
    if (push_percent == 100) {
      EXPECT_EQ(bench.deepest, TypeParam::kDepth) << "the queue never filled";
    }
  }
}

TYPED_TEST(UnitQueueRtl, SyncsPassAtFullRate) {
  UnitQueueBench<TypeParam> bench(20);
  Entry sync;
  sync.words[0] = arch::opcode_value(arch::Opcode::kSync) | 1U << 28U | 3U << 22U;
  bench.top->push_valid_i = 1;
  put(bench.top->push_instruction_i, sync.words);
  bench.tick();
  for (unsigned cycle = 0; cycle < 50; ++cycle) {
    bench.settle();
    EXPECT_NE(bench.top->push_ready_o, 0);
    EXPECT_NE(bench.top->signal_o, 0);
    EXPECT_EQ(words_of(bench.top->cmd_o), sync.words);
    bench.tick();
  }
}

TYPED_TEST(UnitQueueRtl, DoesNotBeginInstructionsBehindTheLimit) {
  for (unsigned seed = 31; seed < 51; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    UnitQueueBench<TypeParam> bench(seed);
    bench.next_index = seed;
    for (unsigned cycle = 0; cycle < 60; ++cycle) bench.cycle(90, 40);
    // Some of what is held may still run, or only what has begun.
    bench.set_limit(bench.held.empty() ? bench.next_index : bench.held.front().index + uniform(bench.random, 0, 2) - 1);
    for (unsigned cycle = 0; cycle < 200; ++cycle) bench.cycle(90, 60);
    if (this->HasFatalFailure()) return;
    ASSERT_FALSE(bench.held.empty());
    EXPECT_GT(bench.held.front().index, *bench.limit);
    EXPECT_EQ(bench.top->busy_o, 0);
    EXPECT_EQ(bench.held.size(), TypeParam::kDepth);
  }
}

TYPED_TEST(UnitQueueRtl, AbortAndResetForgetEverything) {
  for (unsigned seed = 61; seed < 101; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    UnitQueueBench<TypeParam> bench(seed);
    for (unsigned cycle = uniform(bench.random, 0, 60); cycle > 0; --cycle) bench.cycle(80, 40);
    bench.top->push_valid_i = 0;
    bench.top->done_i = bench.top->error_i = bench.top->grant_i = 0;
    if (seed % 2 == 0) {
      bench.reset();
    } else {
      bench.top->abort_i = 1;
      bench.tick();
      bench.top->abort_i = 0;
    }
    bench.forget();
    for (unsigned cycle = 0; cycle < 10; ++cycle) {
      bench.top->done_i = 1;  // late
      bench.settle();
      ASSERT_EQ(bench.top->signal_o, 0);
      ASSERT_EQ(bench.top->cmd_valid_o, 0);
      ASSERT_EQ(bench.top->held_o, 0);
      bench.tick();
    }
    bench.top->done_i = 0;
    for (unsigned cycle = 0; cycle < 100; ++cycle) bench.cycle(80, 60);  // and works again
    if (this->HasFatalFailure()) return;
    EXPECT_GT(bench.num_complete, 0U);
  }
}

}  // namespace
}  // namespace xw::test
