// The completion record as the RTL writes it, byte for byte as the host's own encoder.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "Vcompletion_1.h"
#include "Vcompletion_3.h"
#include "arch/generated/xw_arch.hpp"
#include "host/device/device.hpp"
#include "tests/rtl/axi_write_memory.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Engines1 {
  using Model = Vcompletion_1;
  static constexpr std::uint32_t kEngines = 1, kBeatBytes = 16;
};
struct Engines3 {
  using Model = Vcompletion_3;
  static constexpr std::uint32_t kEngines = 3, kBeatBytes = 64;
};

template <typename Config>
struct CompletionBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  static constexpr std::uint32_t kQueues = 2 + 2 * Config::kEngines;

  explicit CompletionBench(unsigned seed) : random(seed), memory(16384, Config::kBeatBytes) {
    top->start_i = top->stop_i = 0;
    this->reset();
  }

  /// Random contents on the ports; the record they make.
  [[nodiscard]] std::vector<std::byte> randomize() {
    device::RunStats stats;
    device::RunArguments arguments;
    const auto number = [this] { return std::uint64_t{random()} << 32U | random(); };
    using Report = rtl::ErrorReport;
    set_member(top->report_i, Report::code, stats.status = uniform(random, 0, 255));
    set_member(top->report_i, Report::unit, stats.error_unit = uniform(random, 0, 255));
    set_member(top->report_i, Report::index, stats.error_instruction = static_cast<std::uint32_t>(random()));
    set_member(top->report_i, Report::detail, stats.error_detail = number());
    set_member(top->arguments_i, rtl::Arguments::entry, arguments.entry = static_cast<std::uint32_t>(random()));
    set_member(top->arguments_i, rtl::Arguments::num_vectors,
               arguments.num_vectors = static_cast<std::uint32_t>(random()));
    using Counters = rtl::Counters;
    auto& counters = top->counters_i;
    set_member(counters, Counters::total_cycles, stats.total_cycles = number());
    set_member(counters, Counters::instructions, stats.instructions = number());
    set_member(counters, Counters::mvms, stats.mvms = number());
    set_member(counters, Counters::macs, stats.macs = number());
    set_member(counters, Counters::dac_conversions, stats.dac_conversions = number());
    set_member(counters, Counters::adc_conversions, stats.adc_conversions = number());
    set_member(counters, Counters::adc_saturations, stats.adc_saturations = number());
    set_member(counters, Counters::program_bytes_read, stats.program_bytes_read = number());
    set_member(counters, Counters::x_bytes_read, stats.x_bytes_read = number());
    set_member(counters, Counters::y_bytes_written, stats.y_bytes_written = number());
    const auto blocks = random_elements<std::uint64_t>(random, Config::kEngines);
    put(top->block_bytes_i, blocks);
    std::copy(blocks.begin(), blocks.end(), stats.block_bytes_read.begin());
    stats.busy_cycles[arch::kUnitDispatch] = stats.instructions;  // one cycle each
    top->dispatch_stall_i = stats.memory_stall_cycles[arch::kUnitDispatch] = number();
    put(top->busy_i, by_unit(stats.busy_cycles));
    put(top->semaphore_stall_i, by_unit(stats.semaphore_stall_cycles));
    put(top->memory_stall_i, by_unit(stats.memory_stall_cycles));
    return device::encode_completion(stats, arguments, arch::kContractHash);
  }
  /// Random numbers of the queues, also put where the record has the units'.
  [[nodiscard]] std::vector<std::uint64_t> by_unit(std::array<std::uint64_t, 24>& units) {
    std::vector<std::uint64_t> queues = random_elements<std::uint64_t>(random, kQueues);
    units[arch::kUnitXLoad] = queues[0];
    units[arch::kUnitYStore] = queues[1];
    for (std::uint32_t e = 0; e < Config::kEngines; ++e) {
      units[arch::kUnitBlockLoad + e] = queues[2 + e];
      units[arch::kUnitMvm + e] = queues[2 + Config::kEngines + e];
    }
    return queues;
  }

  void cycle() {
    memory.drive(*top, random);
    this->settle();
    memory.sample(*top, random);
    this->tick();
  }
  void start(std::uint64_t offset) {
    set_member(top->arguments_i, rtl::Arguments::completion_base, AxiWriteMemory::kBase + offset);
    top->start_i = 1;
    cycle();
    top->start_i = 0;
  }
  /// Cycles to done.
  unsigned wait() {
    for (unsigned cycles = 1; cycles < 20000; ++cycles) {
      this->settle();
      if (top->done_o != 0) return cycles;
      EXPECT_NE(top->active_o, 0);
      EXPECT_EQ(top->owns_o, 0) << "not stopped";
      cycle();
    }
    throw std::runtime_error("no end of the record");
  }

  std::mt19937 random;
  AxiWriteMemory memory;
};

