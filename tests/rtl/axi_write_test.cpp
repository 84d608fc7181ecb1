// xw_axi_write alone: ranges back to back, page boundaries, strobes, faults, stop and reset in mid-stream.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "Vaxi_write_16.h"
#include "Vaxi_write_64.h"
#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/axi_write_memory.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct AxiWrite16 {
  using Model = Vaxi_write_16;
  static constexpr std::uint32_t kBeatBytes = 16, kMaxOutstanding = 3;
};
struct AxiWrite64 {
  using Model = Vaxi_write_64;
  static constexpr std::uint32_t kBeatBytes = 64, kMaxOutstanding = 16;
};

struct Range {
  std::uint64_t address = 0;
  std::uint32_t beats = 0;
};
struct Fault {
  std::uint64_t address = 0;
  bool decerr = false;
  bool operator==(const Fault&) const = default;
};

template <typename Config>
struct AxiWriteBench {
  static constexpr std::size_t kMemoryBytes = 1U << 18U;
  using Beat = std::array<std::byte, Config::kBeatBytes>;

  explicit AxiWriteBench(unsigned seed) : random(seed), memory(kMemoryBytes, Config::kBeatBytes) {
    for (std::byte& byte : memory.bytes) byte = std::byte(random() & 0xFFU);
    reset();
  }
  ~AxiWriteBench() { verilated::finish(*top); }
  AxiWriteBench(const AxiWriteBench&) = delete;
  AxiWriteBench& operator=(const AxiWriteBench&) = delete;

  void reset() {
    top->rst_ni = 0;
    top->stop_i = 0;
    memory.reset();
    places.clear();
    bursts.clear();
    offering = sending = stopped = false;
    for (int i = 0; i < 3; ++i) tick();
    memory.reset();
    written = memory.bytes;
    top->rst_ni = 1;
  }

  void tick() {
    const bool running = top->rst_ni != 0;
    memory.drive(*top, random);
    if (!offering && running && !ranges.empty()) offering = random() % 100 >= gap_percent;
    top->req_valid_i = offering;
    top->req_addr_i = offering ? ranges.front().address : random();
    top->req_beats_i = offering ? ranges.front().beats : 0;
    // Beats are offered before their range too: they must wait for it.
    if (!sending && running) {
      sending = random() % 100 >= busy_percent;
      for (std::byte& byte : beat) byte = std::byte(random() & 0xFFU);
      strobes = random() % 3 == 0 ? std::uint64_t{random()} << 32U | random() : ~std::uint64_t{0};
    }
    top->valid_i = sending;
    std::memcpy(&top->data_i, beat.data(), beat.size());
    top->strb_i = static_cast<std::remove_reference_t<decltype(top->strb_i)>>(strobes);
    clocks_low(*top);
    if (running) sample();
    clock_edge(*top);
    ++cycles;
  }

  void sample() {
    memory.sample(*top, random);
    if (!memory.quiet() || !places.empty()) {
      EXPECT_NE(top->busy_o, 0);
    }
    if (top->error_o != 0) faults.push_back({top->error_addr_o, top->decerr_o != 0});
    if (top->stop_i != 0) {
      EXPECT_EQ(top->req_ready_o, 0);
      places.clear();
      stopped = true;
    }
    if (stopped && top->busy_o != 0) {
      EXPECT_EQ(top->ready_o, 0) << "takes beats after stop";
    }
    if (top->valid_i != 0 && top->ready_o != 0) {
      ASSERT_FALSE(places.empty()) << "takes a beat without a range";
      for (std::uint32_t i = 0; memory.mapped(places.front()) && i < Config::kBeatBytes; ++i) {
        if ((strobes >> i & 1U) != 0) written[places.front() - AxiWriteMemory::kBase + i] = beat[i];
      }
      places.pop_front();
      sending = false;
      ++num_beats;
    }
    if (top->req_valid_i != 0 && top->req_ready_o != 0) {
      stopped = false;
      const Range range = ranges.front();
      ranges.pop_front();
      offering = false;
      for (std::uint32_t i = 0; i < range.beats; ++i) {
        places.push_back(range.address + std::uint64_t{i} * Config::kBeatBytes);
      }
      for (const AxiRequest& burst : axi_bursts(range.address, range.beats, Config::kBeatBytes))
        bursts.push_back(burst);
    }
  }

