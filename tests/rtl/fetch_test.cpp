// Fetch: the instructions of a program in memory, and what is wrong with header and memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>

#include "Vfetch_16.h"
#include "Vfetch_64.h"
#include "arch/generated/xw_arch.hpp"
#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Bytes16 {
  using Model = Vfetch_16;
  static constexpr std::uint32_t kBeatBytes = 16;
};
struct Bytes64 {
  using Model = Vfetch_64;
  static constexpr std::uint32_t kBeatBytes = 64;
};

constexpr std::size_t kMemoryBytes = 32768;

struct Fault {
  std::uint32_t index = 0;
  DeviceError code = DeviceError::kOk;
  std::uint64_t detail = 0;
  bool operator==(const Fault&) const = default;
};

template <typename Config>
struct FetchBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  using Words = std::vector<std::uint32_t>;

  explicit FetchBench(unsigned seed) : random(seed), memory(kMemoryBytes, Config::kBeatBytes) {
    top->start_i = top->stop_i = top->ready_i = 0;
    this->reset();
  }

  /// A program of random instructions at a multiple of 64 bytes.
  void place(std::uint64_t offset, std::uint32_t count) {
    base = AxiReadMemory::kBase + offset;
    instructions.clear();
    for (std::uint32_t i = 0; i < count; ++i) instructions.push_back(random_elements<std::uint32_t>(random, 4));
    for (std::byte& byte : memory.bytes) byte = static_cast<std::byte>(random());
    header.assign(arch::kProgramHeaderBytes / 4, 0);
    header[arch::kProgramHeaderMagicOffset / 4] = arch::kProgramHeaderMagic;
    header[arch::kProgramHeaderIsaVersionOffset / 4] = arch::kIsaVersion;
    header[arch::kProgramHeaderNumInstructionsOffset / 4] = count;
    std::memcpy(&header[arch::kProgramHeaderContractHashOffset / 4], arch::kContractHash.data(),
                arch::kContractHash.size());
    poke(offset, header);
    for (std::uint32_t i = 0; i < count; ++i) {
      poke(offset + arch::kProgramHeaderBytes + std::uint64_t{16} * i, instructions[i]);
    }
  }
  /// What lies beyond the memory is lost.
  void poke(std::uint64_t offset, const Words& words) {
    if (offset + 4 * words.size() <= memory.bytes.size()) {
      std::memcpy(memory.bytes.data() + offset, words.data(), 4 * words.size());
    }
  }

  void cycle() {
    memory.drive(*top, random);
    this->settle();
    memory.sample(*top, random);
    this->tick();
  }
  void start(std::uint32_t first) {
    entry = first;
    memory.requests.clear();
    set_member(top->arguments_i, rtl::Arguments::program_base, base);
    set_member(top->arguments_i, rtl::Arguments::entry, entry);
    top->start_i = 1;
    cycle();
    top->start_i = 0;
  }
  /// Takes instructions, which must be those of the program, until a fault, or until there are `most`.
  [[nodiscard]] std::optional<Fault> take(unsigned ready_percent, std::size_t most = SIZE_MAX) {
    std::uint32_t index = entry;
    for (unsigned cycles = 0; cycles < 100000; ++cycles) {
      top->ready_i = uniform(random, 0, 99) < ready_percent;
      memory.drive(*top, random);
      this->settle();
      memory.sample(*top, random);
      std::optional<Fault> fault;
      if (top->valid_o != 0 && top->ready_i != 0) {
        EXPECT_EQ(top->index_o, index);
        if (top->error_o != 0) {
          fault = Fault{top->index_o, DeviceError{static_cast<std::uint32_t>(member(top->fault_o, rtl::Fault::code))},
                        member(top->fault_o, rtl::Fault::detail)};
        } else {
          EXPECT_LT(index, instructions.size());
          if (index >= instructions.size()) return Fault{};
          EXPECT_EQ(get<std::uint32_t>(top->instruction_o, 4), instructions[index]) << "instruction " << index;
          ++index;
        }
      }
      this->tick();
      if (fault || index - entry >= most) {
        top->ready_i = 0;
        return fault;
      }
    }
    throw std::runtime_error("neither instructions nor a fault");
  }
  /// Ends the run; nothing may be under way afterwards.
  void stop() {
    top->stop_i = 1;
    cycle();
    top->stop_i = 0;
    for (unsigned cycles = 0; cycles < 10000; ++cycles) {
      this->settle();
      if (top->idle_o != 0) {
        EXPECT_TRUE(memory.quiet()) << "idle with bursts under way";
        return;
      }
      EXPECT_EQ(top->valid_o, 0);
      cycle();
    }
    FAIL() << "is not idle again";
  }
  /// After the first two (header, first instructions) nothing beyond the program is asked for.
  void expect_requests_inside() {
    const std::uint64_t lines = (instructions.size() + 3) / 4;
    const std::uint64_t end = base + arch::kProgramHeaderBytes + 64 * lines;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < memory.requests.size(); ++i) {
      const AxiRequest& request = memory.requests[i];
      EXPECT_GE(request.address, base);
      const std::uint64_t request_end = request.address + std::uint64_t{request.beats} * Config::kBeatBytes;
      if (i >= 2) {
        EXPECT_LE(request_end, end) << "request " << i;
        EXPECT_GE(request.address, seen) << "asked for twice";
      }
      if (i >= 1) seen = request_end;
    }
  }

  std::mt19937 random;
  AxiReadMemory memory;
  std::uint64_t base = 0;
  std::uint32_t entry = 0;
  Words header;
  std::vector<Words> instructions;
};

