// The course of a run, phase by phase: which units are told what, and that every run ends.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "Vrun_control.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
constexpr std::uint32_t kEngines = 3, kMaxBatch = 7;
constexpr int kLongest = 40;  ///< cycles that no phase without a wait takes

class RunControlRtl : public testing::Test, protected Clocked<Vrun_control> {
 protected:
  void SetUp() override {
    set_argument(rtl::Arguments::entry, 12);
    top->dispatch_index_i = 39;
    set_argument(rtl::Arguments::num_vectors, 2);
    set_argument(rtl::Arguments::program_base, 0x1000);
    set_argument(rtl::Arguments::x_base, 0x2000);
    set_argument(rtl::Arguments::y_base, 0x3000);
    set_argument(rtl::Arguments::completion_base, 0x4000);
    for (std::uint32_t e = 0; e < kEngines; ++e) set_image_base(e, 0x5000 + 0x100 * e);
    top->units_idle_i = top->store_idle_i = top->fetch_idle_i = 1;
    reset();
    EXPECT_NE(top->idle_o, 0);
  }
  template <typename T>
  void set_argument(rtl::Slice argument, T value) {
    set_member(top->arguments_i, argument, value);
  }
  void set_image_base(std::uint32_t engine, std::uint64_t value) {
    set_member(top->arguments_i, {rtl::Arguments::image_base.low + 64 * engine, 64}, value);
  }
  /// One cycle; counts the pulses in it.
  void cycle() {
    settle();
    clears_ += top->clear_o;
    begins_ += top->begin_o;
    aborts_ += top->abort_o;
    errors_ += top->error_o;
    if (top->error_o != 0) {
      code_ = static_cast<std::uint32_t>(member(top->fault_o, rtl::Fault::code));
      detail_ = member(top->fault_o, rtl::Fault::detail);
      index_ = top->error_index_o;
    }
    record_starts_ += top->record_start_o;
    record_stops_ += top->record_stop_o;
    watch_errors_ += top->watch_error_o;
    dones_ += top->done_o;
    counted_ += top->count_o;
    EXPECT_TRUE(top->record_start_o == 0 || top->record_phase_o != 0) << "a record without the write channel";
    tick();
    settle();
  }
  void start() {
    top->start_i = 1;
    cycle();
    top->start_i = 0;
    settle();
  }
  void cycles(int count) {
    for (int i = 0; i < count; ++i) cycle();
  }
  /// Cycles until `condition`.
  void wait(const char* what, const std::function<bool()>& condition) {
    for (int i = 0; i < kLongest; ++i) {
      if (condition()) return;
      cycle();
    }
    FAIL() << "not reached: " << what;
  }
  void to_instructions() {
    start();
    wait("instructions", [&] { return top->run_o != 0; });
    EXPECT_EQ(clears_, 1U);
    EXPECT_EQ(begins_, 1U);
  }
  void halt() {
    top->halted_i = 1;
    cycle();
    top->halted_i = 0;
    EXPECT_NE(top->stop_fetch_o, 0);
  }
  void to_record() {
    wait("record", [&] { return record_starts_ == 1; });
    EXPECT_NE(top->record_phase_o, 0);
  }
  void record_done(bool error = false, bool decerr = false) {
    top->record_done_i = 1;
    top->record_error_i = error;
    top->record_decerr_i = decerr;
    cycle();
    top->record_done_i = top->record_error_i = top->record_decerr_i = 0;
  }
  void fire() {
    EXPECT_NE(top->watch_o, 0);
    top->watch_fire_i = 1;
    cycle();
    top->watch_fire_i = 0;
  }
  void expect_end() {
    wait("end", [&] { return dones_ == 1; });
    cycles(3);
    EXPECT_EQ(dones_, 1U);
    EXPECT_NE(top->idle_o, 0);
    EXPECT_EQ(top->count_o, 0);
  }

  std::uint32_t clears_ = 0, begins_ = 0, aborts_ = 0, errors_ = 0, record_starts_ = 0, record_stops_ = 0,
                watch_errors_ = 0, dones_ = 0, counted_ = 0;
  std::uint32_t code_ = 0, index_ = 0;
  std::uint64_t detail_ = 0;
};

[[nodiscard]] std::uint32_t number(DeviceError error) {
  return static_cast<std::uint32_t>(error);
}

