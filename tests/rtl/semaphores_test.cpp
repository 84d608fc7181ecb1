// The RTL semaphores against counters in C++.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "Vsemaphores_18.h"
#include "Vsemaphores_4.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Units4 {
  using Model = Vsemaphores_4;
  static constexpr unsigned kUnits = 4;
};
struct Units18 {  // all that the contract has queues for
  using Model = Vsemaphores_18;
  static constexpr unsigned kUnits = 18;
};

constexpr std::uint32_t kFull = (1U << arch::kSemaphoreBits) - 1;

struct Wait {
  std::uint32_t id0 = 0, count0 = 0, id1 = 0, count1 = 0;
};

/// Writes numbers of `width` bits to a port, number 0 lowest.
template <typename Port, typename Number>
void put_fields(Port& port, unsigned width, unsigned count, Number number) {
  std::vector<std::uint8_t> bytes(sizeof port);
  for (unsigned bit = 0; bit < width * count; ++bit) {
    bytes[bit / 8] |= static_cast<std::uint8_t>((number(bit / width) >> bit % width & 1U) << bit % 8);
  }
  put(port, bytes);
}

template <typename Config>
class SemaphoresRtl : public testing::Test {
 protected:
  static constexpr unsigned kUnits = Config::kUnits;
  static constexpr std::uint32_t kAllUnits = (1U << kUnits) - 1;

  void SetUp() override { start(); }
  void start() {
    top_.wait_i = top_.signal_i = 0;
    top_.clear_i = top_.check_i = 0;
    bench_.reset();
    counts_ = {};
    served_ = {};
    lost_ = {};
  }
  /// One cycle; `lost`: units whose signals in it find a full counter, which is told two cycles later.
  void cycle(std::uint32_t lost) {
    bench_.settle();
    ASSERT_EQ(top_.overflow_o, lost_[0]);
    if ((lost_[0] | lost_[1]) != 0) {
      ASSERT_NE(top_.checking_o, 0);
    }
    bench_.tick();
    lost_ = {lost_[1], lost};
  }
  /// Puts waits_ and signal_ids_ into the words of the instructions.
  void put_waits() {
    put_fields(top_.cmd_i, 32, 4 * kUnits, [&](unsigned word) {
      static_assert(arch::kCommonWait0Id.word == 0 && arch::kCommonWait1Id.word == 0 &&
                    arch::kCommonSignalId.word == 0);
      const unsigned u = word / 4;
      if (word % 4 != 0) return 0xFFFFFFFFU;  // must not matter
      return waits_[u].id0 << arch::kCommonWait0Id.low | waits_[u].count0 << arch::kCommonWait0Count.low |
             waits_[u].id1 << arch::kCommonWait1Id.low | waits_[u].count1 << arch::kCommonWait1Count.low |
             signal_ids_[u] << arch::kCommonSignalId.low;
    });
  }
  void put_signals(std::uint32_t units) {
    put_number(top_.signal_i, units);
    put_waits();
  }
  /// The tokens are there, and the last cycle's grant takes from neither.
  [[nodiscard]] bool can_take(const Wait& wait) const {
    std::array<std::uint32_t, arch::kNumSemaphores> need{};
    need[wait.id0] += wait.count0;
    need[wait.id1] += wait.count1;
    const auto has = [&](std::uint32_t id) { return need[id] == 0 || (need[id] <= counts_[id] && !served_[id]); };
    return has(wait.id0) && has(wait.id1);
  }
  void take(const Wait& wait) {
    counts_[wait.id0] -= wait.count0;
    counts_[wait.id1] -= wait.count1;
    served_[wait.id0] = served_[wait.id0] || wait.count0 != 0;
    served_[wait.id1] = served_[wait.id1] || wait.count1 != 0;
  }
  void expect_leftover() {
    unsigned lowest = 0;
    while (lowest < counts_.size() && counts_[lowest] == 0) ++lowest;
    top_.check_i = 1;
    bench_.settle();
    ASSERT_EQ(top_.leftover_o != 0, lowest < counts_.size());
    if (lowest < counts_.size()) {
      ASSERT_EQ(top_.leftover_id_o, lowest);
    }
    top_.check_i = 0;
  }

