// LOAD_X against a byte model of XBUF: offsets, lengths, strides, vectors, gaps, aborts and every error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "Vx_load_16.h"
#include "Vx_load_64.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/executor_bench.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct XLoad16 {
  using Model = Vx_load_16;
  static constexpr std::uint32_t kLanes = 16, kXbufBytes = 1040, kMaxBatch = 5, kMaxOutstanding = 4;
};
struct XLoad64 {
  using Model = Vx_load_64;
  static constexpr std::uint32_t kLanes = 64, kXbufBytes = 8256, kMaxBatch = 4, kMaxOutstanding = 16;
};

struct Load {
  std::uint32_t xbuf_offset = 0, length = 1, x_offset = 0, stride = 0, num_vectors = 1;
};

template <typename Config>
class XLoadBench : public ExecutorBench<XLoadBench<Config>, typename Config::Model, AxiReadMemory> {
 public:
  using Base = ExecutorBench<XLoadBench, typename Config::Model, AxiReadMemory>;
  static constexpr std::size_t kMemoryBytes = 1U << 18U;

  explicit XLoadBench(unsigned seed) : Base(seed, kMemoryBytes, Config::kLanes) {
    for (std::byte& byte : this->memory.bytes) byte = std::byte(this->random() & 0xFFU);
    xbuf.resize(std::size_t{Config::kMaxBatch} * Config::kXbufBytes);
    for (std::byte& byte : xbuf) byte = std::byte(this->random() & 0xFFU);
    expected = xbuf;
    this->top->num_vectors_i = 1;
    this->top->x_base_i = AxiReadMemory::kBase;
    this->reset();
  }

  void drive_ports() {}
  void sample_ports() {
    if (this->top->xbuf_write_o == 0) return;
    ++num_writes;
    EXPECT_FALSE(this->aborted) << "writes after abort";
    const std::size_t begin = std::size_t{this->top->xbuf_addr_o} * Config::kLanes;
    ASSERT_LE(begin + Config::kLanes, xbuf.size());
    std::array<std::byte, Config::kLanes> data;
    std::memcpy(data.data(), &this->top->xbuf_data_o, data.size());
    EXPECT_NE(this->top->xbuf_enable_o, 0U);
    for (std::uint32_t lane = 0; lane < Config::kLanes; ++lane) {
      if ((std::uint64_t{this->top->xbuf_enable_o} >> lane & 1U) != 0) xbuf[begin + lane] = data[lane];
    }
  }

  /// Sets the run's arguments and returns the command.
  typename Base::Command prepare(const Load& load) {
    this->top->num_vectors_i = static_cast<std::uint16_t>(load.num_vectors);
    return {arch::opcode_value(arch::Opcode::kLoadX), load.xbuf_offset | load.length << 16U, load.x_offset,
            load.stride};
  }
  /// Address of vector `v`.
  [[nodiscard]] std::uint64_t source(const Load& load, std::uint32_t v) const {
    return this->top->x_base_i + load.x_offset + std::uint64_t{v} * load.stride * 64;
  }
  /// The definition of LOAD_X, up to a faulty line.
  void apply(const Load& load) {
    for (std::uint32_t v = 0; v < load.num_vectors; ++v) {
      for (std::uint32_t i = 0; i < load.length; ++i) {
        const std::uint64_t from = source(load, v) + i;
        if (from / 64 == faulty_line / 64) return;
        expected[std::size_t{v} * Config::kXbufBytes + load.xbuf_offset + i] =
            this->memory.bytes[from - AxiReadMemory::kBase];
      }
    }
  }
  void expect_good(const Load& load) {
    const UnitEvents got = this->run(prepare(load));
    apply(load);
    EXPECT_EQ(got.done, 1U);
    EXPECT_EQ(got.errors, 0U);
    EXPECT_TRUE(xbuf == expected);
  }
  void expect_error(const Load& load, DeviceError code, std::uint64_t detail) {
    const UnitEvents got = this->run(prepare(load));
    EXPECT_EQ(got.done, 0U);
    EXPECT_EQ(got.errors, 1U);
    EXPECT_EQ(got.code, static_cast<std::uint32_t>(code));
    EXPECT_EQ(got.detail, detail);
  }
  /// Bytes of XBUF are those of before or those that the command writes.
  void expect_partial(const Load& load) {
    const std::vector<std::byte> before = expected;
    apply(load);
    for (std::size_t b = 0; b < before.size(); ++b) ASSERT_TRUE(xbuf[b] == before[b] || xbuf[b] == expected[b]);
    expected = xbuf;
  }
  /// A good command; the offsets come from few values so that edges are common.
  Load random_load() {
    auto& rng = this->random;
    Load load;
    load.num_vectors = 1 + rng() % Config::kMaxBatch;
    load.xbuf_offset = rng() % 3 == 0 ? rng() % 4 * Config::kLanes : rng() % Config::kXbufBytes;
    const std::uint32_t room = Config::kXbufBytes - load.xbuf_offset;
    load.length = rng() % 4 == 0 ? room : 1 + rng() % (rng() % 2 == 0 ? std::min(room, 150U) : room);
    load.stride = rng() % 3 == 0 ? 0 : rng() % 130;
    load.x_offset = rng() % 512 * 64;
    this->top->x_base_i = AxiReadMemory::kBase + rng() % 1024 * 64;
    return load;
  }

