// xw_axi_read alone: ranges back to back, page boundaries, faulty beats, stop and reset in mid-stream.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "Vaxi_read_16.h"
#include "Vaxi_read_64.h"
#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct AxiRead16 {
  using Model = Vaxi_read_16;
  static constexpr std::uint32_t kBeatBytes = 16, kMaxOutstanding = 3;
};
struct AxiRead64 {
  using Model = Vaxi_read_64;
  static constexpr std::uint32_t kBeatBytes = 64, kMaxOutstanding = 16;
};

struct Range {
  std::uint64_t address = 0;
  std::uint32_t beats = 0;
};

template <typename Config>
struct AxiReadBench {
  static constexpr std::size_t kMemoryBytes = 1U << 18U;

  explicit AxiReadBench(unsigned seed) : random(seed), memory(kMemoryBytes, Config::kBeatBytes) {
    for (std::byte& byte : memory.bytes) byte = std::byte(random() & 0xFFU);
    reset();
  }
  ~AxiReadBench() { verilated::finish(*top); }
  AxiReadBench(const AxiReadBench&) = delete;
  AxiReadBench& operator=(const AxiReadBench&) = delete;

  void reset() {
    top->rst_ni = 0;
    memory.reset();
    expected.clear();
    bursts.clear();
    offering = stopped = false;
    for (int i = 0; i < 3; ++i) tick();
    top->rst_ni = 1;
    top->stop_i = 0;
  }

  void tick() {
    const bool running = top->rst_ni != 0;
    memory.drive(*top, random);
    if (!offering && running && !ranges.empty()) offering = random() % 100 >= gap_percent;
    top->req_valid_i = offering;
    top->req_addr_i = offering ? ranges.front().address : random();
    top->req_beats_i = offering ? ranges.front().beats : 0;
    top->ready_i = random() % 100 >= busy_percent;
    clocks_low(*top);
    if (running) sample();
    clock_edge(*top);
    ++cycles;
  }

  void sample() {
    memory.sample(*top, random);
    if (!memory.quiet() || !expected.empty()) {
      EXPECT_NE(top->busy_o, 0) << "not busy with bursts or beats under way";
    }
    if (top->valid_o != 0) {
      ASSERT_FALSE(expected.empty()) << "beat that nobody waits for";
      const std::uint64_t address = expected.front();
      EXPECT_EQ(top->resp_o, memory.response(address));
      if (memory.response(address) == 0) {
        EXPECT_EQ(std::memcmp(&top->data_o, memory.bytes.data() + (address - AxiReadMemory::kBase), Config::kBeatBytes),
                  0);
      }
      if (top->ready_i != 0) {
        expected.pop_front();
        ++num_beats;
      }
    }
    if (top->stop_i != 0) {
      if (top->req_valid_i != 0 && top->req_ready_o != 0) {  // taken and forgotten
        ranges.pop_front();
        offering = false;
      }
      expected.clear();
      stopped = true;
    } else if (top->req_valid_i != 0 && top->req_ready_o != 0) {
      EXPECT_TRUE(!stopped || memory.quiet()) << "range accepted while the one before is swallowed";
      stopped = false;
      const Range range = ranges.front();
      ranges.pop_front();
      offering = false;
      for (std::uint32_t i = 0; i < range.beats; ++i) {
        expected.push_back(range.address + std::uint64_t{i} * Config::kBeatBytes);
      }
      for (const AxiRequest& burst : axi_bursts(range.address, range.beats, Config::kBeatBytes))
        bursts.push_back(burst);
    }
  }

  /// Ticks until all ranges are read.
  void finish() {
    for (int i = 0; i < 1000000; ++i) {
      tick();
      if (ranges.empty() && expected.empty() && top->busy_o == 0) return;
    }
    throw std::runtime_error("ranges are not read");
  }
  /// Ranges that begin or end near page boundaries or anywhere.
  void add_ranges(int count) {
    for (int i = 0; i < count; ++i) {
      const std::uint64_t page = random() % 50 * 4096;
      const std::uint64_t line = random() % 2 == 0 ? random() % 64 : random() % 3 == 0 ? 0 : 60 + random() % 4;
      const std::uint32_t beats = 1 + random() % (random() % 8 == 0 ? 700 : 20);
      ranges.push_back({AxiReadMemory::kBase + page + line * 64, beats});
    }
  }

  std::mt19937 random;
  AxiReadMemory memory;
  std::unique_ptr<typename Config::Model> top = std::make_unique<typename Config::Model>();
  std::deque<Range> ranges;            ///< not accepted yet
  std::deque<std::uint64_t> expected;  ///< addresses of beats
  std::vector<AxiRequest> bursts;      ///< of accepted ranges
  bool offering = false, stopped = false;
  unsigned gap_percent = 0, busy_percent = 0;
  std::uint64_t num_beats = 0, cycles = 0;
};

template <typename Config>
class AxiReadRtl : public testing::Test {};
using Configs = testing::Types<AxiRead16, AxiRead64>;
TYPED_TEST_SUITE(AxiReadRtl, Configs);

