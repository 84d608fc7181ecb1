// The RTL's counters against sums in C++.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "Vcounters_1.h"
#include "Vcounters_4.h"
#include "arch/generated/xw_arch.hpp"
#include "compiler/program/instruction.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

using program::Opcode;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Engines1 {
  using Model = Vcounters_1;
  static constexpr std::uint32_t kEngines = 1;
};
struct Engines4 {
  using Model = Vcounters_4;
  static constexpr std::uint32_t kEngines = 4;
};

struct Sums {
  std::uint64_t cycles = 0, instructions = 0, starved = 0, mvms = 0, macs = 0, dac = 0, adc = 0, saturations = 0;
  std::uint64_t x_bytes = 0, y_bytes = 0;
  std::vector<std::uint64_t> block_bytes, busy, semaphore_stall, memory_stall;
  bool operator==(const Sums&) const = default;
};

template <typename Config>
struct CountersBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  static constexpr std::uint32_t kEngines = Config::kEngines, kQueues = 2 + 2 * kEngines;

  explicit CountersBench(unsigned seed) : random(seed) {
    rest();
    this->reset();
    clear();
  }
  void rest() {
    top->clear_i = top->run_i = top->read_i = top->dispatched_i = top->starved_i = 0;
    put_number(top->done_i, 0);
    put_number(top->busy_i, 0);
    put_number(top->semaphore_stall_i, 0);
    put_number(top->memory_stall_i, 0);
    put(top->saturations_i, std::vector<std::uint8_t>(kEngines));
  }
  void clear() {
    top->clear_i = 1;
    this->tick();
    top->clear_i = 0;
    sums = {};
    sums.block_bytes.resize(kEngines);
    for (auto* times : {&sums.busy, &sums.semaphore_stall, &sums.memory_stall}) times->assign(kQueues, 0);
  }

  /// The command of a queue as its executor has it.
  [[nodiscard]] program::Instruction random_command(std::uint32_t queue) {
    program::Instruction i;
    if (queue < 2) {
      i.opcode = queue == 0 ? Opcode::kLoadX : Opcode::kStoreY;
      i.length = static_cast<std::uint16_t>(random() % 3 == 0 ? 0xFFFF : random());
    } else if (queue < 2 + kEngines) {
      i.opcode = Opcode::kLoadBlock;
      i.image_length = static_cast<std::uint32_t>(random());
    } else {
      i.opcode = Opcode::kMvm;
      i.rows = static_cast<std::uint16_t>(random() % 3 == 0 ? arch::kMaxRows : uniform(random, 1, arch::kMaxRows));
      i.cols = static_cast<std::uint16_t>(random() % 3 == 0 ? arch::kMaxCols : uniform(random, 1, arch::kMaxCols));
    }
    return i;
  }
  void cycle(std::uint32_t vectors) {
    const auto rare = [this] { return static_cast<std::uint32_t>(random() & random()) & ((1U << kQueues) - 1); };
    put_number(top->num_vectors_i, vectors);
    const std::uint32_t done = rare(), busy = rare(), semaphore = rare(), memory = rare();
    put_number(top->done_i, done);
    put_number(top->busy_i, busy);
    put_number(top->semaphore_stall_i, semaphore);
    put_number(top->memory_stall_i, memory);
    std::vector<std::uint32_t> words;
    for (std::uint32_t q = 0; q < kQueues; ++q) {
      const program::Instruction i = random_command(q);
      const auto encoded = program::encode(i);
      words.insert(words.end(), encoded.begin(), encoded.end());
      sums.busy[q] += busy >> q & 1U;
      sums.semaphore_stall[q] += semaphore >> q & 1U;
      sums.memory_stall[q] += memory >> q & 1U;
      if ((done >> q & 1U) == 0) continue;
      if (q == 0) sums.x_bytes += std::uint64_t{i.length} * vectors;
      if (q == 1) sums.y_bytes += std::uint64_t{4} * i.length * vectors;
      if (q >= 2 && q < 2 + kEngines) sums.block_bytes[q - 2] += std::uint64_t{64} * i.image_length;
      if (q >= 2 + kEngines) {
        sums.mvms += vectors;
        sums.macs += std::uint64_t{i.rows} * i.cols * vectors;
        sums.dac += std::uint64_t{i.rows} * vectors;
        sums.adc += std::uint64_t{i.cols} * vectors;
      }
    }
    put(top->cmd_i, words);
    std::vector<std::uint8_t> saturations(kEngines);
    for (std::uint8_t& number : saturations) {
      number = static_cast<std::uint8_t>(random() % 2 == 0 ? 0 : uniform(random, 0, 16));
      sums.saturations += number;
    }
    put(top->saturations_i, saturations);
    top->run_i = random() % 2;
    top->dispatched_i = random() % 2;
    top->starved_i = random() % 2;
    sums.cycles += top->run_i;
    sums.instructions += top->dispatched_i;
    sums.starved += top->starved_i;
    this->tick();
  }
  [[nodiscard]] Sums read() {
    rest();
    for (int i = 0; i < 3; ++i) this->tick();  // sums of the last commands
    top->read_i = 1;
    this->settle();
    using Counters = rtl::Counters;
    const auto& counters = top->counters_o;
    Sums seen{member(counters, Counters::total_cycles),
              member(counters, Counters::instructions),
              top->dispatch_stall_o,
              member(counters, Counters::mvms),
              member(counters, Counters::macs),
              member(counters, Counters::dac_conversions),
              member(counters, Counters::adc_conversions),
              member(counters, Counters::adc_saturations),
              member(counters, Counters::x_bytes_read),
              member(counters, Counters::y_bytes_written),
              {},
              {},
              {},
              {}};
    seen.block_bytes = get<std::uint64_t>(top->block_bytes_o, kEngines);
    seen.busy = get<std::uint64_t>(top->busy_o, kQueues);
    seen.semaphore_stall = get<std::uint64_t>(top->semaphore_stall_o, kQueues);
    seen.memory_stall = get<std::uint64_t>(top->memory_stall_o, kQueues);
    EXPECT_EQ(member(counters, Counters::program_bytes_read), 0) << "no header";
    top->header_read_i = 1;
    this->settle();
    EXPECT_EQ(member(counters, Counters::program_bytes_read), 64 + 16 * seen.instructions);
    top->header_read_i = 0;
    top->read_i = 0;
    return seen;
  }

  std::mt19937 random;
  Sums sums;
};

