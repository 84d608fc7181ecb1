// Encoder, decoder and assembler against the Verilated dispatch; built by moved_contract.py --quick, from its copy.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <Vxw_dispatch.h>
#include <verilated.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "compiler/program/instruction.hpp"
#include "tests/rtl/members.hpp"

namespace {

namespace arch = xw::arch;
namespace program = xw::program;
namespace rtl = xw::rtl;

constexpr std::uint32_t kEngines = 2, kQueues = 2 + 2 * kEngines;

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

struct Bench {
  Bench() {
    top->rst_ni = 0;
    tick();
    top->rst_ni = 1;
    top->all_idle_i = 1;
    top->push_ready_i = (1U << kQueues) - 1;
  }
  void tick() {
    top->clk_i = 0;
    top->eval();
    top->clk_i = 1;
    top->eval();
  }
  /// Dispatches one instruction from the beginning; afterwards the outputs are those of its cycle.
  void dispatch(const program::EncodedInstruction& words) {
    top->start_i = 1;
    tick();
    top->start_i = 0;
    top->valid_i = 1;
    std::memcpy(&top->instruction_i, words.data(), sizeof words);
    tick();
    top->valid_i = 0;
    top->clk_i = 0;
    top->eval();
  }
  /// The same for one that is refused: the fault stands at the outputs a cycle later.
  void dispatch_wrong(const program::EncodedInstruction& words) {
    dispatch(words);
    tick();
    top->clk_i = 0;
    top->eval();
  }
  /// Ends what dispatch() began.
  void stop() {
    top->stop_i = 1;
    tick();
    top->stop_i = 0;
  }
  std::unique_ptr<Vxw_dispatch> top = std::make_unique<Vxw_dispatch>();
};

/// Queue of a unit as xw_dispatch numbers them.
std::uint32_t queue_of(std::uint32_t unit) {
  if (unit == arch::kUnitXLoad) return 0;
  if (unit == arch::kUnitYStore) return 1;
  if (unit >= arch::kUnitBlockLoad && unit < arch::kUnitBlockLoad + kEngines) return 2 + unit - arch::kUnitBlockLoad;
  return 2 + kEngines + unit - arch::kUnitMvm;
}

void check_line(Bench& bench, const std::string& line) {
  const program::Instruction instruction = program::from_text(line, "here");
  require(program::to_text(instruction) == line, line + ": text is " + program::to_text(instruction));
  const program::EncodedInstruction words = program::encode(instruction);
  const program::Decoded decoded = program::decode(words);
  require(decoded.error == 0 && decoded.instruction == instruction, line + ": decodes to something else");
  const std::uint32_t opcode = arch::opcode_value(instruction.opcode);

  bench.dispatch(words);
  const auto& top = *bench.top;
  require(top.error_o == 0,
          line + ": dispatch refuses it with error " + std::to_string(xw::test::member(top.fault_o, rtl::Fault::code)));
  const bool pushed = !arch::is_dispatch_opcode(instruction.opcode);
  const std::uint32_t expected = pushed ? 1U << queue_of(program::unit_of(instruction)) : 0;
  require(top.push_valid_o == expected, line + ": goes to queues " + std::to_string(top.push_valid_o));
  require(std::memcmp(&top.push_instruction_o, words.data(), sizeof words) == 0,
          line + ": is pushed as something else");
  require((top.halted_o != 0) == (instruction.opcode == program::Opcode::kHalt), line + ": halted");
  bench.stop();

  // Bits that no field uses are refused by both.
  for (unsigned bit = 0; bit < 32 * words.size(); ++bit) {
    if ((arch::kInstructionMask[opcode][bit / 32] >> (bit % 32) & 1U) != 0) continue;
    program::EncodedInstruction bad = words;
    bad[bit / 32] |= 1U << (bit % 32);
    require(program::decode(bad).error == static_cast<std::uint32_t>(arch::DeviceError::kIllegalField),
            line + ": decoder");
    bench.dispatch_wrong(bad);
    require(top.error_o != 0 && xw::test::member(top.fault_o, rtl::Fault::code) == program::decode(bad).error,
            line + ": dispatch takes reserved bit " + std::to_string(bit));
    bench.stop();
  }
}

void check_refused(Bench& bench, const program::EncodedInstruction& words, arch::DeviceError error,
                   std::uint64_t detail) {
  bench.dispatch_wrong(words);
  const auto& port = bench.top->fault_o;
  require(bench.top->error_o != 0 && xw::test::member(port, rtl::Fault::code) == static_cast<std::uint32_t>(error) &&
              xw::test::member(port, rtl::Fault::detail) == detail,
          "dispatch does not refuse it as " + std::string(arch::error_name(error)));
  bench.stop();
}

}  // namespace

int main() {
  try {
    Bench bench;
    for (const char* line :
         {"nop", "fence", "halt", "load_x xbuf=5 length=640 x=128 stride=10 wait=s1:2 wait=s63:7 signal=s32",
          "load_block engine=1 context=3 image=70000 length=131 signal=s5",
          "load_block engine=0 context=0 image=1 length=4294967295 wait=s9:1",
          "mvm engine=0 context=1 rows=512 cols=288 xbuf=7 ybuf=64 wait=s4:1 signal=s6",
          "mvm engine=1 context=200 rows=1 cols=1024 xbuf=65535 ybuf=16 acc",
          "store_y engines=0x3 ybuf=32 length=77 y=8192 stride=9 wait=s0:7", "sync unit=x_load wait=s1:1",
          "sync unit=y_store signal=s9", "sync unit=block_load[1] wait=s2:3", "sync unit=mvm[0] signal=s1"}) {
      check_line(bench, line);
    }
    for (const char* line :
         {"mvm engine=2 context=1 rows=1 cols=1 xbuf=0 ybuf=0", "load_block engine=2 context=0 image=0 length=1"}) {
      check_refused(bench, program::encode(program::from_text(line, "here")), arch::DeviceError::kBadEngine, 2);
    }
    for (std::uint32_t opcode = 0; opcode <= arch::kCommonOpcode.max(); ++opcode) {
      if (arch::is_opcode(opcode)) continue;
      program::EncodedInstruction words{};
      arch::kCommonOpcode.set(words, opcode);
      require(program::decode(words).error == static_cast<std::uint32_t>(arch::DeviceError::kIllegalOpcode),
              "decoder takes an unknown opcode");
      check_refused(bench, words, arch::DeviceError::kIllegalOpcode, words[0]);
    }
    for (const std::uint32_t unit : {arch::kUnitDispatch, 255U}) {
      program::EncodedInstruction words{};
      arch::kCommonOpcode.set(words, arch::opcode_value(program::Opcode::kSync));
      arch::kSyncUnit.set(words, unit);
      check_refused(bench, words, arch::DeviceError::kIllegalField, words[0]);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::puts("encoder and dispatch agree");
  return 0;
}