TYPED_TEST(AxiReadRtl, ReadsRangesInOrderWithTheFewestBursts) {
  unsigned seed = 100;
  for (const unsigned stall_percent : {0U, 30U, 75U}) {
    for (const unsigned gap_percent : {0U, 60U}) {
      for (const unsigned busy_percent : {0U, 50U}) {
        SCOPED_TRACE("seed " + std::to_string(++seed));
        AxiReadBench<TypeParam> bench(seed);
        bench.memory.stall_percent = stall_percent;
        bench.memory.max_latency = stall_percent;
        bench.gap_percent = gap_percent;
        bench.busy_percent = busy_percent;
        bench.memory.slverr_line = AxiReadMemory::kBase + bench.random() % 4096 * 64;
        bench.add_ranges(120);
        bench.ranges.push_back({AxiReadMemory::kBase + bench.memory.bytes.size() - 128, 9});  // leaves the memory
        bench.finish();
        EXPECT_TRUE(bench.memory.requests == bench.bursts);
        EXPECT_LE(bench.memory.most_bursts, TypeParam::kMaxOutstanding);
      }
    }
  }
}

TYPED_TEST(AxiReadRtl, HidesLatencyBehindOtherBursts) {
  AxiReadBench<TypeParam> bench(1);
  for (int i = 0; i < 20; ++i) bench.ranges.push_back({AxiReadMemory::kBase, 4096 / TypeParam::kBeatBytes});
  bench.finish();
  EXPECT_LE(bench.cycles, bench.num_beats + 20);
  bench.memory.max_latency = 100;
  for (int i = 0; i < 20; ++i) bench.ranges.push_back({AxiReadMemory::kBase, 4096 / TypeParam::kBeatBytes});
  bench.cycles = bench.num_beats = 0;
  bench.finish();
  EXPECT_LE(bench.cycles, bench.num_beats + 150);
  EXPECT_EQ(bench.memory.most_bursts, TypeParam::kMaxOutstanding);
}

TYPED_TEST(AxiReadRtl, StopSwallowsTheRest) {
  for (const unsigned stall_percent : {0U, 50U}) {
    AxiReadBench<TypeParam> bench(200 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = 40;
    bench.busy_percent = stall_percent / 2;
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(i);
      bench.add_ranges(4);
      for (unsigned t = bench.random() % 150; t != 0; --t) bench.tick();
      const std::size_t requested = bench.memory.requests.size() + (bench.memory.pending ? 1 : 0);
      bench.top->stop_i = 1;
      for (unsigned t = 1 + bench.random() % 5; t != 0; --t) bench.tick();
      bench.top->stop_i = 0;
      // At most the request that was on the bus (or went there at that edge) still gets through.
      if (i % 2 == 0) {
        bench.offering = false;
        bench.ranges.clear();
        bench.finish();
        EXPECT_LE(bench.memory.requests.size(), requested + 1);
        EXPECT_TRUE(bench.memory.quiet());
        bench.tick();
        EXPECT_NE(bench.top->req_ready_o, 0) << "the next range would have to wait";
      }
    }
    bench.finish();
  }
}

TYPED_TEST(AxiReadRtl, ResetInMidStream) {
  AxiReadBench<TypeParam> bench(300);
  bench.memory.stall_percent = 30;
  bench.memory.max_latency = 20;
  for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) {
    bench.add_ranges(3);
    for (unsigned t = bench.random() % 200; t != 0; --t) bench.tick();
    bench.reset();
    bench.finish();
    EXPECT_TRUE(bench.memory.requests == bench.bursts);
  }
}

/// The kernel is reset, the memory is not: beats of bursts from before keep coming.
TYPED_TEST(AxiReadRtl, ForgetsBeatsOfBurstsFromBeforeAReset) {
  AxiReadBench<TypeParam> bench(400);
  for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(i);
    for (unsigned left = 1 + bench.random() % 40; left != 0; --left) {
      auto& rsp = bench.top->read_rsp_i;
      set_member(rsp, rtl::AxiReadRsp::ar_ready, 0);
      bench.top->req_valid_i = 0;
      bench.top->ready_i = bench.random() % 2;
      set_member(rsp, rtl::AxiReadRsp::r_valid, bench.random() % 3 != 0);
      set_member(rsp, rtl::AxiReadRsp::r_resp, bench.random() % 4);
      set_member(rsp, rtl::AxiReadRsp::r_last, bench.random() % 4 == 0);
      clocks_low(*bench.top);
      EXPECT_EQ(bench.top->busy_o, 0);
      EXPECT_EQ(bench.top->valid_o, 0);
      EXPECT_NE(member(bench.top->read_req_o, rtl::AxiReadReq::r_ready), 0) << "the memory would wait for ever";
      EXPECT_NE(bench.top->req_ready_o, 0);
      clock_edge(*bench.top);
    }
    bench.add_ranges(2);
    bench.finish();
    EXPECT_TRUE(bench.memory.requests == bench.bursts);
    bench.reset();
  }
}

}  // namespace
}  // namespace xw::test