TEST_F(RunControlRtl, GoodRunsWriteTheirRecordAndEnd) {
  for (int run = 0; run < 3; ++run) {
    clears_ = begins_ = record_starts_ = dones_ = counted_ = 0;
    to_instructions();
    EXPECT_EQ(top->stop_dispatch_o, 0);
    cycles(5 * run);
    EXPECT_NE(top->run_o, 0) << "only HALT or an error ends the instructions";
    halt();
    to_record();
    const std::uint32_t counted = counted_;
    cycles(4);  // the record is being written
    EXPECT_EQ(counted_, counted) << "cycles of the record do not count";
    EXPECT_EQ(dones_, 0U);
    top->fetch_idle_i = 0;
    record_done();
    cycles(3);
    EXPECT_EQ(dones_, 0U) << "fetch is not done";
    top->fetch_idle_i = 1;
    expect_end();
  }
  EXPECT_EQ(errors_ + aborts_ + watch_errors_ + record_stops_, 0U);
}

TEST_F(RunControlRtl, BadArgumentsAreReportedInTheirOrder) {
  struct Fault {
    std::function<void()> make;
    DeviceError code;
    std::uint64_t detail;
  };
  // Each is reported before those above it.
  const std::vector<Fault> faults = {
      {[&] { set_image_base(2, 0x5002); }, DeviceError::kMisaligned, 0x5002},
      {[&] { set_image_base(0, 0x7'0000'0020); }, DeviceError::kMisaligned, 0x7'0000'0020},
      {[&] { set_argument(rtl::Arguments::y_base, 0x3010); }, DeviceError::kMisaligned, 0x3010},
      {[&] { set_argument(rtl::Arguments::x_base, 0x2001); }, DeviceError::kMisaligned, 0x2001},
      {[&] { set_argument(rtl::Arguments::program_base, 0x1030); }, DeviceError::kMisaligned, 0x1030},
      {[&] { set_argument(rtl::Arguments::num_vectors, 0); }, DeviceError::kBadNumVectors, 0},
      {[&] { set_argument(rtl::Arguments::num_vectors, kMaxBatch + 1); }, DeviceError::kBadNumVectors, kMaxBatch + 1},
  };
  for (const Fault& fault : faults) {
    fault.make();
    errors_ = record_starts_ = dones_ = 0;
    start();
    wait("error", [&] { return errors_ == 1; });
    EXPECT_EQ(code_, number(fault.code));
    EXPECT_EQ(detail_, fault.detail);
    EXPECT_EQ(index_, 12U);
    to_record();
    record_done();
    expect_end();
    EXPECT_EQ(begins_, 0U);
    EXPECT_EQ(errors_, 1U);
  }
}

TEST_F(RunControlRtl, RecordsNeedAnAlignedAddressAndTheWriteChannel) {
  set_argument(rtl::Arguments::completion_base, 0x4008);
  start();
  expect_end();
  EXPECT_EQ(errors_, 1U);
  EXPECT_EQ(code_, number(DeviceError::kMisaligned));
  EXPECT_EQ(record_starts_, 0U);

  set_argument(rtl::Arguments::completion_base, 0x4000);
  clears_ = begins_ = dones_ = 0;
  to_instructions();
  top->store_idle_i = 0;  // a burst that memory does not take
  halt();
  expect_end();
  EXPECT_EQ(record_starts_, 0U);
}

TEST_F(RunControlRtl, ErrorsStopAllUnitsWhenWhatCameBeforeHasEnded) {
  to_instructions();
  top->error_valid_i = 1;
  settle();
  EXPECT_NE(top->stop_dispatch_o, 0);
  cycles(10);
  EXPECT_EQ(aborts_, 0U) << "an earlier instruction is still at work";
  top->settled_i = 1;
  top->units_idle_i = 0;
  wait("abort", [&] { return aborts_ == 1; });
  cycles(10);
  EXPECT_EQ(record_starts_, 0U) << "transfers are under way";
  top->units_idle_i = 1;
  to_record();
  EXPECT_EQ(aborts_, 1U);
  record_done();
  expect_end();
  EXPECT_EQ(errors_, 0U);
}

