// Every error code that a device without a bus can raise fires, names its place, and leaves the device usable.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <set>
#include <stdexcept>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "tests/conformance/hand_made.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;
using program::Instruction;
using program::Opcode;

/// A way to break the hand-made call, and what the device must say. `detail` is compared where the contract fixes it.
struct Fault {
  std::string name;
  DeviceError code;
  std::uint32_t unit;
  std::uint32_t instruction;
  std::function<void(HandMade&)> inject;
  std::optional<std::uint64_t> detail = std::nullopt;
};

/// Changes one field of one instruction and loads the program again.
template <typename T, typename V>
[[nodiscard]] std::function<void(HandMade&)> set(std::uint32_t index, T Instruction::*field, V value) {
  return [=](HandMade& made) {
    made.code[index].*field = static_cast<T>(value);
    made.load();
  };
}

/// Writes a field of one instruction where the encoder would refuse the value.
[[nodiscard]] std::function<void(HandMade&)> set_field(std::uint32_t index, arch::Field field, std::uint32_t value) {
  return [=](HandMade& made) {
    for (const Instruction& instruction : made.code) made.raw.push_back(program::encode(instruction));
    made.raw[index][field.word] &= ~(field.max() << field.low);
    field.set(made.raw[index], value);
    made.load();
  };
}

/// The lowest or the highest bit that no field of the opcode uses.
[[nodiscard]] arch::Field reserved_bit(Opcode opcode, bool lowest) {
  const arch::InstructionWords& mask = arch::kInstructionMask[arch::opcode_value(opcode)];
  const unsigned count = 32 * static_cast<unsigned>(mask.size());
  for (unsigned i = 0; i < count; ++i) {
    const unsigned bit = lowest ? i : count - 1 - i;
    if ((mask[bit / 32] >> (bit % 32) & 1U) == 0) return {bit / 32, bit % 32, 1};
  }
  throw std::logic_error("the opcode uses every bit");
}

[[nodiscard]] std::uint32_t number_without(bool (*exists)(std::uint32_t)) {
  std::uint32_t number = 0;
  while (exists(number)) ++number;
  return number;
}

[[nodiscard]] program::EncodedInstruction only_opcode(Opcode opcode) {
  program::EncodedInstruction words{};
  arch::kCommonOpcode.set(words, arch::opcode_value(opcode));
  return words;
}

/// Overwrites a 32-bit word of the program header.
[[nodiscard]] std::function<void(HandMade&)> set_program_header(std::uint32_t offset, std::uint32_t value) {
  return [=](HandMade& made) {
    made.device->write(made.arguments.program_base + offset, std::as_bytes(std::span(&value, 1)));
  };
}

/// Flips a bit of an image in device memory.
[[nodiscard]] std::function<void(HandMade&)> flip_image_bit(std::uint32_t engine, std::uint32_t offset) {
  return [=](HandMade& made) {
    const std::byte flipped = made.images[engine][offset] ^ std::byte{4};
    made.poke_image(engine, offset, std::span(&flipped, 1));
  };
}

/// Seals the image of an engine again with a changed header, so that only the change is wrong.
template <typename V>
[[nodiscard]] std::function<void(HandMade&)> reseal(std::uint32_t engine, std::uint32_t analog::ImageHeader::*field,
                                                    V value) {
  return [=](HandMade& made) {
    analog::ImageHeader header = made.headers[engine];
    header.*field = static_cast<std::uint32_t>(value);
    std::vector<std::byte> image(analog::image_bytes(header.rows, header.cols, header.lanes));
    analog::seal_image(image, header);
    made.images[engine] = image;
    made.code[HandMade::kLoadBlock0 + engine].image_length =
        static_cast<std::uint32_t>(image.size() / arch::kMemoryAlignment);
    made.load();
  };
}

[[nodiscard]] std::function<void(HandMade&)> set_argument(std::function<void(device::RunArguments&)> change) {
  return [change = std::move(change)](HandMade& made) { change(made.arguments); };
}

