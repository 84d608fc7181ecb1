// Which error a run reports: the RTL's error unit and watchdog.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>

#include "Verror_unit.h"
#include "Vwatchdog.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

// Parameters as tests/rtl/CMakeLists.txt gives them to the models.
constexpr std::uint32_t kSources = 5;
constexpr std::uint32_t kEngines = 3, kQueues = 2 + 2 * kEngines;

[[nodiscard]] std::uint32_t bits(std::mt19937& random) {
  return static_cast<std::uint32_t>(random());
}

struct Report {
  std::uint8_t unit = 0, code = 0;
  std::uint32_t index = 0;
  std::uint64_t detail = 0;
  bool operator==(const Report&) const = default;
};

template <typename Port>
[[nodiscard]] Report report_of(const Port& port) {
  return {static_cast<std::uint8_t>(member(port, rtl::ErrorReport::unit)),
          static_cast<std::uint8_t>(member(port, rtl::ErrorReport::code)),
          static_cast<std::uint32_t>(member(port, rtl::ErrorReport::index)), member(port, rtl::ErrorReport::detail)};
}

TEST(ErrorUnitRtl, KeepsTheFirstInProgramOrder) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Clocked<Verror_unit> bench;
    auto& top = *bench.top;
    top.error_i = top.clear_i = 0;
    bench.reset();
    std::optional<Report> first;
    unsigned num_lowered = 0;
    for (unsigned cycle = 0; cycle < 2000; ++cycle) {
      std::vector<std::uint8_t> units = random_elements<std::uint8_t>(random, kSources);
      std::vector<std::uint8_t> codes = random_elements<std::uint8_t>(random, kSources);
      std::vector<std::uint32_t> indices(kSources);
      for (std::uint32_t& index : indices) index = static_cast<std::uint32_t>(random()) >> uniform(random, 0, 31);
      const std::vector<std::uint64_t> details = random_elements<std::uint64_t>(random, kSources);
      const std::uint32_t errors = bits(random) & bits(random) & bits(random) & ((1U << kSources) - 1);
      put_number(top.error_i, errors);
      for (std::size_t s = 0; s < kSources; ++s) {
        const std::size_t at = s * rtl::ErrorReport::kBits;
        set_member(top.report_i, rtl::ErrorReport::unit, units[s], at);
        set_member(top.report_i, rtl::ErrorReport::code, codes[s], at);
        set_member(top.report_i, rtl::ErrorReport::index, indices[s], at);
        set_member(top.report_i, rtl::ErrorReport::detail, details[s], at);
      }
      top.clear_i = random() % 40 == 0;
      if (random() % 200 == 0) {
        bench.reset();
        first.reset();
      }
      bench.tick();
      if (top.clear_i != 0) {
        first.reset();
      } else {
        for (std::size_t s = 0; s < kSources; ++s) {
          if ((errors >> s & 1U) == 0 || (first && indices[s] >= first->index)) continue;
          num_lowered += first ? 1 : 0;
          first = Report{units[s], codes[s], indices[s], details[s]};
        }
      }
      ASSERT_EQ(top.valid_o != 0, first.has_value()) << "cycle " << cycle;
      if (first) {
        ASSERT_EQ(report_of(top.report_o), *first) << "cycle " << cycle;
      }
    }
    EXPECT_GT(num_lowered, 20U);
  }
}

class WatchdogRtl : public testing::Test {
 protected:
  void SetUp() override {
    top_.enable_i = top_.restart_i = top_.progress_i = 0;
    top_.held_i = top_.wait_i = top_.short0_i = top_.load_active_i = 0;
    top_.limit_i = 10;
    bench_.reset();
  }
  /// Cycles until it fires, at most `most`.
  [[nodiscard]] unsigned cycles_to_fire(unsigned most) {
    for (unsigned cycle = 0; cycle < most; ++cycle) {
      bench_.settle();
      if (top_.fire_o != 0) return cycle;
      bench_.tick();
    }
    return most;
  }

  /// Random numbers on everything that a verdict is made of.
  void put_noise(std::mt19937& random) {
    put_number(top_.held_i, bits(random) & ((1U << kQueues) - 1));
    put_number(top_.wait_i, bits(random) & ((1U << kQueues) - 1));
    put_number(top_.short0_i, bits(random) & ((1U << kQueues) - 1));
    put_number(top_.load_active_i, bits(random) & ((1U << kEngines) - 1));
    put(top_.index_i, random_elements<std::uint32_t>(random, kQueues));
    put(top_.cmd_i, random_elements<std::uint32_t>(random, 4 * kQueues));
    put(top_.load_index_i, random_elements<std::uint32_t>(random, kEngines));
    top_.dispatch_index_i = bits(random);
  }

