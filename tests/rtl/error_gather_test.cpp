// Who reports what, and when a found error is the run's: the RTL's gathering of errors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "Verror_gather.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

/// Parameter as tests/rtl/CMakeLists.txt gives it to the model.
constexpr std::uint32_t kEngines = 3;
constexpr std::uint32_t kQueues = 2 + 2 * kEngines;
constexpr std::uint32_t kDispatch = kQueues, kControl = kQueues + 1, kWatchdog = kQueues + 2, kSources = kQueues + 3;

struct Report {
  std::uint32_t unit = 0, code = 0, index = 0;
  std::uint64_t detail = 0;
  bool operator==(const Report&) const = default;
};

[[nodiscard]] std::uint32_t unit_of(std::uint32_t queue) {
  constexpr std::array<std::uint32_t, kQueues> kUnits = {
      arch::kUnitXLoad,         arch::kUnitYStore, arch::kUnitBlockLoad, arch::kUnitBlockLoad + 1,
      arch::kUnitBlockLoad + 2, arch::kUnitMvm,    arch::kUnitMvm + 1,   arch::kUnitMvm + 2};
  return kUnits.at(queue);
}
[[nodiscard]] bool is_loader(std::uint32_t queue) {
  return queue >= 2 && queue < 2 + kEngines;
}

class ErrorGatherRtl : public testing::Test, protected Clocked<Verror_gather> {
 protected:
  [[nodiscard]] std::uint32_t mask(std::uint32_t count) {
    return static_cast<std::uint32_t>(random_() & random_()) & ((1U << count) - 1);
  }
  [[nodiscard]] std::uint32_t number() { return static_cast<std::uint32_t>(random_()); }
  [[nodiscard]] std::uint64_t wide() { return std::uint64_t{number()} << 32U | number(); }

  /// A random fault in a port of faults.
  template <typename Port>
  [[nodiscard]] Report put_fault(Port& port, std::uint32_t place, std::uint32_t unit, std::uint32_t index) {
    const Report report{unit, uniform(random_, 1, 255), index, wide()};
    const std::size_t at = std::size_t{place} * rtl::Fault::kBits;
    set_member(port, rtl::Fault::code, report.code, at);
    set_member(port, rtl::Fault::detail, report.detail, at);
    return report;
  }
  /// Random inputs of a cycle.
  void randomize() {
    indices_ = random_elements<std::uint32_t>(random_, kQueues);
    loads_ = random_elements<std::uint32_t>(random_, kEngines);
    words_ = random_elements<std::uint32_t>(random_, 4 * kQueues);
    put(top->index_i, indices_);
    put(top->load_index_i, loads_);
    put(top->cmd_i, words_);
    signals_ = mask(kQueues);
    put_number(top->signal_i, signals_);
    failed_ = random_() % 2 == 0 ? mask(kQueues) : 0;
    put_number(top->failed_i, failed_);
    for (std::uint32_t q = 0; q < kQueues; ++q) {
      const std::uint32_t index = is_loader(q) ? loads_[q - 2] : indices_[q];
      faults_.at(q) = put_fault(top->fault_i, q, unit_of(q), index);
    }
    lost_ = random_() % 2 == 0 ? mask(kQueues) : 0;
    for (std::uint32_t q = 0; q < kQueues; ++q) {
      if (!signalled_.at(q)) lost_ &= ~(1U << q);
    }
    put_number(top->overflow_i, lost_);
    top->dispatch_error_i = random_() % 4 == 0;
    top->control_error_i = random_() % 4 == 0;
    top->watch_error_i = random_() % 4 == 0;
    top->dispatch_index_i = number();
    top->control_index_i = number();
    dispatch_ = put_fault(top->dispatch_fault_i, 0, arch::kUnitDispatch, top->dispatch_index_i);
    control_ = put_fault(top->control_fault_i, 0, arch::kUnitDispatch, top->control_index_i);
    watchdog_ = {uniform(random_, 0, 255), uniform(random_, 0, 255), number(), wide()};
    set_member(top->watch_report_i, rtl::ErrorReport::unit, watchdog_.unit);
    set_member(top->watch_report_i, rtl::ErrorReport::code, watchdog_.code);
    set_member(top->watch_report_i, rtl::ErrorReport::index, watchdog_.index);
    set_member(top->watch_report_i, rtl::ErrorReport::detail, watchdog_.detail);
  }
  /// What a source must report in this cycle.
  [[nodiscard]] std::optional<Report> expected(std::uint32_t source) const {
    if (source == kDispatch) return top->dispatch_error_i != 0 ? std::optional(dispatch_) : std::nullopt;
    if (source == kControl) return top->control_error_i != 0 ? std::optional(control_) : std::nullopt;
    if (source == kWatchdog) return top->watch_error_i != 0 ? std::optional(watchdog_) : std::nullopt;
    if ((failed_ >> source & 1U) != 0) return faults_.at(source);
    return (lost_ >> source & 1U) != 0 ? signalled_.at(source) : std::nullopt;
  }
  [[nodiscard]] Report found(std::uint32_t source) const {
    const std::size_t at = std::size_t{source} * rtl::ErrorReport::kBits;
    const auto get = [&](const rtl::Slice& slice) { return member(top->report_o, slice, at); };
    return {static_cast<std::uint32_t>(get(rtl::ErrorReport::unit)),
            static_cast<std::uint32_t>(get(rtl::ErrorReport::code)),
            static_cast<std::uint32_t>(get(rtl::ErrorReport::index)), get(rtl::ErrorReport::detail)};
  }
  /// The clock edge: the signals of this cycle are remembered.
  void remember() {
    tick();
    const arch::Field& id = arch::kCommonSignalId;
    for (std::uint32_t q = 0; q < kQueues; ++q) {
      if ((signals_ >> q & 1U) == 0) continue;
      const std::uint32_t semaphore = words_[4 * q + id.word] >> id.low & ((1U << id.width) - 1);
      signalled_.at(q) =
          Report{unit_of(q), static_cast<std::uint32_t>(arch::DeviceError::kSemaphoreOverflow), indices_[q], semaphore};
    }
  }

