// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/instruction.hpp"

#include <type_traits>

#include "arch/support/error.hpp"
#include "compiler/program/instruction_fields.hpp"

namespace xw::program {
namespace {

static_assert(static_cast<std::uint32_t>(Opcode::kNop) == arch::kOpcodeNop);
static_assert(static_cast<std::uint32_t>(Opcode::kSync) == arch::kOpcodeSync);
static_assert(static_cast<std::uint32_t>(Opcode::kLoadX) == arch::kOpcodeLoadX);
static_assert(static_cast<std::uint32_t>(Opcode::kLoadBlock) == arch::kOpcodeLoadBlock);
static_assert(static_cast<std::uint32_t>(Opcode::kMvm) == arch::kOpcodeMvm);
static_assert(static_cast<std::uint32_t>(Opcode::kStoreY) == arch::kOpcodeStoreY);
static_assert(static_cast<std::uint32_t>(Opcode::kFence) == arch::kOpcodeFence);
static_assert(static_cast<std::uint32_t>(Opcode::kHalt) == arch::kOpcodeHalt);
static_assert(arch::kNumOpcodes == 8 && arch::kInstructionBytes == sizeof(EncodedInstruction));

constexpr auto kIllegalOpcode = static_cast<std::uint32_t>(arch::DeviceError::kIllegalOpcode);
constexpr auto kIllegalField = static_cast<std::uint32_t>(arch::DeviceError::kIllegalField);

/// A unit whose queue SYNC may name.
bool is_sync_unit(std::uint32_t unit) {
  return arch::is_unit(unit) && unit != arch::kUnitDispatch;
}

[[noreturn]] void fail(const Instruction& instruction, const std::string& what) {
  throw Error(
      ErrorCode::kInvalidArgument,
      "instruction " + std::string(arch::opcode_name(static_cast<std::uint32_t>(instruction.opcode))) + ": " + what);
}

/// Only the fields that the opcode has.
Instruction own_fields(const Instruction& instruction) {
  Instruction own;
  own.opcode = instruction.opcode;
  EncodedInstruction scratch{};
  const auto put = [&scratch](const arch::Field& field, std::uint32_t value) { field.set(scratch, value); };
  visit_common(instruction, [&put](const arch::Field& field, auto member) { put(field, member); });
  visit_fields(instruction,
               [&put](const char*, const arch::Field& field, auto member, FieldStyle) { put(field, member); });
  const auto get = [&scratch](const arch::Field& field, auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(field.get(scratch));
  };
  visit_common(own, get);
  visit_fields(own, [&get](const char*, const arch::Field& field, auto& member, FieldStyle) { get(field, member); });
  return own;
}

}  // namespace

EncodedInstruction encode(const Instruction& instruction) {
  const auto opcode = static_cast<std::uint32_t>(instruction.opcode);
  if (opcode >= arch::kNumOpcodes) {
    throw Error(ErrorCode::kInvalidArgument, "instruction: opcode " + std::to_string(opcode) + " does not exist");
  }
  EncodedInstruction words{};
  arch::kCommonOpcode.set(words, opcode);
  const auto put = [&](const char* name, const arch::Field& field, std::uint32_t value) {
    if (value > field.max()) {
      fail(instruction,
           std::string(name) + " is " + std::to_string(value) + ", at most " + std::to_string(field.max()) + " fits");
    }
    field.set(words, value);
  };
  visit_common(instruction, [&put](const arch::Field& field, auto member) { put("wait or signal", field, member); });
  visit_fields(instruction, [&put](const char* name, const arch::Field& field, auto member, FieldStyle) {
    put(name, field, member);
  });
  if (instruction != own_fields(instruction)) fail(instruction, "a field of another opcode is set");
  if (is_dispatch_opcode(instruction.opcode) &&
      (instruction.wait0_count != 0 || instruction.wait1_count != 0 || instruction.signal)) {
    fail(instruction, "waits and signals are illegal here");
  }
  if (instruction.opcode == Opcode::kSync && !is_sync_unit(instruction.unit)) {
    fail(instruction, "unit " + std::to_string(instruction.unit) + " has no queue");
  }
  return words;
}

Decoded decode(const EncodedInstruction& words) noexcept {
  Decoded decoded;
  const std::uint32_t opcode = arch::kCommonOpcode.get(words);
  if (opcode >= arch::kNumOpcodes) {
    decoded.error = kIllegalOpcode;
    return decoded;
  }
  for (std::size_t word = 0; word < words.size(); ++word) {
    if ((words[word] & ~arch::kInstructionMask[opcode][word]) != 0) decoded.error = kIllegalField;
  }
  Instruction& instruction = decoded.instruction;
  instruction.opcode = static_cast<Opcode>(opcode);
  const auto get = [&words](const arch::Field& field, auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(field.get(words));
  };
  visit_common(instruction, get);
  visit_fields(instruction,
               [&get](const char*, const arch::Field& field, auto& member, FieldStyle) { get(field, member); });
  if (is_dispatch_opcode(instruction.opcode) &&
      (instruction.wait0_count != 0 || instruction.wait1_count != 0 || instruction.signal)) {
    decoded.error = kIllegalField;
  }
  if (instruction.opcode == Opcode::kSync && !is_sync_unit(instruction.unit)) decoded.error = kIllegalField;
  return decoded;
}

std::uint8_t unit_of(const Instruction& instruction) {
  const bool has_engine = instruction.opcode == Opcode::kLoadBlock || instruction.opcode == Opcode::kMvm;
  if (has_engine && instruction.engine >= arch::kMaxEngines) return 0xFF;
  switch (instruction.opcode) {
    case Opcode::kSync:
      return instruction.unit;
    case Opcode::kLoadX:
      return static_cast<std::uint8_t>(arch::kUnitXLoad);
    case Opcode::kLoadBlock:
      return static_cast<std::uint8_t>(arch::kUnitBlockLoad + instruction.engine);
    case Opcode::kMvm:
      return static_cast<std::uint8_t>(arch::kUnitMvm + instruction.engine);
    case Opcode::kStoreY:
      return static_cast<std::uint8_t>(arch::kUnitYStore);
    case Opcode::kNop:
    case Opcode::kFence:
    case Opcode::kHalt:
      break;
  }
  return static_cast<std::uint8_t>(arch::kUnitDispatch);
}

}  // namespace xw::program
