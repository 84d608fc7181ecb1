// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/instruction.hpp"

#include <type_traits>

#include "arch/support/error.hpp"

namespace xw::program {
namespace {

constexpr auto kIllegalOpcode = static_cast<std::uint32_t>(arch::DeviceError::kIllegalOpcode);
constexpr auto kIllegalField = static_cast<std::uint32_t>(arch::DeviceError::kIllegalField);

/// A unit whose queue SYNC may name.
bool is_sync_unit(std::uint32_t unit) {
  return arch::is_unit(unit) && unit != arch::kUnitDispatch;
}

[[noreturn]] void fail(const Instruction& instruction, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument,
              "instruction " + std::string(arch::opcode_name(instruction.opcode)) + ": " + what);
}

/// Only the fields that the opcode has.
Instruction own_fields(const Instruction& instruction) {
  Instruction own;
  own.opcode = instruction.opcode;
  EncodedInstruction scratch{};
  const auto put = [&scratch](const arch::Field& field, std::uint32_t value) { field.set(scratch, value); };
  arch::visit_common(instruction, [&put](const arch::Field& field, auto member) { put(field, member); });
  arch::visit_fields(instruction, [&put](const char*, const arch::Field& field, auto member, arch::FieldStyle) {
    put(field, member);
  });
  const auto get = [&scratch](const arch::Field& field, auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(field.get(scratch));
  };
  arch::visit_common(own, get);
  arch::visit_fields(
      own, [&get](const char*, const arch::Field& field, auto& member, arch::FieldStyle) { get(field, member); });
  return own;
}

}  // namespace

EncodedInstruction encode(const Instruction& instruction) {
  const auto opcode = static_cast<std::uint32_t>(instruction.opcode);
  if (!arch::is_opcode(opcode)) {
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
  arch::visit_common(instruction,
                     [&put](const arch::Field& field, auto member) { put("wait or signal", field, member); });
  arch::visit_fields(instruction, [&put](const char* name, const arch::Field& field, auto member, arch::FieldStyle) {
    put(name, field, member);
  });
  if (instruction != own_fields(instruction)) fail(instruction, "a field of another opcode is set");
  if (arch::is_dispatch_opcode(instruction.opcode) &&
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
  if (!arch::is_opcode(opcode)) {
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
  arch::visit_common(instruction, get);
  arch::visit_fields(instruction, [&get](const char*, const arch::Field& field, auto& member, arch::FieldStyle) {
    get(field, member);
  });
  if (arch::is_dispatch_opcode(instruction.opcode) &&
      (instruction.wait0_count != 0 || instruction.wait1_count != 0 || instruction.signal)) {
    decoded.error = kIllegalField;
  }
  if (instruction.opcode == Opcode::kSync && !is_sync_unit(instruction.unit)) decoded.error = kIllegalField;
  return decoded;
}

}  // namespace xw::program
