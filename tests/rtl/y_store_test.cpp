// STORE_Y against a byte model of memory: masks, sums, strobes, strides, banks that answer apart, every error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "Vy_store_16.h"
#include "Vy_store_64.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/axi_write_memory.hpp"
#include "tests/rtl/executor_bench.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct YStore16 {
  using Model = Vy_store_16;
  static constexpr std::uint32_t kEngines = 1, kLanes = 16, kYbufWords = 272, kMaxBatch = 5, kMaxOutstanding = 4;
};
struct YStore64 {
  using Model = Vy_store_64;
  static constexpr std::uint32_t kEngines = 4, kLanes = 64, kYbufWords = 2064, kMaxBatch = 4, kMaxOutstanding = 16;
};

struct Store {
  std::uint32_t engine_mask = 1, ybuf_offset = 0, y_offset = 0, length = 1, stride = 0, num_vectors = 1;
};

template <typename Config>
class YStoreBench : public ExecutorBench<YStoreBench<Config>, typename Config::Model, AxiWriteMemory> {
 public:
  using Base = ExecutorBench<YStoreBench, typename Config::Model, AxiWriteMemory>;
  static constexpr std::size_t kMemoryBytes = 1U << 18U;
  static constexpr std::uint32_t kWords = Config::kLanes / 4, kAllEngines = (1U << Config::kEngines) - 1;

  explicit YStoreBench(unsigned seed) : Base(seed, kMemoryBytes, Config::kLanes) {
    for (std::byte& byte : this->memory.bytes) byte = std::byte(this->random() & 0xFFU);
    expected = this->memory.bytes;
    banks.resize(Config::kEngines);
    for (auto& bank : banks) {
      bank.resize(std::size_t{Config::kMaxBatch} * Config::kYbufWords);
      for (std::uint32_t& word : bank) word = static_cast<std::uint32_t>(this->random());
    }
    this->top->num_vectors_i = 1;
    this->top->y_base_i = AxiWriteMemory::kBase;
    this->reset();
  }

  void drive_ports() {
    if (this->top->rst_ni == 0) answering = 0;
    std::array<std::uint32_t, Config::kEngines * kWords> data;
    for (std::uint32_t& word : data) word = noise += 0x9E3779B9U;
    std::uint32_t ready = 0;
    for (std::uint32_t e = 0; e < Config::kEngines; ++e) {
      ready |= (this->random() % 100 >= busy_percent ? 1U : 0U) << e;
      if ((answering >> e & 1U) != 0) {
        std::copy_n(banks[e].begin() + std::ptrdiff_t{answer_row} * kWords, kWords, data.begin() + e * kWords);
      }
    }
    std::memcpy(&this->top->ybuf_data_i, data.data(), sizeof data);
    this->top->ybuf_valid_i = static_cast<std::uint8_t>(answering);
    this->top->ybuf_ready_i = static_cast<std::uint8_t>(ready);
  }
  void sample_ports() {
    answering = this->top->ybuf_valid_o & this->top->ybuf_ready_i;
    answer_row = this->top->ybuf_addr_o;
    num_rows += answering != 0 ? 1 : 0;
    if (this->aborted) {
      EXPECT_EQ(answering, 0U) << "reads banks after abort";
    }
    EXPECT_EQ(this->top->ybuf_valid_o & ~mask, 0U) << "reads a bank outside the mask";
    if (answering != 0) {
      ASSERT_LE((answer_row + 1) * kWords, banks[0].size());
    }
  }

