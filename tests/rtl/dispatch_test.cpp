// Dispatch against program::decode: what goes to which queue, in which order, and what is refused.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "Vdispatch_1.h"
#include "Vdispatch_4.h"
#include "arch/generated/xw_arch.hpp"
#include "compiler/program/instruction.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;
using program::EncodedInstruction;
using program::Opcode;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Engines1 {
  using Model = Vdispatch_1;
  static constexpr std::uint32_t kEngines = 1;
};
struct Engines4 {
  using Model = Vdispatch_4;
  static constexpr std::uint32_t kEngines = 4;
};

struct Fetched {
  EncodedInstruction words{};
  bool is_fault = false;
  DeviceError code = DeviceError::kOk;  ///< of a fault
  std::uint64_t detail = 0;
};

/// What must become of an instruction.
struct Outcome {
  DeviceError error = DeviceError::kOk;
  std::uint64_t detail = 0;
  std::uint32_t queues = 0;  ///< one bit; none: dispatch executes it itself
  Opcode opcode = Opcode::kNop;
};

/// Queue of a unit: X load, Y store, loaders, MVM units; none if the device does not have it.
[[nodiscard]] std::optional<std::uint32_t> queue_of(std::uint32_t unit, std::uint32_t engines) {
  if (unit == arch::kUnitXLoad) return 0;
  if (unit == arch::kUnitYStore) return 1;
  for (const auto& [base, first] : {std::pair{arch::kUnitBlockLoad, 2U}, std::pair{arch::kUnitMvm, 2 + engines}}) {
    if (unit >= base && unit < base + engines) return first + unit - base;
  }
  return std::nullopt;
}

[[nodiscard]] Outcome outcome_of(const Fetched& fetched, std::uint32_t engines) {
  if (fetched.is_fault) return {fetched.code, fetched.detail};
  const program::Decoded decoded = program::decode(fetched.words);
  if (decoded.error != 0) return {DeviceError{decoded.error}, fetched.words[0]};
  const program::Instruction& instruction = decoded.instruction;
  Outcome outcome;
  outcome.opcode = instruction.opcode;
  switch (instruction.opcode) {
    case Opcode::kNop:
    case Opcode::kFence:
    case Opcode::kHalt:
      return outcome;
    case Opcode::kLoadBlock:
    case Opcode::kMvm:
      if (instruction.engine >= engines) return {DeviceError::kBadEngine, instruction.engine};
      break;
    default:
      break;
  }
  const std::uint32_t unit = program::unit_of(instruction);
  const auto queue = queue_of(unit, engines);
  if (!queue) return {DeviceError::kBadEngine, unit};
  outcome.queues = 1U << *queue;
  return outcome;
}