  Clocked<typename Config::Model> bench_;
  typename Config::Model& top_ = *bench_.top;
  std::array<Wait, kUnits> waits_{};
  std::array<std::uint32_t, kUnits> signal_ids_{};
  std::array<std::uint32_t, arch::kNumSemaphores> counts_{};
  std::array<bool, arch::kNumSemaphores> served_{};  ///< by the grant of the last cycle
  std::array<std::uint32_t, 2> lost_{};              ///< signals of the cycle before the last, and of the last
};
using Configs = testing::Types<Units4, Units18>;
TYPED_TEST_SUITE(SemaphoresRtl, Configs);

TYPED_TEST(SemaphoresRtl, AgreeWithCounters) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    this->start();
    unsigned num_grants = 0, num_refusals = 0;
    // Few semaphores, so that units meet; the last seed uses all.
    const std::uint32_t num_ids = seed == 6 ? arch::kNumSemaphores : seed;
    const std::uint32_t num_rare = 1U + seed % 3U;  // waits are as frequent as signals can serve
    for (unsigned cycle = 0; cycle < 2000; ++cycle) {
      SCOPED_TRACE("cycle " + std::to_string(cycle));
      std::uint32_t waiting = static_cast<std::uint32_t>(random()) & this->kAllUnits;
      std::uint32_t signalling = static_cast<std::uint32_t>(random()) & this->kAllUnits;
      for (std::uint32_t i = 0; i < num_rare; ++i) signalling &= static_cast<std::uint32_t>(random());
      std::uint32_t grant = 0, is_short = 0;
      for (unsigned u = 0; u < this->kUnits; ++u) {
        Wait& wait = this->waits_[u];
        wait = {uniform(random, 0, num_ids - 1), uniform(random, 0, arch::kMaxWaitCount),
                uniform(random, 0, num_ids - 1), uniform(random, 0, 2)};
        this->signal_ids_[u] = uniform(random, 0, num_ids - 1);
        if ((waiting >> u & 1U) == 0) continue;
        if (!this->can_take({wait.id0, wait.count0, wait.id0, wait.id0 == wait.id1 ? wait.count1 : 0})) {
          is_short |= 1U << u;
        }
        if (grant == 0 && this->can_take(wait)) grant = 1U << u;
      }
      put_number(this->top_.wait_i, waiting);
      this->put_waits();
      this->put_signals(signalling);
      this->bench_.settle();
      ASSERT_EQ(this->top_.grant_o, grant);
      ASSERT_EQ(this->top_.short0_o, is_short);
      ASSERT_EQ(this->top_.overflow_o, 0U);
      this->served_ = {};
      for (unsigned u = 0; u < this->kUnits; ++u) {
        if ((grant >> u & 1U) != 0) this->take(this->waits_[u]);
        if ((signalling >> u & 1U) != 0) ++this->counts_[this->signal_ids_[u]];
      }
      num_grants += grant != 0 ? 1 : 0;
      num_refusals += waiting != 0 && grant == 0 ? 1 : 0;
      this->bench_.tick();
      put_number(this->top_.wait_i, 0);
      put_number(this->top_.signal_i, 0);
      this->expect_leftover();
      if (this->HasFatalFailure()) return;
    }
    EXPECT_GT(num_grants, 100U);
    EXPECT_GT(num_refusals, 10U);
  }
}

TYPED_TEST(SemaphoresRtl, TokensOfACycleCanBeTakenInTheNext) {
  this->waits_[2] = {5, 1, 6, 1};
  this->put_waits();
  put_number(this->top_.wait_i, 4);
  this->signal_ids_[0] = 5;
  this->signal_ids_[1] = 6;
  this->put_signals(3);
  this->bench_.settle();
  EXPECT_EQ(this->top_.grant_o, 0U);
  EXPECT_EQ(this->top_.short0_o, 4U);
  this->bench_.tick();
  this->put_signals(0);
  this->bench_.settle();
  EXPECT_EQ(this->top_.grant_o, 4U);
  EXPECT_EQ(this->top_.short0_o, 0U);
  this->bench_.tick();
  this->bench_.settle();
  EXPECT_EQ(this->top_.grant_o, 0U) << "taken twice";
}

