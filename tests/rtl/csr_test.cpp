// The registers of the kernel over AXI4-Lite: arguments, control, interrupts, constants, results.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "Vcsr.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
constexpr std::uint32_t kEngines = 3;

/// Offsets of all argument words.
[[nodiscard]] std::vector<std::uint32_t> argument_words() {
  std::vector<std::uint32_t> words;
  for (const std::uint32_t argument :
       {arch::kArgProgramBase, arch::kArgXBase, arch::kArgYBase, arch::kArgCompletionBase}) {
    words.insert(words.end(), {argument, argument + 4});
  }
  words.insert(words.end(), {arch::kArgEntry, arch::kArgNumVectors, arch::kArgVectorBase, arch::kArgChipSeed,
                             arch::kArgWatchdogCycles});
  for (std::uint32_t e = 0; e < kEngines; ++e) {
    words.insert(words.end(), {arch::kArgImageBase + 8 * e, arch::kArgImageBase + 8 * e + 4});
  }
  return words;
}

class CsrRtl : public testing::Test {
 protected:
  void SetUp() override {
    top_.awvalid_i = top_.wvalid_i = top_.arvalid_i = top_.bready_i = top_.rready_i = 0;
    top_.idle_i = 1;
    top_.done_i = 0;
    bench_.reset();
  }
  /// Passes an edge; a start makes the kernel busy until done().
  void tick() {
    bench_.settle();
    const bool starts = top_.start_o != 0;
    num_starts_ += starts ? 1 : 0;
    bench_.tick();
    if (starts) top_.idle_i = 0;
  }
  [[nodiscard]] bool yes() { return random_() % 2 == 0; }

  /// Address and data arrive in any order; the answer is taken late now and then.
  void write(std::uint32_t address, std::uint32_t data, std::uint32_t strobes = 0xF) {
    bool has_address = false, has_data = false, answered = false;
    top_.awaddr_i = static_cast<std::uint16_t>(address);
    top_.wdata_i = data;
    top_.wstrb_i = static_cast<std::uint8_t>(strobes);
    for (int cycle = 0; cycle < 1000 && !answered; ++cycle) {
      // VALID stays until READY.
      top_.awvalid_i = !has_address && (top_.awvalid_i != 0 || yes());
      top_.wvalid_i = !has_data && (top_.wvalid_i != 0 || yes());
      top_.bready_i = yes();
      bench_.settle();
      const bool address_taken = top_.awvalid_i != 0 && top_.awready_o != 0;
      const bool data_taken = top_.wvalid_i != 0 && top_.wready_o != 0;
      if (top_.bvalid_o != 0) {
        EXPECT_TRUE(has_address && has_data) << "answered before it was asked";
      }
      answered = top_.bvalid_o != 0 && top_.bready_i != 0;
      tick();
      has_address = has_address || address_taken;
      has_data = has_data || data_taken;
      if (address_taken) top_.awvalid_i = 0;
      if (data_taken) top_.wvalid_i = 0;
    }
    top_.bready_i = 0;
    if (!answered) throw std::runtime_error("a write is not answered");
  }
  [[nodiscard]] std::uint32_t read(std::uint32_t address) {
    top_.araddr_i = static_cast<std::uint16_t>(address);
    top_.arvalid_i = 1;
    for (int cycle = 0; cycle < 1000; ++cycle) {
      top_.rready_i = yes();
      bench_.settle();
      const bool taken = top_.arvalid_i != 0 && top_.arready_o != 0;
      const bool answered = top_.rvalid_o != 0 && top_.rready_i != 0;
      const std::uint32_t data = top_.rdata_o;
      tick();
      if (taken) {
        top_.arvalid_i = 0;
        top_.araddr_i = static_cast<std::uint16_t>(random_());  // must not matter any more
      }
      if (answered) {
        top_.rready_i = 0;
        return data;
      }
    }
    throw std::runtime_error("a read is not answered");
  }
  /// The run ends: the last cycle of it, then the kernel is idle.
  void done() {
    top_.done_i = 1;
    tick();
    top_.done_i = 0;
    top_.idle_i = 1;
  }
  [[nodiscard]] bool interrupt() {
    bench_.settle();
    return top_.interrupt_o != 0;
  }