template <typename Config>
struct DispatchBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  static constexpr std::uint32_t kQueues = 2 + 2 * Config::kEngines;

  explicit DispatchBench(unsigned seed) : random(seed) {
    top->start_i = top->stop_i = top->valid_i = top->all_idle_i = top->leftover_i = 0;
    put_number(top->push_ready_i, 0);
    this->reset();
  }

  [[nodiscard]] Fetched random_instruction(bool may_be_bad) {
    program::Instruction i;
    static constexpr Opcode kOpcodes[] = {Opcode::kNop, Opcode::kSync,   Opcode::kLoadX, Opcode::kLoadBlock,
                                          Opcode::kMvm, Opcode::kStoreY, Opcode::kFence};
    i.opcode = kOpcodes[random() % std::size(kOpcodes)];
    const bool is_at_dispatch = i.opcode == Opcode::kNop || i.opcode == Opcode::kFence;
    if (i.opcode == Opcode::kSync) {
      const std::uint32_t queue = uniform(random, 0, kQueues - 1);
      i.unit = static_cast<std::uint8_t>(queue == 0   ? arch::kUnitXLoad
                                         : queue == 1 ? arch::kUnitYStore
                                                      : (queue < 2 + Config::kEngines
                                                             ? arch::kUnitBlockLoad + queue - 2
                                                             : arch::kUnitMvm + queue - 2 - Config::kEngines));
    }
    if (i.opcode == Opcode::kLoadBlock || i.opcode == Opcode::kMvm) {
      i.engine = static_cast<std::uint8_t>(uniform(random, 0, Config::kEngines - 1));
    }
    Fetched fetched{program::encode(i)};
    // Whatever the contract has as a field of this instruction is any number.
    if (!is_at_dispatch) {
      fetched.words[0] |= static_cast<std::uint32_t>(random()) & 0x1FFFFFF0U;
      if (i.opcode == Opcode::kLoadX || i.opcode == Opcode::kStoreY || i.opcode == Opcode::kMvm) {
        fetched.words[2] = static_cast<std::uint32_t>(random());
      }
    }
    if (!may_be_bad) return fetched;
    switch (random() % 4) {
      case 0:
        fetched.words[random() % 4] ^= 1U << random() % 32;
        break;
      case 1:
        for (std::uint32_t& word : fetched.words) word = static_cast<std::uint32_t>(random());
        break;
      case 2:
        fetched.words[1] = (fetched.words[1] & ~0xFFU) | uniform(random, 0, 40);  // units and engines, known or not
        break;
      default:
        fetched.is_fault = true;
        fetched.code = DeviceError::kMemorySlverr;
        fetched.detail = (std::uint64_t{random()} << 32U) | random();
        break;
    }
    return fetched;
  }

  /// Dispatches `program` from `entry` to its first error or its HALT, with random gaps and back-pressure.
  void run(const std::vector<Fetched>& program, std::uint32_t entry, bool leftover) {
    top->entry_i = entry;
    top->start_i = 1;
    this->tick();
    top->start_i = 0;
    std::size_t given = 0, next = 0, dispatched = 0;
    for (unsigned cycle = 0; cycle < 4000; ++cycle) {
      if (top->valid_i == 0 && given < program.size() && random() % 4 != 0) {
        top->valid_i = 1;
        put(top->instruction_i, std::vector<std::uint32_t>(program[given].words.begin(), program[given].words.end()));
        put_number(top->index_i, entry + given);
        top->error_i = program[given].is_fault;
        set_member(top->fault_i, rtl::Fault::code, program[given].code);
        set_member(top->fault_i, rtl::Fault::detail, program[given].detail);
      }
      const auto ready = static_cast<std::uint32_t>(random() & random());
      put_number(top->push_ready_i, ready & ((1U << kQueues) - 1));
      top->all_idle_i = random() % 4 == 0;
      this->settle();
      top->leftover_i = top->check_o != 0 && leftover;
      top->leftover_id_i = 37;
      this->settle();
      ASSERT_EQ(top->index_o, entry + next);
      ASSERT_LE(next, given);
      const bool is_there = next < given;
      const Outcome outcome = is_there ? outcome_of(program[next], Config::kEngines) : Outcome{};
      const bool is_bad = outcome.error != DeviceError::kOk;
      const bool is_halt = is_there && !is_bad && outcome.opcode == Opcode::kHalt;
      const bool is_barrier = is_halt || outcome.opcode == Opcode::kFence;
      ASSERT_EQ(top->push_valid_o, is_bad ? 0U : outcome.queues) << "instruction " << next;
      if (outcome.queues != 0) {
        ASSERT_EQ(get<std::uint32_t>(top->push_instruction_o, 4),
                  std::vector<std::uint32_t>(program[next].words.begin(), program[next].words.end()));
        ASSERT_EQ(top->push_index_o, entry + next);
      }
      ASSERT_EQ(top->starved_o != 0, !is_there);
      ASSERT_EQ(top->check_o != 0, is_halt && top->all_idle_i != 0);
      const bool is_leftover = top->check_o != 0 && leftover;
      ASSERT_EQ(top->error_o, 0) << "told in the cycle after";
      ASSERT_EQ(top->halted_o, top->check_o);
      const bool passes = is_there && !is_bad &&
                          (outcome.queues != 0 ? (outcome.queues & ready) != 0 : !is_barrier || top->all_idle_i != 0);
      // Instructions that were read count, also the one that is refused.
      ASSERT_EQ(top->dispatched_o != 0, passes || (is_there && is_bad && !program[next].is_fault));
      dispatched += top->dispatched_o;
      const bool taken = top->valid_i != 0 && top->ready_o != 0;
      const bool fails = is_there && is_bad;
      const bool ends = fails || top->check_o != 0;
      this->tick();
      if (taken) {
        ++given;
        top->valid_i = 0;
      }
      if (passes) ++next;
      if (is_leftover) expect_error(entry + next - 1, DeviceError::kSemaphoreLeftover, 37);
      if (fails) expect_error(entry + next, outcome.error, outcome.detail);
      if (ends) {
        num_instructions += dispatched;
        expect_silence();
        return;
      }
    }
    FAIL() << "neither HALT nor an error after 4000 cycles";
  }
  /// The cycle after an error was found.
  void expect_error(std::uint64_t index, DeviceError error, std::uint64_t detail) {
    top->leftover_i = 0;
    top->leftover_id_i = 0;
    this->settle();
    ASSERT_NE(top->error_o, 0);
    ASSERT_EQ(top->halted_o | top->dispatched_o | top->ready_o, 0);
    ASSERT_EQ(top->index_o, index);
    ASSERT_EQ(member(top->fault_o, rtl::Fault::code), static_cast<std::uint32_t>(error))
        << arch::error_name(error) << " expected";
    ASSERT_EQ(member(top->fault_o, rtl::Fault::detail), detail);
    this->tick();
  }
  void expect_silence() {
    top->valid_i = 1;
    put_number(top->push_ready_i, (1U << kQueues) - 1);
    top->all_idle_i = 1;
    for (unsigned cycle = 0; cycle < 5; ++cycle) {
      this->settle();
      ASSERT_EQ(top->push_valid_o, 0U);
      ASSERT_EQ(top->error_o | top->halted_o | top->dispatched_o | top->ready_o | top->check_o, 0);
      this->tick();
    }
    top->valid_i = 0;
  }

  std::mt19937 random;
  std::size_t num_instructions = 0;
};