  /// Ticks until all ranges are written.
  void finish() {
    for (int i = 0; i < 1000000; ++i) {
      tick();
      if (ranges.empty() && places.empty() && top->busy_o == 0) return;
    }
    throw std::runtime_error("ranges are not written");
  }
  void add_ranges(int count) {
    for (int i = 0; i < count; ++i) {
      const std::uint64_t page = random() % 50 * 4096;
      const std::uint64_t line = random() % 2 == 0 ? random() % 64 : random() % 3 == 0 ? 0 : 60 + random() % 4;
      const std::uint32_t beats = 1 + random() % (random() % 8 == 0 ? 700 : 20);
      ranges.push_back({AxiWriteMemory::kBase + page + line * 64, beats});
    }
  }

  std::mt19937 random;
  AxiWriteMemory memory;
  std::unique_ptr<typename Config::Model> top = std::make_unique<typename Config::Model>();
  std::deque<Range> ranges;          ///< not accepted yet
  std::deque<std::uint64_t> places;  ///< addresses of the beats to come
  std::vector<AxiRequest> bursts;    ///< of accepted ranges
  std::vector<std::byte> written;    ///< what the memory shall hold
  std::vector<Fault> faults;
  Beat beat{};
  std::uint64_t strobes = 0;
  bool offering = false, sending = false, stopped = false;
  unsigned gap_percent = 0, busy_percent = 0;
  std::uint64_t num_beats = 0, cycles = 0;
};

template <typename Config>
class AxiWriteRtl : public testing::Test {};
using Configs = testing::Types<AxiWrite16, AxiWrite64>;
TYPED_TEST_SUITE(AxiWriteRtl, Configs);

TYPED_TEST(AxiWriteRtl, WritesRangesInOrderWithTheFewestBursts) {
  using Order = AxiWriteMemory::Order;
  unsigned seed = 100;
  for (const unsigned stall_percent : {0U, 30U, 75U}) {
    for (const unsigned gap_percent : {0U, 60U}) {
      for (const unsigned busy_percent : {0U, 50U}) {
        for (const Order order : {Order::kAny, Order::kAddressFirst, Order::kDataFirst}) {
          SCOPED_TRACE("seed " + std::to_string(++seed));
          AxiWriteBench<TypeParam> bench(seed);
          bench.memory.stall_percent = stall_percent;
          bench.memory.max_latency = stall_percent;
          bench.memory.order = order;
          bench.gap_percent = gap_percent;
          bench.busy_percent = busy_percent;
          bench.add_ranges(60);
          bench.finish();
          EXPECT_TRUE(bench.memory.bytes == bench.written);
          EXPECT_TRUE(bench.memory.requests == bench.bursts);
          EXPECT_LE(bench.memory.most_bursts, TypeParam::kMaxOutstanding);
          EXPECT_TRUE(bench.faults.empty());
        }
      }
    }
  }
}

TYPED_TEST(AxiWriteRtl, RunsAtOneBeatPerCycle) {
  AxiWriteBench<TypeParam> bench(1);
  for (int i = 0; i < 20; ++i) bench.ranges.push_back({AxiWriteMemory::kBase, 4096 / TypeParam::kBeatBytes});
  bench.finish();
  EXPECT_LE(bench.cycles, bench.num_beats + 20);
  // Ranges of one beat, with room for the bursts that wait for an answer.
  bench.cycles = bench.num_beats = 0;
  for (int i = 0; i < 200; ++i) bench.ranges.push_back({AxiWriteMemory::kBase + 64U * static_cast<unsigned>(i), 1});
  bench.finish();
  const unsigned cycles_per_range = TypeParam::kMaxOutstanding > 4 ? 1 : 2;
  EXPECT_LE(bench.cycles, bench.num_beats * cycles_per_range + 20);
  // Late answers show once.
  bench.memory.max_latency = 100;
  for (int i = 0; i < 20; ++i) bench.ranges.push_back({AxiWriteMemory::kBase, 4096 / TypeParam::kBeatBytes});
  bench.cycles = bench.num_beats = 0;
  bench.finish();
  EXPECT_LE(bench.cycles, bench.num_beats + 150);
}