  Clocked<Vcsr> bench_;
  Vcsr& top_ = *bench_.top;
  std::mt19937 random_{1};
  unsigned num_starts_ = 0;
};

TEST_F(CsrRtl, ArgumentsKeepBytesThatAreNotWritten) {
  const std::vector<std::uint32_t> words = argument_words();
  std::map<std::uint32_t, std::uint32_t> expected;
  for (const std::uint32_t word : words) EXPECT_EQ(read(word), 0U);
  for (unsigned step = 0; step < 600; ++step) {
    const std::uint32_t word = words[random_() % words.size()];
    const auto data = static_cast<std::uint32_t>(random_());
    const std::uint32_t strobes = uniform(random_, 0, 15);
    write(word, data, strobes);
    std::uint32_t mask = 0;
    for (unsigned b = 0; b < 4; ++b) mask |= (strobes >> b & 1U) != 0 ? 0xFFU << (8 * b) : 0U;
    expected[word] = (expected[word] & ~mask) | (data & mask);
    const std::uint32_t other = words[random_() % words.size()];
    ASSERT_EQ(read(other), expected[other]) << "offset " << other << ", step " << step;
  }
  const auto pair = [&](std::uint32_t word) { return expected[word] | std::uint64_t{expected[word + 4]} << 32U; };
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::program_base), pair(arch::kArgProgramBase));
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::x_base), pair(arch::kArgXBase));
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::y_base), pair(arch::kArgYBase));
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::completion_base), pair(arch::kArgCompletionBase));
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::entry), expected[arch::kArgEntry]);
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::num_vectors), expected[arch::kArgNumVectors]);
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::vector_base), expected[arch::kArgVectorBase]);
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::chip_seed), expected[arch::kArgChipSeed]);
  EXPECT_EQ(member(top_.arguments_o, rtl::Arguments::watchdog_cycles), expected[arch::kArgWatchdogCycles]);
  for (std::uint32_t e = 0; e < arch::kMaxEngines; ++e) {
    EXPECT_EQ(member(top_.arguments_o, {rtl::Arguments::image_base.low + 64 * e, 64}),
              e < kEngines ? pair(arch::kArgImageBase + 8 * e) : 0);
  }
  EXPECT_EQ(num_starts_, 0U);
}

TEST_F(CsrRtl, SaysWhatTheBuildIs) {
  const std::pair<std::uint32_t, std::uint32_t> constants[] = {
      {arch::kRegVersion, arch::kIsaVersion},
      {arch::kRegNumEngines, kEngines},
      {arch::kRegLanes, 32},
      {arch::kRegBlockRows, 96},
      {arch::kRegBlockCols, 128},
      {arch::kRegContexts, 5},
      {arch::kRegXbufBytes, 320},
      {arch::kRegYbufWords, 176},
      {arch::kRegMaxBatch, 7},
      {arch::kRegAdcColumnsPerCycle, 8},
      {arch::kRegDataWidth, 256},
  };
  for (const auto& [offset, value] : constants) {
    write(offset, 0xFFFFFFFFU);
    EXPECT_EQ(read(offset), value) << "offset " << offset;
  }
  for (std::uint32_t i = 0; i < arch::kRegContractHashCount; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, arch::kContractHash.data() + 4 * std::size_t{i}, 4);
    EXPECT_EQ(read(arch::kRegContractHash + 4 * i), word);
  }
}

TEST_F(CsrRtl, ShowsTheResults) {
  for (unsigned round = 0; round < 10; ++round) {
    using Report = rtl::ErrorReport;
    using Counters = rtl::Counters;
    for (const rtl::Slice slice : {Report::code, Report::unit, Report::index}) {
      set_member(top_.report_i, slice, random_() & ((std::uint64_t{1} << slice.width) - 1));
    }
    set_member(top_.report_i, Report::detail, std::uint64_t{random_()} << 32U | random_());
    for (const rtl::Slice slice : {Counters::total_cycles, Counters::instructions, Counters::mvms}) {
      set_member(top_.counters_i, slice, std::uint64_t{random_()} << 32U | random_());
    }
    const auto both = [this](std::uint32_t offset) { return read(offset) | std::uint64_t{read(offset + 4)} << 32U; };
    EXPECT_EQ(read(arch::kRegErrorCode), member(top_.report_i, Report::code));
    EXPECT_EQ(read(arch::kRegErrorUnit), member(top_.report_i, Report::unit));
    EXPECT_EQ(read(arch::kRegErrorInstruction), member(top_.report_i, Report::index));
    EXPECT_EQ(both(arch::kRegErrorDetail), member(top_.report_i, Report::detail));
    EXPECT_EQ(both(arch::kRegCycles), member(top_.counters_i, Counters::total_cycles));
    EXPECT_EQ(read(arch::kRegInstructions), member(top_.counters_i, Counters::instructions) & 0xFFFFFFFFU);
    EXPECT_EQ(read(arch::kRegMvms), member(top_.counters_i, Counters::mvms) & 0xFFFFFFFFU);
  }
}