template <typename Config>
class FetchRtl : public testing::Test {};
using Configs = testing::Types<Bytes16, Bytes64>;
TYPED_TEST_SUITE(FetchRtl, Configs);

TYPED_TEST(FetchRtl, ReadsInstructionsFromAnyEntryToTheEnd) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FetchBench<TypeParam> bench(seed);
    bench.memory.stall_percent = seed % 3 * 30;
    bench.memory.max_latency = seed % 5 * 20;
    for (unsigned run = 0; run < 3; ++run) {
      const std::uint32_t count = uniform(bench.random, 1, run == 0 ? 8 : 400);
      bench.place(64 * std::uint64_t{uniform(bench.random, 0, 300)}, count);
      bench.start(uniform(bench.random, 0, count - 1));
      EXPECT_EQ(bench.take(20 + seed % 5 * 20), (Fault{count, DeviceError::kEntryRange, count}));
      EXPECT_NE(bench.top->header_read_o, 0);
      bench.expect_requests_inside();
      bench.stop();
      if (this->HasFailure()) return;
    }
  }
}

TYPED_TEST(FetchRtl, EntriesBeyondTheProgram) {
  FetchBench<TypeParam> bench(50);
  bench.place(128, 9);
  for (const std::uint32_t entry : {9U, 10U, 0x10000U, 0xFFFFFFFFU}) {
    bench.start(entry);
    EXPECT_EQ(bench.take(100), (Fault{entry, DeviceError::kEntryRange, entry}));
    bench.stop();
  }
}

TYPED_TEST(FetchRtl, ChecksTheHeaderInTheOrderOfTheReference) {
  namespace a = arch;
  struct Case {
    std::uint32_t offset;
    std::uint32_t value;
    DeviceError code;
    std::uint64_t detail;
  };
  std::uint32_t hash = 0;
  std::memcpy(&hash, a::kContractHash.data(), 4);
  // Every case leaves the ones before it in place: the last is found only behind the first.
  const Case cases[] = {
      {a::kProgramHeaderContractHashOffset + 12, 0x12345678, DeviceError::kContractMismatch, hash},
      {a::kProgramHeaderContractHashOffset, 0x87654321, DeviceError::kContractMismatch, 0x87654321},
      {a::kProgramHeaderIsaVersionOffset, a::kIsaVersion + 1, DeviceError::kProgramHeader, a::kIsaVersion + 1},
      {a::kProgramHeaderMagicOffset, 5, DeviceError::kProgramHeader, 5},
  };
  FetchBench<TypeParam> bench(60);
  bench.memory.max_latency = 30;
  bench.place(64, 20);
  for (const Case& c : cases) {
    bench.poke(64 + c.offset, {c.value});
    bench.start(3);
    EXPECT_EQ(bench.take(50), (Fault{3, c.code, c.detail}));
    bench.stop();
  }
}