template <typename Config>
class DispatchRtl : public testing::Test {};
using Configs = testing::Types<Engines1, Engines4>;
TYPED_TEST_SUITE(DispatchRtl, Configs);

TYPED_TEST(DispatchRtl, SendsEverythingToItsQueueInOrder) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    DispatchBench<TypeParam> bench(seed);
    for (unsigned run = 0; run < 4; ++run) {
      std::vector<Fetched> program;
      for (std::uint32_t i = uniform(bench.random, 0, 60); i > 0; --i)
        program.push_back(bench.random_instruction(false));
      program::Instruction halt;
      halt.opcode = Opcode::kHalt;
      program.push_back({program::encode(halt)});
      bench.run(program, uniform(bench.random, 0, 1000), run == 3);
      if (this->HasFatalFailure()) return;
    }
    EXPECT_GT(bench.num_instructions, 30U);
  }
}

TYPED_TEST(DispatchRtl, RefusesWhatDecodeRefuses) {
  for (unsigned seed = 21; seed <= 420; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    DispatchBench<TypeParam> bench(seed);
    std::vector<Fetched> program;
    for (std::uint32_t i = uniform(bench.random, 0, 3); i > 0; --i) program.push_back(bench.random_instruction(false));
    program.push_back(bench.random_instruction(true));
    // It may be good all the same.
    program::Instruction halt;
    halt.opcode = Opcode::kHalt;
    program.push_back({program::encode(halt)});
    bench.run(program, seed, false);
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(DispatchRtl, StopAndResetInMidStream) {
  for (unsigned seed = 501; seed <= 540; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    DispatchBench<TypeParam> bench(seed);
    auto& top = *bench.top;
    top.start_i = 1;
    bench.tick();
    top.start_i = 0;
    const Fetched mvm = [] {
      program::Instruction i;
      i.opcode = Opcode::kMvm;
      return Fetched{program::encode(i)};
    }();
    put(top.instruction_i, std::vector<std::uint32_t>(mvm.words.begin(), mvm.words.end()));
    top.valid_i = 1;
    for (std::uint32_t i = uniform(bench.random, 0, 5); i > 0; --i) bench.tick();
    if (seed % 2 == 0) {
      bench.reset();
    } else {
      top.stop_i = 1;
      bench.settle();
      EXPECT_EQ(top.push_valid_o, 0U) << "in the cycle of the stop";
      bench.tick();
      top.stop_i = 0;
    }
    bench.expect_silence();
    if (this->HasFatalFailure()) return;
    program::Instruction halt;
    halt.opcode = Opcode::kHalt;
    bench.run({mvm, {program::encode(halt)}}, 7, false);
    if (this->HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace xw::test