TEST_F(CsrRtl, OtherAddressesReadZeroAndIgnoreWrites) {
  const std::uint32_t behind_images = arch::kArgImageBase + 8 * kEngines;
  for (const std::uint32_t offset : {arch::kArgWatchdogCycles + 4U, behind_images, behind_images + 4, 0x0FCU, 0x13CU,
                                     0x14CU, 0x168U, 0x200U, 0xFFCU}) {
    write(offset, 0xFFFFFFFFU);
    EXPECT_EQ(read(offset), 0U) << "offset " << offset;
  }
  for (const std::uint32_t word : argument_words()) EXPECT_EQ(read(word), 0U) << "offset " << word;
  EXPECT_EQ(num_starts_, 0U);
}

TEST_F(CsrRtl, StartReadsOneUntilTheRunIsDone) {
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlIdle);
  write(arch::kRegControl, arch::kRegControlStart, 0xE);  // the byte is not written
  for (int i = 0; i < 5; ++i) tick();
  EXPECT_EQ(num_starts_, 0U);
  write(arch::kRegControl, arch::kRegControlStart);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(read(arch::kRegControl), arch::kRegControlStart);
    EXPECT_EQ(num_starts_, 1U);
  }
  done();
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlDone | arch::kRegControlIdle | arch::kRegControlReady);
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlIdle);
  EXPECT_EQ(num_starts_, 1U);
}

TEST_F(CsrRtl, AStartWrittenDuringARunChangesNothing) {
  write(arch::kRegControl, arch::kRegControlStart);
  tick();
  write(arch::kRegControl, arch::kRegControlStart);
  write(arch::kRegControl, 0);  // nor does a 0 take it back
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlStart);
  done();
  for (int i = 0; i < 20; ++i) tick();
  EXPECT_EQ(num_starts_, 1U);
  write(arch::kRegControl, arch::kRegControlStart);
  tick();
  EXPECT_EQ(num_starts_, 2U);
}

TEST_F(CsrRtl, TakesNothingDuringReset) {
  top_.rst_ni = 0;
  top_.awvalid_i = top_.wvalid_i = top_.arvalid_i = 1;
  for (int i = 0; i < 3; ++i) {
    tick();
    bench_.settle();
    EXPECT_EQ(top_.awready_o | top_.wready_o | top_.arready_o, 0);
  }
  top_.rst_ni = 1;
  top_.awvalid_i = top_.wvalid_i = top_.arvalid_i = 0;
  write(arch::kArgEntry, 3);
  EXPECT_EQ(read(arch::kArgEntry), 3U);
}

/// So that nothing outside the kernel can close a loop through it.
TEST_F(CsrRtl, ReadyDoesNotDependOnTheInputsOfTheCycle) {
  for (int i = 0; i < 200; ++i) {
    top_.awvalid_i = yes();
    top_.wvalid_i = yes();
    top_.arvalid_i = yes();
    std::array<int, 2> seen{};
    for (int inputs = 0; inputs < 16; ++inputs) {
      top_.rready_i = inputs & 1;
      top_.bready_i = inputs >> 1 & 1;
      const auto before = std::array{top_.awvalid_i, top_.wvalid_i, top_.arvalid_i};
      if ((inputs & 4) != 0) top_.awvalid_i = top_.wvalid_i = !top_.awvalid_i;
      if ((inputs & 8) != 0) top_.arvalid_i = !top_.arvalid_i;
      bench_.settle();
      const int outputs =
          top_.awready_o | top_.wready_o << 1 | top_.arready_o << 2 | top_.bvalid_o << 3 | top_.rvalid_o << 4;
      seen[0] |= outputs;
      seen[1] |= ~outputs;
      top_.awvalid_i = before[0];
      top_.wvalid_i = before[1];
      top_.arvalid_i = before[2];
    }
    EXPECT_EQ(seen[0] & seen[1], 0);
    tick();
  }
}

