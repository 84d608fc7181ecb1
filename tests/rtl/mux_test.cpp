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

#include "Vread_mux.h"
#include "Vwrite_mux_16.h"
#include "Vwrite_mux_64.h"
#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

struct Mux16 {
  using Read = Vread_mux;
  using Write = Vwrite_mux_16;
  static constexpr std::uint32_t kBeatBytes = 16;
};
struct Mux64 {
  using Read = Vread_mux;
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
    using Req = rtl::AxiReadReq;
    const auto request = [&](auto& port, std::uint32_t r) {
      set_member(port, Req::ar_valid, valid >> r & 1U);
      set_member(port, Req::r_ready, ready >> r & 1U);
      set_member(port, Req::ar_addr, addresses[r]);
      set_member(port, Req::ar_len, lengths[r]);
    };
    request(top->reader0_req_i, 0);
    request(top->reader1_req_i, 1);
    clocks_low(*top);
    if (running) sample();
    clock_edge(*top);
  }

  void sample() {
    memory.sample(*top, random);
    using Rsp = rtl::AxiReadRsp;
    const auto response = [this](std::uint32_t r, rtl::Slice slice) {
      return member(r == 0 ? top->reader0_rsp_o : top->reader1_rsp_o, slice);
    };
    EXPECT_EQ(response(0, Rsp::r_valid) & response(1, Rsp::r_valid), 0) << "a beat for both";
    std::uint32_t accepted = 0;
    for (std::uint32_t r = 0; r < 2; ++r) {
      accepted |= static_cast<std::uint32_t>(readers[r].offering && response(r, Rsp::ar_ready) != 0) << r;
    }
    EXPECT_NE(accepted, 3U);
    EXPECT_TRUE((accepted & 2U) == 0 || !readers[0].offering) << "fetch comes first";
    for (std::uint32_t r = 0; r < 2; ++r) {
      Reader& reader = readers[r];
      if (response(r, Rsp::r_valid) != 0) {
        ASSERT_FALSE(reader.expected.empty());
        const Reader::Beat& beat = reader.expected.front();
        EXPECT_EQ(response(r, Rsp::r_resp), memory.response(beat.address));
        EXPECT_EQ(response(r, Rsp::r_last) != 0, beat.last);
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
  using Req = rtl::AxiWriteReq;
  using Rsp = rtl::AxiWriteRsp;
  const auto fill = [&](auto& port) {
    auto* bytes = reinterpret_cast<unsigned char*>(&port);
    for (std::size_t i = 0; i < sizeof port; ++i) bytes[i] = static_cast<unsigned char>(random());
  };
  const auto fill_request = [&](auto& port) {
    for (const rtl::Slice slice : {Req::aw_valid, Req::w_valid, Req::w_last, Req::b_ready}) {
      set_member(port, slice, random() % 2);
    }
    set_member(port, Req::aw_addr, std::uint64_t{random()} << 32U | random());
    set_member(port, Req::aw_len, random() % 256);
  };
  const auto same = [](const auto& a, const auto& b, std::size_t size) { return std::memcmp(&a, &b, size) == 0; };
  for (int i = 0; i < 500; ++i) {
    const bool second = random() % 2 != 0;
    top.completion_i = second;
    fill_request(top.writer0_req_i);
    fill_request(top.writer1_req_i);
    fill(top.writer0_data_i);
    fill(top.writer1_data_i);
    fill(top.writer0_strb_i);
    fill(top.writer1_strb_i);
    for (const rtl::Slice slice : {Rsp::aw_ready, Rsp::w_ready, Rsp::b_valid}) {
      set_member(top.write_rsp_i, slice, random() % 2);
    }
    set_member(top.write_rsp_i, Rsp::b_resp, random() % 4);
    top.eval();
    EXPECT_TRUE(same(top.write_req_o, second ? top.writer1_req_i : top.writer0_req_i, sizeof top.write_req_o));
    EXPECT_TRUE(same(top.write_data_o, second ? top.writer1_data_i : top.writer0_data_i, kBytes));
    EXPECT_TRUE(same(top.write_strb_o, second ? top.writer1_strb_i : top.writer0_strb_i, kBytes / 8));
    const auto& selected = second ? top.writer1_rsp_o : top.writer0_rsp_o;
    const auto& other = second ? top.writer0_rsp_o : top.writer1_rsp_o;
    for (const rtl::Slice slice : {Rsp::aw_ready, Rsp::w_ready, Rsp::b_valid}) {
      EXPECT_EQ(member(selected, slice), member(top.write_rsp_i, slice));
      EXPECT_EQ(member(other, slice), 0);
    }
    EXPECT_EQ(member(selected, Rsp::b_resp), member(top.write_rsp_i, Rsp::b_resp));
  }
  verilated::finish(top);
}

}  // namespace
}  // namespace xw::test