TEST_F(RunControlRtl, WatchdogEndsEveryPhase) {
  to_instructions();
  top->units_idle_i = top->fetch_idle_i = 0;
  fire();
  EXPECT_EQ(watch_errors_, 1U);
  wait("abort", [&] { return aborts_ == 1; });
  cycles(5);
  EXPECT_EQ(record_starts_, 0U);
  fire();  // transfers that never end
  to_record();
  cycles(5);
  fire();  // the record is not taken
  EXPECT_EQ(record_stops_, 1U);
  cycle();
  EXPECT_EQ(errors_, 1U);
  EXPECT_EQ(code_, number(DeviceError::kWatchdog));
  EXPECT_EQ(detail_, 0x4000U);
  cycles(5);
  EXPECT_EQ(dones_, 0U) << "fetch is not idle";
  fire();
  expect_end();
  EXPECT_EQ(watch_errors_, 1U) << "only instructions that stand still are its error";
}

TEST_F(RunControlRtl, BeginsWhenMemoryHasAnsweredTheLastRun) {
  const std::vector<std::pair<CData*, CData>> late = {
      {&top->fetch_idle_i, 0}, {&top->units_idle_i, 0}, {&top->record_owns_i, 1}};
  for (const auto& [pin, owed] : late) {
    clears_ = begins_ = record_starts_ = dones_ = 0;
    const CData before = *pin;
    *pin = owed;
    start();
    cycles(10);
    EXPECT_EQ(begins_, 0U);
    EXPECT_EQ(top->run_o, 0);
    EXPECT_NE(top->watch_o, 0);
    *pin = before;
    wait("instructions", [&] { return top->run_o != 0; });
    EXPECT_EQ(begins_, 1U);
    halt();
    to_record();
    record_done();
    expect_end();
  }
  EXPECT_EQ(errors_ + aborts_ + watch_errors_, 0U);
}

TEST_F(RunControlRtl, WatchdogEndsRunsThatCannotBegin) {
  top->record_owns_i = 1;
  top->units_idle_i = top->fetch_idle_i = 0;
  start();
  cycles(5);
  EXPECT_NE(top->record_phase_o, 0) << "the record of the last run still has the channel";
  fire();
  cycle();
  EXPECT_EQ(errors_, 1U);
  EXPECT_EQ(code_, number(DeviceError::kWatchdog));
  EXPECT_EQ(detail_, 0U);
  EXPECT_EQ(index_, 12U);
  EXPECT_EQ(watch_errors_, 0U) << "told once";
  top->error_valid_i = 1;
  wait("abort", [&] { return aborts_ == 1; });
  cycles(5);
  fire();  // transfers that never end
  wait("end of fetch", [&] { return top->watch_o != 0; });
  fire();
  expect_end();
  EXPECT_EQ(begins_ + record_starts_, 0U) << "there is no channel for a record";
  EXPECT_EQ(errors_, 1U);
  top->record_owns_i = 0;
  settle();
  EXPECT_EQ(top->record_phase_o, 0);
}

TEST_F(RunControlRtl, RecordsThatFailAreErrorsOfTheLastInstruction) {
  for (const bool decerr : {false, true}) {
    clears_ = begins_ = record_starts_ = dones_ = errors_ = 0;
    to_instructions();
    halt();
    to_record();
    record_done(true, decerr);
    cycle();
    EXPECT_EQ(errors_, 1U);
    EXPECT_EQ(code_, number(decerr ? DeviceError::kMemoryDecerr : DeviceError::kMemorySlverr));
    EXPECT_EQ(detail_, 0x4000U);
    EXPECT_EQ(index_, 39U);
    expect_end();
  }
  // An error of the run comes first.
  clears_ = begins_ = record_starts_ = dones_ = errors_ = 0;
  to_instructions();
  top->error_valid_i = top->settled_i = 1;
  to_record();
  record_done(true, true);
  expect_end();
  EXPECT_EQ(errors_, 0U);
}

TEST_F(RunControlRtl, ResetInEveryPhaseForgetsTheRun) {
  for (int phase = 0; phase < 12; ++phase) {
    clears_ = begins_ = record_starts_ = dones_ = 0;
    start();
    cycles(phase);
    if (phase == 6) halt();
    reset();
    EXPECT_NE(top->idle_o, 0);
    cycles(20);
    EXPECT_EQ(dones_, 0U);
    clears_ = begins_ = record_starts_ = 0;
    to_instructions();
    halt();
    to_record();
    record_done();
    expect_end();
  }
}

}  // namespace
}  // namespace xw::test