TYPED_TEST(SemaphoresRtl, AFullCounterReportsTheSignalAndClearEmptiesAll) {
  this->signal_ids_.fill(9);
  this->put_signals(0xF);
  for (std::uint32_t count = 0; count + 4 <= kFull; count += 4) ASSERT_NO_FATAL_FAILURE(this->cycle(0));
  this->cycle(8);  // three of the last four fit
  this->put_signals(2);
  this->cycle(2);
  // A token taken makes room in the next cycle.
  this->waits_[0] = {9, 1, 0, 0};
  this->put_signals(2);
  put_number(this->top_.wait_i, 1);
  this->bench_.settle();
  EXPECT_EQ(this->top_.grant_o, 1U);
  this->cycle(2);
  put_number(this->top_.wait_i, 0);
  this->cycle(0);
  this->cycle(2);  // full again
  this->put_signals(0);
  for (int i = 0; i < 3; ++i) this->cycle(0);
  EXPECT_EQ(this->top_.checking_o, 0);
  this->put_signals(0);
  this->counts_[9] = kFull;
  this->expect_leftover();
  this->top_.clear_i = 1;
  this->bench_.tick();
  this->top_.clear_i = 0;
  this->counts_ = {};
  this->expect_leftover();
}

/// The low part of a counter holds 64 tokens: two counters go up and down across that, and to full and back. One unit
/// waits for both of them, in either order, or twice for one.
TYPED_TEST(SemaphoresRtl, CountAcrossCarriesAndAtTheFullCounter) {
  constexpr std::array<std::uint32_t, 2> kIds = {7, 40};
  unsigned num_second = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    this->start();
    const auto id = [&] { return kIds.at(random() % kIds.size()); };
    if (seed % 2 == 0) {
      for (const std::uint32_t filled : kIds) {
        this->signal_ids_.fill(filled);
        this->put_signals(0xF);
        for (; this->counts_[filled] + 4 <= kFull - 40; this->counts_[filled] += 4) this->bench_.tick();
      }
    }
    unsigned num_overflows = 0;
    for (unsigned cycle = 0; cycle < 4000; ++cycle) {
      SCOPED_TRACE("cycle " + std::to_string(cycle));
      const bool rises = cycle / 50 % 2 == 0;
      std::uint32_t signalling = 0;
      for (unsigned i = 0; i < (rises ? 16U : 2U); ++i) {
        if (random() % 2 == 0) signalling |= 1U << uniform(random, 0, this->kUnits - 1);
      }
      for (std::uint32_t& signalled : this->signal_ids_) signalled = id();
      Wait& wait = this->waits_[1];
      wait = {id(), uniform(random, 0, arch::kMaxWaitCount), id(), uniform(random, 0, arch::kMaxWaitCount)};
      const std::uint32_t waiting = random() % (rises ? 8 : 1) == 0 ? 2U : 0U;
      const bool granted = waiting != 0 && this->can_take(wait);
      num_second += granted && wait.id0 != wait.id1 && wait.count1 > this->counts_[wait.id1] % 64 ? 1U : 0U;
      put_number(this->top_.wait_i, waiting);
      this->put_signals(signalling);
      this->bench_.settle();
      ASSERT_EQ(this->top_.grant_o, granted ? 2U : 0U) << this->counts_[7] << ", " << this->counts_[40];
      std::uint32_t lost = 0;
      for (unsigned u = 0; u < this->kUnits; ++u) {
        if ((signalling >> u & 1U) == 0) continue;
        std::uint32_t& count = this->counts_[this->signal_ids_[u]];
        if (count == kFull) {
          lost |= 1U << u;
          ++num_overflows;
        } else {
          ++count;
        }
      }
      if (seed % 2 != 0) {
        ASSERT_EQ(this->top_.checking_o, 0) << "no counter is almost full";
      }
      this->cycle(lost);
      this->served_ = {};
      if (granted) this->take(wait);
      if (this->HasFatalFailure()) return;
    }
    EXPECT_EQ(num_overflows > 20, seed % 2 == 0);
  }
  EXPECT_GT(num_second, 20U) << "second waits hardly borrowed from the high part";
}

TYPED_TEST(SemaphoresRtl, ResetInMidStreamEmptiesAll) {
  this->signal_ids_[0] = 63;
  this->put_signals(1);
  this->bench_.tick();
  this->put_signals(0);
  this->counts_[63] = 1;
  this->expect_leftover();
  this->bench_.reset();
  this->counts_ = {};
  this->expect_leftover();
}

}  // namespace
}  // namespace xw::test