  Clocked<Vwatchdog> bench_;
  Vwatchdog& top_ = *bench_.top;
};

TEST_F(WatchdogRtl, FiresAfterTheLimitWithoutProgress) {
  EXPECT_EQ(cycles_to_fire(100), 100U) << "not enabled";
  top_.enable_i = 1;
  for (const std::uint32_t limit : {1U, 2U, 10U, 77U}) {
    top_.limit_i = limit;
    top_.restart_i = 1;
    bench_.tick();
    top_.restart_i = 0;
    EXPECT_EQ(cycles_to_fire(200), limit);
    bench_.tick();
    bench_.settle();
    EXPECT_EQ(top_.fire_o != 0, false) << "one cycle only";
  }
}

TEST_F(WatchdogRtl, ProgressRestartAndResetBeginAnew) {
  top_.enable_i = 1;
  std::mt19937 random(3);
  for (unsigned round = 0; round < 40; ++round) {
    for (std::uint32_t i = uniform(random, 0, 9); i > 0; --i) {
      bench_.settle();
      ASSERT_EQ(top_.fire_o, 0);
      bench_.tick();
    }
    if (round % 3 == 2) {
      bench_.reset();
    } else {
      (round % 3 == 0 ? top_.progress_i : top_.restart_i) = 1;
      bench_.tick();
      top_.progress_i = top_.restart_i = 0;
    }
  }
  EXPECT_EQ(cycles_to_fire(100), 10U);
}

/// The culprit is the instruction that comes first in the program, as things stand in the last cycle of the limit: what
/// stands still before that, and what moves in the cycle in which it fires, does not matter.
TEST_F(WatchdogRtl, NamesWhatStandsStill) {
  std::mt19937 random(4);
  top_.enable_i = 1;
  for (unsigned round = 0; round < 500; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::vector<std::uint32_t> indices(kQueues), words = random_elements<std::uint32_t>(random, 4 * kQueues),
                                                 loads(kEngines);
    for (std::uint32_t& index : indices) index = uniform(random, 0, 1000);
    for (std::uint32_t& index : loads) index = uniform(random, 0, 1000);
    put_noise(random);
    constexpr unsigned kNoise = 3;
    for (unsigned cycle = 0; cycle < kNoise; ++cycle) bench_.tick();
    const std::uint32_t held = bits(random) & ((1U << kQueues) - 1), waits = bits(random) & held;
    const std::uint32_t short0 = bits(random) & waits;
    const std::uint32_t active = bits(random) & bits(random) & ((1U << kEngines) - 1);
    top_.dispatch_index_i = uniform(random, 0, 1000);
    put_number(top_.held_i, held);
    put_number(top_.wait_i, waits);
    put_number(top_.short0_i, short0);
    put_number(top_.load_active_i, active);
    put(top_.index_i, indices);
    put(top_.cmd_i, words);
    put(top_.load_index_i, loads);
    // {index, unit, detail}; loaders under way come before queues of the same index, dispatch before all.
    std::tuple<std::uint32_t, std::uint32_t, std::uint64_t> expected{top_.dispatch_index_i, arch::kUnitDispatch, 0};
    for (std::uint32_t e = 0; e < kEngines; ++e) {
      if ((active >> e & 1U) != 0 && loads[e] < std::get<0>(expected)) {
        expected = {loads[e], arch::kUnitBlockLoad + e, 0};
      }
    }
    for (std::uint32_t q = 0; q < kQueues; ++q) {
      if ((held >> q & 1U) == 0 || indices[q] >= std::get<0>(expected)) continue;
      const std::uint32_t unit = q == 0             ? arch::kUnitXLoad
                                 : q == 1           ? arch::kUnitYStore
                                 : q < 2 + kEngines ? arch::kUnitBlockLoad + q - 2
                                                    : arch::kUnitMvm + q - 2 - kEngines;
      const arch::Field& id = (short0 >> q & 1U) != 0 ? arch::kCommonWait0Id : arch::kCommonWait1Id;
      const std::uint64_t semaphore =
          (waits >> q & 1U) != 0 ? words[4 * q + id.word] >> id.low & ((1U << id.width) - 1) : 0;
      expected = {indices[q], unit, semaphore};
    }
    ASSERT_EQ(cycles_to_fire(100), (round == 0 ? 10U : 9U) - kNoise);
    put_noise(random);
    bench_.settle();
    ASSERT_NE(top_.fire_o, 0);
    const Report report = report_of(top_.report_o);
    ASSERT_EQ(report.code, static_cast<std::uint8_t>(arch::DeviceError::kWatchdog));
    ASSERT_EQ((std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>{report.index, report.unit, report.detail}),
              expected);
    bench_.tick();
    bench_.tick();
  }
}

}  // namespace
}  // namespace xw::test