  /// Sets the run's arguments and returns the command.
  typename Base::Command prepare(const Store& store) {
    mask = store.engine_mask;
    this->top->num_vectors_i = static_cast<std::uint16_t>(store.num_vectors);
    return {arch::opcode_value(arch::Opcode::kStoreY), store.engine_mask | store.ybuf_offset << 16U, store.y_offset,
            store.length | store.stride << 16U};
  }
  /// Address of vector `v`.
  [[nodiscard]] std::uint64_t target(const Store& store, std::uint32_t v) const {
    return this->top->y_base_i + store.y_offset + std::uint64_t{v} * store.stride * 64;
  }
  /// The definition of STORE_Y.
  void apply(const Store& store) {
    for (std::uint32_t v = 0; v < store.num_vectors; ++v) {
      for (std::uint32_t w = 0; w < store.length; ++w) {
        std::uint32_t sum = 0;
        for (std::uint32_t e = 0; e < Config::kEngines; ++e) {
          if ((store.engine_mask >> e & 1U) != 0) sum += banks[e][v * Config::kYbufWords + store.ybuf_offset + w];
        }
        std::memcpy(expected.data() + (target(store, v) - AxiWriteMemory::kBase) + w * 4, &sum, 4);
      }
    }
  }
  void expect_good(const Store& store) {
    const UnitEvents got = this->run(prepare(store));
    apply(store);
    EXPECT_EQ(got.done, 1U);
    EXPECT_EQ(got.errors, 0U);
    EXPECT_TRUE(this->memory.bytes == expected);
  }
  void expect_error(const Store& store, DeviceError code, std::uint64_t detail) {
    const UnitEvents got = this->run(prepare(store));
    EXPECT_EQ(got.done, 0U);
    EXPECT_EQ(got.errors, 1U);
    EXPECT_EQ(got.code, static_cast<std::uint32_t>(code));
    EXPECT_EQ(got.detail, detail);
  }
  /// Bytes are those of before or those that the command writes.
  void expect_partial(const Store& store) {
    const std::vector<std::byte> before = expected;
    apply(store);
    for (std::size_t b = 0; b < before.size(); ++b) {
      ASSERT_TRUE(this->memory.bytes[b] == before[b] || this->memory.bytes[b] == expected[b]);
    }
    expected = this->memory.bytes;
  }
  Store random_store(bool overlapping) {
    auto& rng = this->random;
    Store store;
    store.engine_mask = 1 + rng() % kAllEngines;
    store.num_vectors = 1 + rng() % Config::kMaxBatch;
    store.ybuf_offset = rng() % (Config::kYbufWords / 16) * 16;
    const std::uint32_t room = Config::kYbufWords - store.ybuf_offset;
    store.length = rng() % 4 == 0 ? room : 1 + rng() % (rng() % 2 == 0 ? std::min(room, 40U) : room);
    store.stride = rng() % 140;
    if (!overlapping) store.stride = std::max(store.stride, (store.length + 15) / 16);
    store.y_offset = rng() % 512 * 64;
    this->top->y_base_i = AxiWriteMemory::kBase + rng() % 1024 * 64;
    return store;
  }

  std::vector<std::vector<std::uint32_t>> banks;
  std::vector<std::byte> expected;
  unsigned busy_percent = 0;
  std::uint32_t mask = 0, answering = 0, answer_row = 0, noise = 0;
  std::uint64_t num_rows = 0;
};

template <typename Config>
class YStoreRtl : public testing::Test {};
using Configs = testing::Types<YStore16, YStore64>;
TYPED_TEST_SUITE(YStoreRtl, Configs);