TEST_F(CsrRtl, DoneIsClearedByReading) {
  done();
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlDone | arch::kRegControlIdle | arch::kRegControlReady);
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlIdle);
  // Done in the cycle of the read is not lost.
  for (int offset = 0; offset < 3; ++offset) {
    top_.araddr_i = arch::kRegControl;
    top_.arvalid_i = 1;
    top_.rready_i = 1;
    top_.done_i = offset == 0;
    tick();
    top_.arvalid_i = 0;
    top_.done_i = offset == 1;
    bench_.settle();
    const std::uint32_t first = top_.rdata_o;
    tick();
    top_.done_i = 0;
    top_.rready_i = 0;
    const std::uint32_t seen = (first | read(arch::kRegControl)) & arch::kRegControlDone;
    EXPECT_EQ(seen != 0, offset < 2);
    EXPECT_EQ(read(arch::kRegControl) & arch::kRegControlDone, 0U);
  }
}

TEST_F(CsrRtl, AutoRestartStartsAgainWhenDone) {
  write(arch::kRegControl, arch::kRegControlStart | arch::kRegControlAutoRestart);
  tick();
  EXPECT_EQ(num_starts_, 1U);
  EXPECT_EQ(read(arch::kRegControl), arch::kRegControlStart | arch::kRegControlAutoRestart);
  for (unsigned run = 2; run < 5; ++run) {
    done();
    tick();
    tick();
    EXPECT_EQ(num_starts_, run);
  }
  write(arch::kRegControl, 0);
  done();
  tick();
  tick();
  EXPECT_EQ(num_starts_, 4U);
}

TEST_F(CsrRtl, InterruptsNeedBothEnablesAndAreToggledAway) {
  for (const std::uint32_t source : {arch::kRegInterruptEnableDone, arch::kRegInterruptEnableReady}) {
    for (const std::uint32_t global : {0U, arch::kRegInterruptGlobalEnable}) {
      for (const std::uint32_t enable : {0U, source}) {
        write(arch::kRegInterruptGlobal, global);
        write(arch::kRegInterruptEnable, enable);
        EXPECT_EQ(read(arch::kRegInterruptGlobal), global);
        EXPECT_EQ(read(arch::kRegInterruptEnable), enable);
        EXPECT_FALSE(interrupt());
        done();
        EXPECT_EQ(interrupt(), global != 0 && enable != 0);
        const std::uint32_t pending = read(arch::kRegInterruptStatus);
        EXPECT_EQ(pending, enable);
        write(arch::kRegInterruptStatus, pending);
        EXPECT_EQ(read(arch::kRegInterruptStatus), 0U);
        EXPECT_FALSE(interrupt());
      }
    }
  }
  // Writing 1 toggles: software can raise one, too.
  write(arch::kRegInterruptStatus, arch::kRegInterruptStatusReady);
  EXPECT_TRUE(interrupt());
}

TEST_F(CsrRtl, ResetInMidStreamForgetsEverything) {
  write(arch::kArgEntry, 5);
  write(arch::kRegInterruptGlobal, 1);
  write(arch::kRegInterruptStatus, 3);
  EXPECT_TRUE(interrupt());
  // Half a write, and a read whose answer is not taken.
  top_.awvalid_i = 1;
  top_.awaddr_i = arch::kArgEntry;
  top_.arvalid_i = 1;
  top_.araddr_i = arch::kArgEntry;
  tick();
  top_.awvalid_i = top_.arvalid_i = 0;
  bench_.settle();
  EXPECT_EQ(top_.rdata_o, 5U);
  bench_.reset();
  EXPECT_EQ(top_.rvalid_o | top_.bvalid_o | top_.interrupt_o | top_.start_o, 0);
  EXPECT_EQ(read(arch::kArgEntry), 0U);
  write(arch::kArgNumVectors, 9);
  EXPECT_EQ(read(arch::kArgNumVectors), 9U);
  EXPECT_EQ(read(arch::kArgEntry), 0U) << "the address of before the reset";
}

}  // namespace
}  // namespace xw::test