  std::vector<std::byte> xbuf, expected;
  std::uint64_t num_writes = 0;
  std::uint64_t faulty_line = 0;  ///< nothing from there on comes to XBUF
};

template <typename Config>
class XLoadRtl : public testing::Test {};
using Configs = testing::Types<XLoad16, XLoad64>;
TYPED_TEST_SUITE(XLoadRtl, Configs);

TYPED_TEST(XLoadRtl, CopiesEveryOffsetLengthStrideAndCount) {
  for (const unsigned stall_percent : {0U, 30U, 75U}) {
    for (const unsigned latency : {0U, 60U}) {
      const unsigned seed = 1000 + stall_percent + latency;
      SCOPED_TRACE("seed " + std::to_string(seed));
      XLoadBench<TypeParam> bench(seed);
      bench.memory.stall_percent = stall_percent;
      bench.memory.max_latency = latency;
      for (int i = 0; i < 120 && !testing::Test::HasFailure(); ++i) {
        const Load load = bench.random_load();
        SCOPED_TRACE(testing::Message() << "load " << i << ": xbuf_offset " << load.xbuf_offset << " length "
                                        << load.length << " stride " << load.stride << " vectors " << load.num_vectors);
        bench.memory.requests.clear();
        bench.expect_good(load);
        std::vector<AxiRequest> bursts;
        for (std::uint32_t v = 0; v < load.num_vectors; ++v) {
          const std::uint32_t beats = (load.length + TypeParam::kLanes - 1) / TypeParam::kLanes;
          for (const AxiRequest& burst : axi_bursts(bench.source(load, v), beats, TypeParam::kLanes)) {
            bursts.push_back(burst);
          }
        }
        EXPECT_TRUE(bench.memory.requests == bursts);
      }
      EXPECT_EQ(bench.progress, bench.num_writes);
      EXPECT_LE(bench.memory.most_bursts, TypeParam::kMaxOutstanding);
    }
  }
}

TYPED_TEST(XLoadRtl, EveryShiftWithEveryEnd) {
  XLoadBench<TypeParam> bench(2);
  Load load;
  load.num_vectors = 2;
  load.stride = 3;
  for (std::uint32_t shift = 0; shift < TypeParam::kLanes; ++shift) {
    for (std::uint32_t end = 1; end <= TypeParam::kLanes && !testing::Test::HasFailure(); ++end) {
      load.xbuf_offset = TypeParam::kLanes + shift;
      load.length = TypeParam::kLanes * (shift < end ? shift % 3 : 1 + shift % 2) + end - shift;
      bench.expect_good(load);
    }
  }
}

TYPED_TEST(XLoadRtl, RunsAtOneBeatPerCycle) {
  XLoadBench<TypeParam> bench(3);
  Load load;
  load.num_vectors = TypeParam::kMaxBatch;
  load.length = TypeParam::kXbufBytes - 1;
  load.stride = (TypeParam::kXbufBytes + 63) / 64;
  for (const std::uint32_t offset : {0U, 1U}) {
    load.xbuf_offset = offset;
    const std::uint64_t begin = bench.cycles, writes = bench.num_writes;
    bench.expect_good(load);
    EXPECT_LE(bench.cycles - begin, bench.num_writes - writes + 16);
    EXPECT_EQ(bench.num_writes - writes, std::uint64_t{load.num_vectors} * TypeParam::kXbufBytes / TypeParam::kLanes);
  }
  // Latency shows only once: later vectors are requested while earlier ones are under way.
  bench.memory.max_latency = 40;
  const std::uint64_t begin = bench.cycles, writes = bench.num_writes;
  bench.expect_good(load);
  EXPECT_LE(bench.cycles - begin, bench.num_writes - writes + 16 + 3 * 40);
  EXPECT_GT(bench.stalls, 0U);
}