void overflow_semaphore(HandMade& made) {
  // 65535 tokens fill the counter, one more is too many.
  Instruction signal;
  signal.opcode = Opcode::kSync;
  signal.unit = arch::kUnitXLoad;
  signal.signal = true;
  made.raw.assign(0x10000, program::encode(signal));
  Instruction halt;
  halt.opcode = Opcode::kHalt;
  made.raw.push_back(program::encode(halt));
  made.arguments.program_base = made.device->allocate(arch::kProgramHeaderBytes + 16 * made.raw.size(), {});
  made.load();
}

constexpr std::uint32_t kBlockLoad0 = arch::kUnitBlockLoad;
constexpr std::uint32_t kMvmUnit0 = arch::kUnitMvm;

[[nodiscard]] std::vector<Fault> faults() {
  using H = HandMade;
  using I = Instruction;
  const std::uint32_t dispatch = arch::kUnitDispatch;
  return {
      {"illegal_opcode", DeviceError::kIllegalOpcode, dispatch, H::kSync,
       set_field(H::kSync, arch::kCommonOpcode, number_without(arch::is_opcode))},
      {"reserved_bits", DeviceError::kIllegalField, dispatch, H::kMvm1,
       set_field(H::kMvm1, reserved_bit(Opcode::kMvm, false), 1)},
      {"reserved_bits_word0", DeviceError::kIllegalField, dispatch, H::kLoadX0,
       set_field(H::kLoadX0, reserved_bit(Opcode::kLoadX, true), 1)},
      {"unknown_unit", DeviceError::kIllegalField, dispatch, H::kSync,
       set_field(H::kSync, arch::kSyncUnit, number_without(arch::is_unit))},
      {"sync_of_dispatch", DeviceError::kIllegalField, dispatch, 1,
       [](HandMade& made) {
         made.raw = {program::encode(made.code[0]), only_opcode(Opcode::kSync)};
         made.load();
       }},
      {"wait_on_halt", DeviceError::kIllegalField, dispatch, H::kHalt, set_field(H::kHalt, arch::kCommonWait0Count, 1)},
      {"signal_on_fence", DeviceError::kIllegalField, dispatch, H::kFence,
       set_field(H::kFence, arch::kCommonSignal, 1)},
      {"sync_of_missing_engine", DeviceError::kBadEngine, dispatch, H::kSync,
       set(H::kSync, &I::unit, arch::kUnitMvm + 2), arch::kUnitMvm + 2},
      {"load_block_engine", DeviceError::kBadEngine, dispatch, H::kLoadBlock1, set(H::kLoadBlock1, &I::engine, 2), 2},
      {"mvm_engine", DeviceError::kBadEngine, dispatch, H::kMvm0, set(H::kMvm0, &I::engine, 255), 255},
      {"store_engine_mask", DeviceError::kBadEngine, arch::kUnitYStore, H::kStoreY, set(H::kStoreY, &I::engine_mask, 7),
       7},
      {"store_no_engine", DeviceError::kBadEngine, arch::kUnitYStore, H::kStoreY, set(H::kStoreY, &I::engine_mask, 0),
       0},
      {"load_block_context", DeviceError::kBadContext, kBlockLoad0 + 1, H::kLoadBlock1,
       set(H::kLoadBlock1, &I::context, 2), 2},
      {"mvm_context", DeviceError::kBadContext, kMvmUnit0, H::kMvm0, set(H::kMvm0, &I::context, 2), 2},
      {"load_x_range", DeviceError::kXbufRange, arch::kUnitXLoad, H::kLoadX1, set(H::kLoadX1, &I::xbuf_offset, 89),
       129},
      {"mvm_x_range", DeviceError::kXbufRange, kMvmUnit0 + 1, H::kMvm1, set(H::kMvm1, &I::xbuf_offset, 89), 129},
      {"mvm_y_range", DeviceError::kYbufRange, kMvmUnit0 + 1, H::kMvm1, set(H::kMvm1, &I::ybuf_offset, 48), 72},
      {"mvm_y_misaligned", DeviceError::kMisaligned, kMvmUnit0, H::kMvm0, set(H::kMvm0, &I::ybuf_offset, 8), 8},
      {"mvm_y_misaligned_beyond_end", DeviceError::kMisaligned, kMvmUnit0 + 1, H::kMvm1,
       set(H::kMvm1, &I::ybuf_offset, 41), 41},
      {"mvm_x_range_before_misaligned", DeviceError::kXbufRange, kMvmUnit0 + 1, H::kMvm1,
       [](HandMade& made) {
         made.code[H::kMvm1].xbuf_offset = 100;
         made.code[H::kMvm1].ybuf_offset = 41;
         made.load();
       },
       140},
      {"store_y_range", DeviceError::kYbufRange, arch::kUnitYStore, H::kStoreY, set(H::kStoreY, &I::ybuf_offset, 48),
       72},
      {"load_x_length", DeviceError::kBadLength, arch::kUnitXLoad, H::kLoadX0, set(H::kLoadX0, &I::length, 0), 0},
      {"store_y_length", DeviceError::kBadLength, arch::kUnitYStore, H::kStoreY, set(H::kStoreY, &I::length, 0), 0},
      {"image_length_zero", DeviceError::kBadLength, kBlockLoad0, H::kLoadBlock0,
       set(H::kLoadBlock0, &I::image_length, 0), 0},
      {"image_length_impossible", DeviceError::kBadLength, kBlockLoad0, H::kLoadBlock0,
       set(H::kLoadBlock0, &I::image_length, 38), 38},
      {"no_vectors", DeviceError::kBadNumVectors, dispatch, 0, set_argument([](auto& a) { a.num_vectors = 0; }), 0},
      {"too_many_vectors", DeviceError::kBadNumVectors, dispatch, 0, set_argument([](auto& a) { a.num_vectors = 5; }),
       5},
      {"program_misaligned", DeviceError::kMisaligned, dispatch, 0,
       set_argument([](auto& a) { a.program_base += 16; })},
      {"x_misaligned", DeviceError::kMisaligned, dispatch, 0, set_argument([](auto& a) { a.x_base += 32; })},
      {"y_misaligned", DeviceError::kMisaligned, dispatch, 0, set_argument([](auto& a) { a.y_base += 4; })},
      {"image_misaligned", DeviceError::kMisaligned, dispatch, 0, set_argument([](auto& a) { a.image_base[1] += 8; })},
      {"x_offset_misaligned", DeviceError::kMisaligned, arch::kUnitXLoad, H::kLoadX1, set(H::kLoadX1, &I::x_offset, 16),
       16},
      {"y_offset_misaligned", DeviceError::kMisaligned, arch::kUnitYStore, H::kStoreY, set(H::kStoreY, &I::y_offset, 4),
       4},
      {"ybuf_offset_misaligned", DeviceError::kMisaligned, arch::kUnitYStore, H::kStoreY,
       set(H::kStoreY, &I::ybuf_offset, 8), 8},
      {"entry_beyond_program", DeviceError::kEntryRange, dispatch, 10, set_argument([](auto& a) { a.entry = 10; }), 10},
      {"no_halt", DeviceError::kEntryRange, dispatch, 9,
       [](HandMade& made) {
         made.code.pop_back();
         made.load();
       },
       9},
      {"program_magic", DeviceError::kProgramHeader, dispatch, 0,
       set_program_header(arch::kProgramHeaderMagicOffset, 0x12345678), 0x12345678},
      {"isa_version", DeviceError::kProgramHeader, dispatch, 0,
       set_program_header(arch::kProgramHeaderIsaVersionOffset, arch::kIsaVersion + 0x10000),
       arch::kIsaVersion + 0x10000},
      {"contract_hash", DeviceError::kContractMismatch, dispatch, 0,
       set_program_header(arch::kProgramHeaderContractHashOffset + 12, 0xDEADBEEF)},
      {"image_magic", DeviceError::kImageMagic, kBlockLoad0 + 1, H::kLoadBlock1,
       flip_image_bit(1, arch::kBlockImageHeaderMagicOffset)},
      {"image_crc", DeviceError::kImageHeaderCrc, kBlockLoad0, H::kLoadBlock0,
       flip_image_bit(0, arch::kBlockImageHeaderTileUidOffset)},
      {"image_payload", DeviceError::kImagePayloadSum, kBlockLoad0 + 1, H::kLoadBlock1, flip_image_bit(1, 400)},
      {"image_tables", DeviceError::kImagePayloadSum, kBlockLoad0, H::kLoadBlock0, flip_image_bit(0, 66)},
      {"image_offsets", DeviceError::kImagePayloadSum, kBlockLoad0 + 1, H::kLoadBlock1, flip_image_bit(1, 200)},
      {"image_lanes", DeviceError::kImageShape, kBlockLoad0, H::kLoadBlock0,
       reseal(0, &analog::ImageHeader::lanes, 32)},
      {"image_adc_bits", DeviceError::kImageShape, kBlockLoad0, H::kLoadBlock0,
       reseal(0, &analog::ImageHeader::adc_bits, 13)},
      {"image_adc_shift", DeviceError::kImageShape, kBlockLoad0 + 1, H::kLoadBlock1,
       reseal(1, &analog::ImageHeader::adc_shift, 0)},
      {"image_length_short", DeviceError::kImageShape, kBlockLoad0, H::kLoadBlock0,
       set(H::kLoadBlock0, &I::image_length, 20)},
      {"context_empty", DeviceError::kContextEmpty, kMvmUnit0, H::kMvm0, set(H::kMvm0, &I::context, 0), 0},
      {"context_rows", DeviceError::kContextShape, kMvmUnit0 + 1, H::kMvm1, set(H::kMvm1, &I::rows, 39)},
      {"context_cols", DeviceError::kContextShape, kMvmUnit0, H::kMvm0, set(H::kMvm0, &I::cols, 16)},
      {"program_nowhere", DeviceError::kMemoryDecerr, dispatch, 0,
       set_argument([](auto& a) { a.program_base = std::uint64_t{1} << 50U; }), std::uint64_t{1} << 50U},
      {"program_leaves_memory", DeviceError::kMemoryDecerr, dispatch, 4092,
       [](HandMade& made) {
         made.raw.assign(4092, only_opcode(Opcode::kNop));
         made.num_instructions_override = 4093;
         made.load();
       }},
      {"x_nowhere", DeviceError::kMemoryDecerr, arch::kUnitXLoad, H::kLoadX0,
       set_argument([](auto& a) { a.x_base = 0; }), 0},
      {"x_second_vector_nowhere", DeviceError::kMemoryDecerr, arch::kUnitXLoad, H::kLoadX0,
       set(H::kLoadX0, &I::stride, 0xFFFF)},
      {"y_nowhere", DeviceError::kMemoryDecerr, arch::kUnitYStore, H::kStoreY,
       set_argument([](auto& a) { a.y_base = 0xFFFFFFFFFFFFFFC0U; })},
      {"y_offset_nowhere", DeviceError::kMemoryDecerr, arch::kUnitYStore, H::kStoreY,
       set(H::kStoreY, &I::y_offset, 0xFFFFFFC0U)},
      {"image_nowhere", DeviceError::kMemoryDecerr, kBlockLoad0 + 1, H::kLoadBlock1,
       set_argument([](auto& a) { a.image_base[1] = 0; }), 0},
      {"image_offset_nowhere", DeviceError::kMemoryDecerr, kBlockLoad0, H::kLoadBlock0,
       set(H::kLoadBlock0, &I::image_offset, 0xFFFFFFFFU)},
      {"completion_nowhere", DeviceError::kMemoryDecerr, dispatch, H::kHalt,
       set_argument([](auto& a) { a.completion_base = 64; }), 64},
      {"wait_without_signal", DeviceError::kWatchdog, kMvmUnit0, H::kMvm0, set(H::kMvm0, &I::wait0_id, 40)},
      {"wait_for_too_many", DeviceError::kWatchdog, kMvmUnit0 + 1, H::kMvm1, set(H::kMvm1, &I::wait1_count, 2)},
      {"sync_waits_forever", DeviceError::kWatchdog, arch::kUnitYStore, H::kSync, set(H::kSync, &I::wait0_count, 7)},
      {"semaphore_overflow", DeviceError::kSemaphoreOverflow, arch::kUnitXLoad, 0xFFFF, overflow_semaphore, 0},
      {"semaphore_leftover", DeviceError::kSemaphoreLeftover, dispatch, H::kHalt, set(H::kSync, &I::wait0_count, 0), 4},
  };
}

