// The multiplexers of the gmem port: requests and beats of two readers, ids interleaved; two writers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <type_traits>

#include "Vread_mux_16.h"
#include "Vread_mux_64.h"
#include "Vwrite_mux_16.h"
#include "Vwrite_mux_64.h"
#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

struct Mux16 {
  using Read = Vread_mux_16;
  using Write = Vwrite_mux_16;
  static constexpr std::uint32_t kBeatBytes = 16;
};
struct Mux64 {
  using Read = Vread_mux_64;
  using Write = Vwrite_mux_64;
  static constexpr std::uint32_t kBeatBytes = 64;
};

/// One of the two readers: random bursts, random readiness; checks that it gets its beats in order.
struct Reader {
  AxiRequest request;
  bool offering = false, ready = false;
  struct Beat {
    std::uint64_t address = 0;
    bool last = false;
  };
  std::deque<Beat> expected;
  std::uint64_t num_beats = 0, num_bursts = 0;
};

template <typename Config>
struct ReadMuxBench {
  explicit ReadMuxBench(unsigned seed) : random(seed), memory(1U << 16U, Config::kBeatBytes) {
    for (std::byte& byte : memory.bytes) byte = std::byte(random() & 0xFFU);
    memory.slverr_line = AxiReadMemory::kBase + 64 * 77;
    reset();
  }
  ~ReadMuxBench() { verilated::finish(*top); }
  ReadMuxBench(const ReadMuxBench&) = delete;
  ReadMuxBench& operator=(const ReadMuxBench&) = delete;

  void reset() {
    top->rst_ni = 0;
    memory.reset();
    readers = {};
    for (int i = 0; i < 3; ++i) tick();
    memory.reset();
    top->rst_ni = 1;
  }

  void tick() {
    const bool running = top->rst_ni != 0;
    memory.drive(*top, random);
    std::array<std::uint64_t, 2> addresses{random(), random()};
    std::array<std::uint8_t, 2> lengths{};
    std::uint32_t valid = 0, ready = 0;
    for (std::uint32_t r = 0; r < 2; ++r) {
      Reader& reader = readers[r];
      if (!reader.offering && running && random() % 100 >= gap_percent && reader.num_bursts < max_bursts) {
        reader.offering = true;
        const std::uint64_t beat = random() % (4096 / Config::kBeatBytes);
        const std::uint64_t room = 4096 / Config::kBeatBytes - beat;
        reader.request = {AxiReadMemory::kBase + random() % 17 * 4096 + beat * Config::kBeatBytes,
                          static_cast<std::uint32_t>(1 + random() % std::min<std::uint64_t>(room, 9)), r};
      }
      reader.ready = random() % 100 >= busy_percent;
      if (reader.offering) {
        addresses[r] = reader.request.address;
        lengths[r] = static_cast<std::uint8_t>(reader.request.beats - 1);
      }
      valid |= static_cast<std::uint32_t>(reader.offering) << r;
      ready |= static_cast<std::uint32_t>(reader.ready) << r;
    }
    top->reader_arvalid_i = static_cast<std::uint8_t>(valid);
    top->reader_rready_i = static_cast<std::uint8_t>(ready);
    std::memcpy(&top->reader_araddr_i, addresses.data(), sizeof addresses);
    std::memcpy(&top->reader_arlen_i, lengths.data(), sizeof lengths);
    clocks_low(*top);
    if (running) sample();
    clock_edge(*top);
  }

  void sample() {
    memory.sample(*top, random);
    EXPECT_NE(top->reader_rvalid_o, 3) << "a beat for both";
    const std::uint32_t accepted = top->reader_arready_o & top->reader_arvalid_i;
    EXPECT_NE(accepted, 3U);
    EXPECT_TRUE((accepted & 2U) == 0 || (top->reader_arvalid_i & 1U) == 0) << "fetch comes first";
    for (std::uint32_t r = 0; r < 2; ++r) {
      Reader& reader = readers[r];
      if ((top->reader_rvalid_o >> r & 1U) != 0) {
        ASSERT_FALSE(reader.expected.empty());
        const Reader::Beat& beat = reader.expected.front();
        EXPECT_EQ(top->reader_rresp_o, memory.response(beat.address));
        EXPECT_EQ(top->reader_rlast_o != 0, beat.last);
        if (memory.response(beat.address) == 0) {
          const std::byte* bytes = memory.bytes.data() + (beat.address - AxiReadMemory::kBase);
          EXPECT_EQ(std::memcmp(&top->reader_rdata_o, bytes, Config::kBeatBytes), 0);
        }
        if (reader.ready) {
          reader.expected.pop_front();
          ++reader.num_beats;
        }
      }
      if ((accepted >> r & 1U) != 0) {
        reader.offering = false;
        ++reader.num_bursts;
        for (std::uint32_t i = 0; i < reader.request.beats; ++i) {
          reader.expected.push_back(
              {reader.request.address + std::uint64_t{i} * Config::kBeatBytes, i + 1 == reader.request.beats});
        }
      }
    }
  }