/// The verdict on the header does not wait for the instructions that were requested with it.
TYPED_TEST(FetchRtl, BadHeadersShowBeforeTheFirstInstructionsArrive) {
  unsigned num_before = 0;
  for (unsigned seed = 61; seed <= 70; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FetchBench<TypeParam> bench(seed);
    bench.memory.max_latency = 100;
    bench.place(0, 40);
    bench.poke(arch::kProgramHeaderMagicOffset, {5});
    bench.start(0);
    for (unsigned cycles = 0; bench.top->header_read_o == 0; ++cycles) {
      ASSERT_LT(cycles, 1000U) << "no header";
      bench.cycle();
    }
    bench.cycle();
    bench.settle();
    EXPECT_NE(bench.top->valid_o, 0);
    EXPECT_NE(bench.top->error_o, 0);
    num_before += bench.memory.bursts.empty() ? 0 : 1;
    bench.stop();
  }
  EXPECT_GT(num_before, 5U) << "memory answered header and instructions together";
}

TYPED_TEST(FetchRtl, FaultsOfMemoryStandWhereTheyAreExecuted) {
  for (unsigned seed = 71; seed <= 90; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FetchBench<TypeParam> bench(seed);
    bench.memory.max_latency = 40;
    bench.memory.stall_percent = 20;
    bench.place(0, 300);
    const std::uint32_t entry = uniform(bench.random, 0, 150);
    // In the header, before the entry, behind it.
    bench.memory.slverr_line = bench.base;
    bench.start(entry);
    EXPECT_EQ(bench.take(70), (Fault{entry, DeviceError::kMemorySlverr, bench.base}));
    bench.stop();
    const std::uint32_t first_line = entry / 4;
    const std::uint32_t line = uniform(bench.random, first_line, 74);
    bench.memory.slverr_line = bench.base + 64 + 64 * line;
    bench.start(entry);
    const std::uint32_t index = std::max(entry, 4 * line);
    EXPECT_EQ(bench.take(70), (Fault{index, DeviceError::kMemorySlverr, *bench.memory.slverr_line}));
    bench.stop();
    bench.start(4 * line + 4);
    EXPECT_EQ(bench.take(70), (Fault{300, DeviceError::kEntryRange, 300})) << "nobody executes the faulty line";
    bench.stop();
    bench.memory.slverr_line.reset();
    // A program that leaves the memory.
    const std::uint32_t lines = uniform(bench.random, 0, 40);
    bench.place(kMemoryBytes - 64 - 64 * lines, 300);
    bench.start(0);
    EXPECT_EQ(bench.take(70), (Fault{4 * lines, DeviceError::kMemoryDecerr, AxiReadMemory::kBase + kMemoryBytes}));
    bench.stop();
    if (this->HasFailure()) return;
  }
}

TYPED_TEST(FetchRtl, StopAndResetInMidStream) {
  for (unsigned seed = 101; seed <= 160; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FetchBench<TypeParam> bench(seed);
    bench.memory.max_latency = 30;
    bench.memory.stall_percent = seed % 3 * 20;
    bench.place(192, 200);
    bench.start(uniform(bench.random, 0, 100));
    if (seed % 4 < 2) {
      for (std::uint32_t i = uniform(bench.random, 0, 60); i > 0; --i) bench.cycle();
    } else {
      EXPECT_EQ(bench.take(60, uniform(bench.random, 1, 60)), std::nullopt);
    }
    if (seed % 2 == 0) {
      bench.reset();
      bench.memory.reset();
      EXPECT_NE(bench.top->idle_o, 0);
    } else {
      bench.stop();
    }
    EXPECT_EQ(bench.top->valid_o, 0);
    bench.place(320, 50);
    bench.start(7);
    EXPECT_EQ(bench.take(80), (Fault{50, DeviceError::kEntryRange, 50}));
    bench.stop();
    if (this->HasFailure()) return;
  }
}

TYPED_TEST(FetchRtl, OneInstructionPerCycle) {
  FetchBench<TypeParam> bench(200);
  bench.place(0, 64);
  bench.start(0);
  for (unsigned cycles = 0; cycles < 400; ++cycles) bench.cycle();  // the buffer is full
  unsigned cycles = 0;
  for (bench.top->ready_i = 1; cycles < 64; ++cycles) {
    bench.memory.drive(*bench.top, bench.random);
    bench.settle();
    bench.memory.sample(*bench.top, bench.random);
    ASSERT_NE(bench.top->valid_o, 0) << "cycle " << cycles;
    ASSERT_EQ(bench.top->index_o, cycles);
    ASSERT_EQ(bench.top->error_o, 0);
    bench.tick();
  }
}

}  // namespace
}  // namespace xw::test