class Errors : public testing::TestWithParam<Backend> {};

void expect_good_run(HandMade& made) {
  device::RunStats stats = made.device->run(made.arguments);
  EXPECT_EQ(stats.status, 0U);
  stats.chip_ns = 0;  // not in the record
  EXPECT_EQ(made.read_completion(), stats);
  EXPECT_EQ(made.read_y(), made.expected_y());
}

/// Runs and returns the message of the device fault, empty if there was none.
[[nodiscard]] std::string message_of_failure(HandMade& made) {
  try {
    (void)made.device->run(made.arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceFault) << error.what();
    return error.what();
  }
  return "";
}

TEST_P(Errors, HandMadeProgramIsGood) {
  HandMade made(GetParam());
  expect_good_run(made);
  expect_good_run(made);  // again, from whatever the device remembers
}

TEST_P(Errors, FireNameTheirPlaceAndLeaveTheDeviceUsable) {
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(fault.name);
    HandMade made(GetParam());
    const device::RunArguments good_arguments = made.arguments;
    const auto good_code = made.code;
    const auto good_images = made.images;
    expect_good_run(made);
    fault.inject(made);
    for (int repeat = 0; repeat < 2; ++repeat) {
      const std::string message = message_of_failure(made);
      EXPECT_THAT(message,
                  testing::HasSubstr(std::string(arch::error_name(fault.code)) + " in " + arch::unit_name(fault.unit) +
                                     " at instruction " + std::to_string(fault.instruction)));
      if (fault.name == "completion_nowhere") continue;
      const device::RunStats record = made.read_completion();
      EXPECT_EQ(record.status, static_cast<std::uint32_t>(fault.code));
      EXPECT_EQ(record.error_unit, fault.unit);
      EXPECT_EQ(record.error_instruction, fault.instruction);
      if (fault.detail) {
        EXPECT_EQ(record.error_detail, *fault.detail);
      }
    }
    made.arguments = good_arguments;
    made.code = good_code;
    made.images = good_images;
    made.raw.clear();
    made.num_instructions_override = 0;
    made.load();
    expect_good_run(made);
  }
}