template <typename Config>
class CompletionRtl : public testing::Test {};
using Configs = testing::Types<Engines1, Engines3>;
TYPED_TEST_SUITE(CompletionRtl, Configs);

TYPED_TEST(CompletionRtl, WritesTheRecordOfTheHostsEncoderAndNothingElse) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CompletionBench<TypeParam> bench(seed);
    bench.memory.stall_percent = seed % 3 * 30;
    bench.memory.max_latency = seed % 5 * 10;
    for (unsigned run = 0; run < 3; ++run) {
      const auto record = bench.randomize();
      const std::uint64_t offset = 64 * std::uint64_t{uniform(bench.random, 0, (16384 - arch::kCompletionBytes) / 64)};
      auto expected = bench.memory.bytes;
      std::copy(record.begin(), record.end(), expected.begin() + static_cast<std::ptrdiff_t>(offset));
      bench.start(offset);
      bench.wait();
      EXPECT_EQ(bench.top->error_o, 0);
      EXPECT_EQ(bench.memory.bytes, expected);
      EXPECT_TRUE(bench.memory.bursts.empty()) << "done before all responses";
      bench.cycle();
      EXPECT_EQ(bench.top->done_o | bench.top->active_o, 0);
      if (this->HasFailure()) return;
    }
  }
}

TYPED_TEST(CompletionRtl, TellsFaultsOfMemory) {
  CompletionBench<TypeParam> bench(50);
  bench.memory.max_latency = 10;
  for (unsigned round = 0; round < 3; ++round) {
    (void)bench.randomize();
    bench.memory.slverr_line = AxiWriteMemory::kBase + 4096 + 64 * (5 * round);
    bench.start(4096);
    bench.wait();
    EXPECT_NE(bench.top->error_o, 0);
    EXPECT_EQ(bench.top->decerr_o, 0);
    bench.memory.slverr_line.reset();
    bench.cycle();
    bench.start(16384 - 512);  // its second half has no memory
    bench.wait();
    EXPECT_NE(bench.top->error_o, 0);
    EXPECT_NE(bench.top->decerr_o, 0);
    bench.cycle();
    bench.start(0);
    bench.wait();
    EXPECT_EQ(bench.top->error_o, 0) << "still that of before";
    bench.cycle();
  }
}

TYPED_TEST(CompletionRtl, StopAndResetInMidStream) {
  for (unsigned seed = 61; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CompletionBench<TypeParam> bench(seed);
    bench.memory.max_latency = 20;
    bench.memory.stall_percent = 20;
    (void)bench.randomize();
    bench.start(0);
    for (std::uint32_t i = uniform(bench.random, 0, 40); i > 0 && bench.top->active_o != 0; --i) bench.cycle();
    if (seed % 2 == 0) {
      bench.reset();
      bench.memory.reset();
    } else {
      bench.top->stop_i = 1;
      bench.cycle();
      bench.top->stop_i = 0;
      bench.settle();
      for (unsigned cycles = 0; cycles < 500 && bench.top->owns_o != 0; ++cycles) bench.cycle();
      EXPECT_TRUE(bench.memory.bursts.empty()) << "memory still owes an answer";
      EXPECT_EQ(bench.top->owns_o, 0) << "a burst was left open";
    }
    bench.settle();
    EXPECT_EQ(bench.top->active_o, 0);
    EXPECT_EQ(bench.top->owns_o, 0);
    const auto record = bench.randomize();
    bench.start(2048);
    bench.wait();
    EXPECT_TRUE(std::equal(record.begin(), record.end(), bench.memory.bytes.begin() + 2048));
    if (this->HasFailure()) return;
  }
}

}  // namespace
}  // namespace xw::test