  std::mt19937 random_{1};
  std::vector<std::uint32_t> indices_, loads_, words_;
  std::uint32_t signals_ = 0, failed_ = 0, lost_ = 0;
  std::array<Report, kQueues> faults_;
  std::array<std::optional<Report>, kQueues> signalled_;  ///< the overflow of the last signal, were it lost
  Report dispatch_, control_, watchdog_;
};

TEST_F(ErrorGatherRtl, ReportsFaultsAndLostSignalsWithTheirInstruction) {
  unsigned num_failed = 0, num_lost = 0, num_both = 0;
  for (unsigned cycle = 0; cycle < 5000; ++cycle) {
    SCOPED_TRACE("cycle " + std::to_string(cycle));
    randomize();
    settle();
    for (std::uint32_t source = 0; source < kSources; ++source) {
      SCOPED_TRACE("source " + std::to_string(source));
      const std::optional<Report> report = expected(source);
      ASSERT_EQ((top->error_o >> source & 1U) != 0, report.has_value());
      if (report) {
        ASSERT_EQ(found(source), *report);
      }
    }
    num_failed += failed_ != 0 ? 1 : 0;
    num_lost += lost_ != 0 ? 1 : 0;
    num_both += (failed_ & lost_) != 0 ? 1 : 0;
    remember();
  }
  EXPECT_GT(num_failed, 100U);
  EXPECT_GT(num_lost, 100U);
  EXPECT_GT(num_both, 100U);
}

TEST_F(ErrorGatherRtl, AnErrorIsSettledWhenNothingBeforeItIsLeft) {
  unsigned num_settled = 0;
  for (unsigned cycle = 0; cycle < 20000; ++cycle) {
    SCOPED_TRACE("cycle " + std::to_string(cycle));
    std::vector<std::uint32_t> indices(kQueues), loads(kEngines);
    for (std::uint32_t& index : indices) index = number() >> uniform(random_, 0, 31);
    for (std::uint32_t& index : loads) index = number() >> uniform(random_, 0, 31);
    put(top->index_i, indices);
    put(top->load_index_i, loads);
    const std::uint32_t held = mask(kQueues), active = mask(kEngines);
    put_number(top->held_i, held);
    put_number(top->load_active_i, active);
    top->valid_i = random_() % 4 != 0;
    top->checking_i = random_() % 4 == 0;
    top->valid_index_i = number() >> uniform(random_, 0, 31);
    bool settled = top->valid_i != 0 && top->checking_i == 0;
    for (std::uint32_t q = 0; q < kQueues; ++q) {
      settled = settled && !((held >> q & 1U) != 0 && indices[q] < top->valid_index_i);
    }
    for (std::uint32_t e = 0; e < kEngines; ++e) {
      settled = settled && !((active >> e & 1U) != 0 && loads[e] < top->valid_index_i);
    }
    settle();
    ASSERT_EQ(top->settled_o != 0, settled);
    num_settled += settled ? 1 : 0;
  }
  EXPECT_GT(num_settled, 1000U);
  EXPECT_LT(num_settled, 19000U);
}

}  // namespace
}  // namespace xw::test