TYPED_TEST(YStoreRtl, WritesSumsOfTheMaskedBanks) {
  using Order = AxiWriteMemory::Order;
  unsigned seed = 7000;
  for (const unsigned stall_percent : {0U, 30U, 75U}) {
    for (const unsigned busy_percent : {0U, 50U, 90U}) {
      SCOPED_TRACE("seed " + std::to_string(++seed));
      YStoreBench<TypeParam> bench(seed);
      bench.memory.stall_percent = stall_percent;
      bench.memory.max_latency = stall_percent;
      bench.memory.order = std::array{Order::kAny, Order::kAddressFirst, Order::kDataFirst}[seed % 3];
      bench.busy_percent = busy_percent;
      for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) {
        const Store store = bench.random_store(i % 2 == 0);
        SCOPED_TRACE(testing::Message() << "store " << i << ": mask " << store.engine_mask << " ybuf_offset "
                                        << store.ybuf_offset << " length " << store.length << " stride " << store.stride
                                        << " vectors " << store.num_vectors);
        bench.memory.requests.clear();
        bench.expect_good(store);
        std::vector<AxiRequest> bursts;
        for (std::uint32_t v = 0; v < store.num_vectors; ++v) {
          const std::uint32_t beats = (store.length * 4 + TypeParam::kLanes - 1) / TypeParam::kLanes;
          for (const AxiRequest& burst : axi_bursts(bench.target(store, v), beats, TypeParam::kLanes)) {
            bursts.push_back(burst);
          }
        }
        EXPECT_TRUE(bench.memory.requests == bursts);
      }
      EXPECT_EQ(bench.memory.num_silent_beats, 0U);
      EXPECT_LE(bench.memory.most_bursts, TypeParam::kMaxOutstanding);
    }
  }
}

TYPED_TEST(YStoreRtl, EveryLengthOfTheLastBeat) {
  YStoreBench<TypeParam> bench(8);
  bench.busy_percent = 20;
  for (std::uint32_t length = 1; length <= 3 * bench.kWords; ++length) {
    bench.expect_good({bench.kAllEngines, 16, 0, length, 13, 2});
  }
}

TYPED_TEST(YStoreRtl, RunsAtOneBeatPerCycle) {
  using Config = TypeParam;
  YStoreBench<Config> bench(9);
  const std::uint32_t rows = Config::kYbufWords / bench.kWords;
  const Store store{bench.kAllEngines, 0, 0, Config::kYbufWords, (Config::kYbufWords + 15) / 16, Config::kMaxBatch};
  std::uint64_t begin = bench.cycles;
  bench.expect_good(store);
  EXPECT_LE(bench.cycles - begin, std::uint64_t{rows} * Config::kMaxBatch + 20);
  EXPECT_LE(bench.stalls, 10U);
  // One beat per vector.
  begin = bench.cycles;
  bench.expect_good({1, 0, 0, bench.kWords, 1, Config::kMaxBatch});
  EXPECT_LE(bench.cycles - begin, Config::kMaxBatch + 20U);
  // Responses that come late count as waiting for memory.
  bench.memory.max_latency = 200;
  bench.expect_good(store);
  EXPECT_GT(bench.stalls, 10U);
}

TYPED_TEST(YStoreRtl, ReportsEveryErrorWithItsDetail) {
  using Config = TypeParam;
  YStoreBench<Config> bench(10);
  const std::uint32_t size = Config::kYbufWords, beyond = bench.kAllEngines + 1;
  bench.expect_error({0, 0, 0, 1, 0, 1}, DeviceError::kBadEngine, 0);
  bench.expect_error({beyond, 0, 0, 1, 0, 1}, DeviceError::kBadEngine, beyond);
  bench.expect_error({0x8001, 7, 7, 0, 0, 1}, DeviceError::kBadEngine, 0x8001);  // the first of several
  bench.expect_error({0xFFFF, 0, 0, 1, 0, 1}, DeviceError::kBadEngine, 0xFFFF);
  bench.expect_error({1, 7, 7, 0, 0, 1}, DeviceError::kBadLength, 0);
  for (const std::uint32_t offset : {1U, 8U, 0xFFFFU}) {
    bench.expect_error({1, offset, 7, 1, 0, 1}, DeviceError::kMisaligned, offset);
  }
  bench.expect_error({1, 0, 7, size + 1, 0, 1}, DeviceError::kYbufRange, size + 1);
  bench.expect_error({1, size, 0, 1, 0, 1}, DeviceError::kYbufRange, size + 1);
  bench.expect_error({1, 0xFFF0, 0, 0xFFFF, 0, 1}, DeviceError::kYbufRange, 0xFFF0 + 0xFFFF);
  for (const std::uint32_t offset : {1U, 32U, 0xFFFFFFFFU}) {
    bench.expect_error({1, 0, offset, 1, 0, 1}, DeviceError::kMisaligned, offset);
  }
  EXPECT_EQ(bench.num_rows, 0U);
  EXPECT_TRUE(bench.memory.requests.empty());
  bench.expect_good({1, size - 16, 0, 16, 0, 1});
}