TYPED_TEST(XLoadRtl, ReportsEveryErrorWithItsDetail) {
  using Config = TypeParam;
  XLoadBench<Config> bench(4);
  const std::uint64_t size = Config::kXbufBytes;
  bench.expect_error({0, 0, 0, 0, 1}, DeviceError::kBadLength, 0);
  bench.expect_error({0xFFFF, 0, 1, 0, 1}, DeviceError::kBadLength, 0);  // the first of several
  bench.expect_error({0, Config::kXbufBytes + 1, 0, 0, 1}, DeviceError::kXbufRange, size + 1);
  bench.expect_error({Config::kXbufBytes, 1, 3, 0, 1}, DeviceError::kXbufRange, size + 1);
  bench.expect_error({0xFFFF, 0xFFFF, 64, 0, 1}, DeviceError::kXbufRange, 0x1FFFE);
  for (const std::uint32_t offset : {1U, 32U, 0xFFFFFFFFU, 64U * 7 + 16}) {
    bench.expect_error({0, 1, offset, 0, 1}, DeviceError::kMisaligned, offset);
  }
  EXPECT_EQ(bench.memory.num_bursts, 0U);
  EXPECT_EQ(bench.num_writes, 0U);
  bench.expect_good({Config::kXbufBytes - 1, 1, 0, 0, 1});
}

TYPED_TEST(XLoadRtl, ReportsTheLineWithoutMemoryOrWithAFault) {
  using Config = TypeParam;
  for (const unsigned stall_percent : {0U, 40U}) {
    XLoadBench<Config> bench(50 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = stall_percent;
    const std::uint64_t end = AxiReadMemory::kBase + bench.memory.bytes.size();
    for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) {
      Load load = bench.random_load();
      load.stride = std::max(load.stride, (load.length + 63) / 64);  // every line belongs to one vector
      const std::uint32_t v = bench.random() % load.num_vectors;
      const std::uint64_t line = bench.source(load, v) + bench.random() % ((load.length + 63) / 64) * 64;
      const std::uint64_t base = bench.top->x_base_i;
      if (i % 2 == 0) {
        bench.memory.slverr_line = bench.faulty_line = line;
        bench.expect_error(load, DeviceError::kMemorySlverr, line);
      } else {
        bench.top->x_base_i += end - line;  // that line is the first behind the memory
        bench.faulty_line = end;
        bench.expect_error(load, DeviceError::kMemoryDecerr, end);
      }
      bench.expect_partial(load);
      bench.memory.slverr_line.reset();
      bench.faulty_line = 0;
      bench.top->x_base_i = base;
      bench.expect_good(load);
    }
  }
}

TYPED_TEST(XLoadRtl, AbortInEveryCycle) {
  XLoadBench<TypeParam> bench(7);
  const Load load{5, 3 * TypeParam::kLanes, 64, 4, 3};
  for (unsigned after = 0; after < 40; ++after) {
    SCOPED_TRACE(after);
    bench.run_aborted(bench.prepare(load), after, 1 + after % 2);
    bench.expect_partial(load);
    bench.run_aborted(bench.prepare({0, 0, 0, 0, 1}), after % 3, 1);  // an error is dropped too
    bench.expect_error({0, 0, 0, 0, 1}, DeviceError::kBadLength, 0);
    for (std::byte& byte : bench.memory.bytes) byte ^= std::byte{0xFF};
    bench.expect_good(load);
  }
}

TYPED_TEST(XLoadRtl, AbortAndResetLeaveItUsable) {
  for (const unsigned stall_percent : {0U, 50U}) {
    XLoadBench<TypeParam> bench(60 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = 30;
    for (int i = 0; i < 150 && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(i);
      const Load load = bench.random_load();
      const unsigned after = bench.random() % (i % 3 == 0 ? 8 : 200);
      if (i % 4 == 3) {
        bench.start(bench.prepare(load));
        for (unsigned t = 0; t < after; ++t) bench.tick();
        bench.reset();
      } else {
        bench.run_aborted(bench.prepare(load), after, 1 + bench.random() % 20);
      }
      bench.expect_partial(load);
      bench.expect_good(bench.random_load());
    }
  }
}

}  // namespace
}  // namespace xw::test