template <typename Config>
class CountersRtl : public testing::Test {};
using Configs = testing::Types<Engines1, Engines4>;
TYPED_TEST_SUITE(CountersRtl, Configs);

TYPED_TEST(CountersRtl, AddUpCommandsInEveryCycleAndTimes) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CountersBench<TypeParam> bench(seed);
    for (unsigned run = 0; run < 3; ++run) {
      const std::uint32_t vectors = run == 0 ? arch::kMaxBatch : uniform(bench.random, 1, arch::kMaxBatch);
      for (unsigned i = 0; i < 500; ++i) {
        bench.cycle(vectors);
        if (i % 100 == 99) {
          ASSERT_EQ(bench.read(), bench.sums);
        }
      }
      if (run == 0) {
        EXPECT_GT(bench.sums.macs, std::uint64_t{1} << 32U) << "sums do not leave 32 bits";
      }
      bench.clear();
      ASSERT_EQ(bench.read(), bench.sums);
    }
  }
}

TYPED_TEST(CountersRtl, ClearAndResetForgetCommandsUnderWay) {
  for (unsigned seed = 11; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CountersBench<TypeParam> bench(seed);
    for (std::uint32_t i = uniform(bench.random, 1, 5); i > 0; --i) bench.cycle(7);
    bench.rest();
    if (seed % 2 == 0) bench.reset();
    bench.clear();
    EXPECT_EQ(bench.read(), bench.sums);
  }
}

}  // namespace
}  // namespace xw::test