  std::mt19937 random;
  AxiReadMemory memory;
  std::unique_ptr<typename Config::Read> top = std::make_unique<typename Config::Read>();
  std::array<Reader, 2> readers;
  unsigned gap_percent = 0, busy_percent = 0;
  std::uint64_t max_bursts = 300;
};

template <typename Config>
class MuxRtl : public testing::Test {};
using Configs = testing::Types<Mux16, Mux64>;
TYPED_TEST_SUITE(MuxRtl, Configs);

TYPED_TEST(MuxRtl, ReadersGetTheirBeatsWhateverTheOrderOfIds) {
  unsigned seed = 10;
  for (const unsigned stall_percent : {0U, 40U}) {
    for (const unsigned gap_percent : {20U, 80U}) {
      for (const unsigned busy_percent : {0U, 50U}) {
        SCOPED_TRACE("seed " + std::to_string(++seed));
        ReadMuxBench<TypeParam> bench(seed);
        bench.memory.stall_percent = stall_percent;
        bench.memory.max_latency = stall_percent;
        bench.gap_percent = gap_percent;
        bench.busy_percent = busy_percent;
        for (int i = 0; i < 20000; ++i) {
          bench.tick();
          if (i == 500) bench.reset();
        }
        for (const Reader& reader : bench.readers) {
          EXPECT_EQ(reader.num_bursts, bench.max_bursts);
          EXPECT_TRUE(reader.expected.empty());
          EXPECT_GT(reader.num_beats, bench.max_bursts);
        }
        EXPECT_TRUE(bench.memory.quiet());
      }
    }
  }
}

TYPED_TEST(MuxRtl, PassesARequestPerCycle) {
  ReadMuxBench<TypeParam> bench(1);
  bench.memory.max_bursts = 1000;
  for (int i = 0; i < 602; ++i) bench.tick();
  EXPECT_EQ(bench.memory.num_bursts, 600U);
}

TYPED_TEST(MuxRtl, WriterIsTheSelectedOne) {
  std::mt19937 random(5);
  typename TypeParam::Write top;
  constexpr std::uint32_t kBytes = TypeParam::kBeatBytes;
  const auto fill = [&](auto& port) {
    auto* bytes = reinterpret_cast<unsigned char*>(&port);
    for (std::size_t i = 0; i < sizeof port; ++i) bytes[i] = static_cast<unsigned char>(random());
  };
  const auto part = [](const auto& port, std::size_t offset, const auto& out, std::size_t size) {
    return std::memcmp(reinterpret_cast<const unsigned char*>(&port) + offset, &out, size) == 0;
  };
  for (int i = 0; i < 500; ++i) {
    const std::uint32_t writer = random() % 2;
    top.completion_i = static_cast<std::uint8_t>(writer);
    top.writer_awvalid_i = random() % 4;
    top.writer_wvalid_i = random() % 4;
    top.writer_wlast_i = random() % 4;
    top.writer_bready_i = random() % 4;
    top.awready_i = random() % 2;
    top.wready_i = random() % 2;
    top.bvalid_i = random() % 2;
    top.bresp_i = random() % 4;
    fill(top.writer_awaddr_i);
    fill(top.writer_awlen_i);
    fill(top.writer_wdata_i);
    fill(top.writer_wstrb_i);
    top.eval();
    EXPECT_EQ(top.awvalid_o, top.writer_awvalid_i >> writer & 1);
    EXPECT_EQ(top.wvalid_o, top.writer_wvalid_i >> writer & 1);
    EXPECT_EQ(top.wlast_o, top.writer_wlast_i >> writer & 1);
    EXPECT_EQ(top.bready_o, top.writer_bready_i >> writer & 1);
    EXPECT_EQ(top.writer_awready_o, top.awready_i << writer);
    EXPECT_EQ(top.writer_wready_o, top.wready_i << writer);
    EXPECT_EQ(top.writer_bvalid_o, top.bvalid_i << writer);
    EXPECT_EQ(top.writer_bresp_o, top.bresp_i);
    EXPECT_TRUE(part(top.writer_awaddr_i, writer * 8, top.awaddr_o, 8));
    EXPECT_TRUE(part(top.writer_awlen_i, writer, top.awlen_o, 1));
    EXPECT_TRUE(part(top.writer_wdata_i, writer * kBytes, top.wdata_o, kBytes));
    EXPECT_TRUE(part(top.writer_wstrb_i, writer * kBytes / 8, top.wstrb_o, kBytes / 8));
  }
  verilated::finish(top);
}

}  // namespace
}  // namespace xw::test