TEST_P(Errors, EveryCodeOfTheContractHasAFault) {
  std::set<std::uint32_t> codes;
  for (const Fault& fault : faults()) codes.insert(static_cast<std::uint32_t>(fault.code));
  for (std::uint32_t code = 1; code < arch::kNumDeviceErrors; ++code) {
    // SLVERR is an answer of a bus; only devices with AXI ports can raise it.
    if (code == static_cast<std::uint32_t>(DeviceError::kMemorySlverr)) continue;
    EXPECT_TRUE(codes.contains(code)) << arch::error_name(code);
  }
}

TEST_P(Errors, FirstErrorInProgramOrderWins) {
  HandMade made(GetParam());
  made.arguments.y_base = 0;             // STORE_Y finds no memory
  made.code[HandMade::kMvm1].rows = 39;  // before it: wrong shape
  made.load();
  flip_image_bit(1, 400)(made);  // before that: a corrupt image
  EXPECT_THAT(message_of_failure(made), testing::HasSubstr("image_payload_sum in block_load[1] at instruction 3"));
  made.load();
  EXPECT_THAT(message_of_failure(made), testing::HasSubstr("context_shape in mvm[1] at instruction 5"));
  made.code[HandMade::kMvm1].rows = HandMade::kRows;
  made.load();
  EXPECT_THAT(message_of_failure(made), testing::HasSubstr("memory_decerr in y_store at instruction 7"));
}

INSTANTIATE_TEST_SUITE_P(Backends, Errors, testing::ValuesIn(backends_for(hand_made_emulator())),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace xw::test