TYPED_TEST(YStoreRtl, ReportsTheFirstFaultyBurst) {
  using Config = TypeParam;
  for (const unsigned stall_percent : {0U, 40U}) {
    YStoreBench<Config> bench(20 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = stall_percent;
    bench.busy_percent = stall_percent;
    const std::uint64_t end = AxiWriteMemory::kBase + bench.memory.bytes.size();
    for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) {
      const Store store = bench.random_store(false);
      const std::uint64_t base = bench.top->y_base_i;
      const std::uint64_t bytes =
          bench.target(store, store.num_vectors - 1) + store.length * 4 - bench.target(store, 0);
      const std::uint64_t line = bench.target(store, bench.random() % store.num_vectors) + store.length * 2 / 64 * 64;
      if (i % 2 == 0) {
        bench.memory.slverr_line = line;
      } else {
        bench.top->y_base_i = end - store.y_offset - bench.random() % bytes / 64 * 64;
      }
      AxiRequest faulty;
      for (std::uint32_t v = 0; v < store.num_vectors && faulty.beats == 0; ++v) {
        const std::uint32_t beats = (store.length * 4 + Config::kLanes - 1) / Config::kLanes;
        for (const AxiRequest& burst : axi_bursts(bench.target(store, v), beats, Config::kLanes)) {
          if (faulty.beats == 0 && bench.memory.response(burst) != 0) faulty = burst;
        }
      }
      ASSERT_NE(faulty.beats, 0U);
      const std::vector<std::byte> before = bench.memory.bytes;
      bench.expect_error(store, i % 2 == 0 ? DeviceError::kMemorySlverr : DeviceError::kMemoryDecerr, faulty.address);
      bench.memory.slverr_line.reset();
      bench.top->y_base_i = base;
      bench.memory.bytes = before;
      bench.expect_good(store);
    }
  }
}

TYPED_TEST(YStoreRtl, AbortInEveryCycle) {
  YStoreBench<TypeParam> bench(7);
  const Store store{bench.kAllEngines, 16, 64, 3 * bench.kWords - 1, 4, 3};
  for (unsigned after = 0; after < 40; ++after) {
    SCOPED_TRACE(after);
    bench.run_aborted(bench.prepare(store), after, 1 + after % 2);
    bench.expect_partial(store);
    bench.run_aborted(bench.prepare({0, 0, 0, 1, 0, 1}), after % 3, 1);  // an error is dropped too
    bench.expect_error({0, 0, 0, 1, 0, 1}, DeviceError::kBadEngine, 0);
    for (auto& bank : bench.banks) std::reverse(bank.begin(), bank.end());
    bench.expect_good(store);
  }
}

TYPED_TEST(YStoreRtl, AbortAndResetLeaveItUsable) {
  for (const unsigned stall_percent : {0U, 50U}) {
    YStoreBench<TypeParam> bench(30 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = 30;
    bench.busy_percent = stall_percent / 2;
    for (int i = 0; i < 150 && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(i);
      const Store store = bench.random_store(false);
      const unsigned after = bench.random() % (i % 3 == 0 ? 8 : 200);
      if (i % 4 == 3) {
        bench.start(bench.prepare(store));
        for (unsigned t = 0; t < after; ++t) bench.tick();
        bench.reset();
      } else {
        bench.run_aborted(bench.prepare(store), after, 1 + bench.random() % 20);
      }
      bench.expect_partial(store);
      bench.expect_good(bench.random_store(true));
    }
    EXPECT_GT(bench.memory.num_silent_beats, 0U);  // announced bursts were finished
  }
}

}  // namespace
}  // namespace xw::test