TYPED_TEST(AxiWriteRtl, ReportsEveryFaultyBurst) {
  for (const unsigned stall_percent : {0U, 50U}) {
    AxiWriteBench<TypeParam> bench(400 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = stall_percent;
    bench.memory.slverr_line = AxiWriteMemory::kBase + 4096 * 7 + 64;
    bench.add_ranges(60);
    bench.ranges.push_back({AxiWriteMemory::kBase + 4096 * 6, 3 * 4096 / TypeParam::kBeatBytes});
    bench.ranges.push_back({AxiWriteMemory::kBase + bench.memory.bytes.size() - 64, 9 * 64 / TypeParam::kBeatBytes});
    bench.ranges.push_back({0, 5});
    bench.finish();
    std::vector<Fault> faults;
    for (const AxiRequest& burst : bench.bursts) {
      const std::uint8_t response = bench.memory.response(burst);
      if (response != 0) faults.push_back({burst.address, response == 3});
    }
    EXPECT_GE(faults.size(), 3U);
    EXPECT_TRUE(bench.faults == faults);
    EXPECT_TRUE(bench.memory.bytes == bench.written);
  }
}

TYPED_TEST(AxiWriteRtl, StopFinishesAnnouncedBurstsWithoutStrobes) {
  using Order = AxiWriteMemory::Order;
  for (const unsigned stall_percent : {0U, 50U}) {
    AxiWriteBench<TypeParam> bench(200 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = 40;
    bench.memory.order = stall_percent == 0 ? Order::kAny : Order::kDataFirst;
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(i);
      bench.busy_percent = bench.random() % 3 * 49;
      bench.add_ranges(4);
      for (unsigned t = bench.random() % 150; t != 0; --t) bench.tick();
      bench.memory.slverr_line.reset();
      if (!bench.memory.quiet()) bench.memory.slverr_line = bench.memory.bursts.back().request.address;
      bench.faults.clear();
      bench.top->stop_i = 1;
      bench.tick();
      const std::size_t announced = bench.memory.requests.size(), faults = bench.faults.size();
      for (unsigned t = bench.random() % 5; t != 0; --t) bench.tick();
      bench.top->stop_i = 0;
      if (i % 2 == 0) {
        bench.busy_percent = 100;  // no beats any more
        bench.sending = false;
      }
      bench.offering = false;
      bench.ranges.clear();
      bench.finish();
      EXPECT_EQ(bench.memory.requests.size(), announced) << "announces after stop";
      EXPECT_EQ(bench.faults.size(), faults) << "reports a fault after stop";
      EXPECT_TRUE(bench.memory.quiet());
      EXPECT_TRUE(bench.memory.bytes == bench.written);
      bench.tick();
      EXPECT_NE(bench.top->req_ready_o, 0) << "the next range would have to wait";
    }
    EXPECT_GT(bench.memory.num_silent_beats, 0U);
    bench.memory.slverr_line.reset();
    bench.busy_percent = 0;
    bench.add_ranges(10);
    bench.finish();
    EXPECT_TRUE(bench.memory.bytes == bench.written);
  }
}

TYPED_TEST(AxiWriteRtl, ResetInMidStream) {
  AxiWriteBench<TypeParam> bench(300);
  bench.memory.stall_percent = 30;
  bench.memory.max_latency = 20;
  for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) {
    bench.add_ranges(3);
    for (unsigned t = bench.random() % 200; t != 0; --t) bench.tick();
    bench.reset();
    bench.finish();
    EXPECT_TRUE(bench.memory.requests == bench.bursts);
    EXPECT_TRUE(bench.memory.bytes == bench.written);
  }
}

/// The kernel is reset, the memory is not: answers to bursts from before keep coming.
TYPED_TEST(AxiWriteRtl, ForgetsAnswersToBurstsFromBeforeAReset) {
  AxiWriteBench<TypeParam> bench(400);
  for (int i = 0; i < 20 && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(i);
    bench.top->req_valid_i = bench.top->valid_i = 0;
    set_member(bench.top->write_rsp_i, rtl::AxiWriteRsp::b_valid, 1);
    set_member(bench.top->write_rsp_i, rtl::AxiWriteRsp::b_resp, 2);
    for (unsigned left = 1 + bench.random() % 20; left != 0; --left) {
      clocks_low(*bench.top);
      EXPECT_EQ(bench.top->busy_o, 0);
      EXPECT_EQ(bench.top->error_o, 0);
      EXPECT_NE(member(bench.top->write_req_o, rtl::AxiWriteReq::b_ready), 0) << "the memory would wait for ever";
      clock_edge(*bench.top);
    }
    bench.add_ranges(2);
    bench.finish();
    EXPECT_TRUE(bench.memory.requests == bench.bursts);
    EXPECT_TRUE(bench.memory.bytes == bench.written);
    EXPECT_TRUE(bench.faults.empty());
    bench.reset();
  }
}

TYPED_TEST(AxiWriteRtl, AssertionsAreOn) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        dup2(STDERR_FILENO, STDOUT_FILENO);  // where Verilator's messages go
        AxiWriteBench<TypeParam> bench(1);
        bench.top->req_valid_i = 1;
        bench.top->req_addr_i = 1;
        for (int i = 0; i < 2; ++i) {
          bench.top->clk_i = static_cast<std::uint8_t>(i);
          bench.top->eval();
        }
      },
      "RequestAligned");
}

}  // namespace
}  // namespace xw::test
