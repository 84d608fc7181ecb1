// The fields of every opcode, in one place: encoder, decoder, assembler and disassembler walk the same list.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/generated/xw_arch.hpp"
#include "compiler/program/instruction.hpp"

namespace xw::program {

/// How a field is written in assembler text.
enum class FieldStyle { kDecimal, kHex, kUnit, kFlag };

/// Calls visit(text name, field, member, style) for every field of the opcode but opcode, waits and signal, in text
/// order. `I` is Instruction or const Instruction.
template <typename I, typename Visit>
constexpr void visit_fields(I& instruction, Visit&& visit) {
  namespace a = xw::arch;
  switch (instruction.opcode) {
    case Opcode::kSync:
      visit("unit", a::kSyncUnit, instruction.unit, FieldStyle::kUnit);
      break;
    case Opcode::kLoadX:
      visit("xbuf", a::kLoadXXbufOffset, instruction.xbuf_offset, FieldStyle::kDecimal);
      visit("length", a::kLoadXLength, instruction.length, FieldStyle::kDecimal);
      visit("x", a::kLoadXXOffset, instruction.x_offset, FieldStyle::kDecimal);
      visit("stride", a::kLoadXStride, instruction.stride, FieldStyle::kDecimal);
      break;
    case Opcode::kLoadBlock:
      visit("engine", a::kLoadBlockEngine, instruction.engine, FieldStyle::kDecimal);
      visit("context", a::kLoadBlockContext, instruction.context, FieldStyle::kDecimal);
      visit("image", a::kLoadBlockImageOffset, instruction.image_offset, FieldStyle::kDecimal);
      visit("length", a::kLoadBlockImageLength, instruction.image_length, FieldStyle::kDecimal);
      break;
    case Opcode::kMvm:
      visit("engine", a::kMvmEngine, instruction.engine, FieldStyle::kDecimal);
      visit("context", a::kMvmContext, instruction.context, FieldStyle::kDecimal);
      visit("rows", a::kMvmRows, instruction.rows, FieldStyle::kDecimal);
      visit("cols", a::kMvmCols, instruction.cols, FieldStyle::kDecimal);
      visit("xbuf", a::kMvmXbufOffset, instruction.xbuf_offset, FieldStyle::kDecimal);
      visit("ybuf", a::kMvmYbufOffset, instruction.ybuf_offset, FieldStyle::kDecimal);
      visit("acc", a::kMvmAccumulate, instruction.accumulate, FieldStyle::kFlag);
      break;
    case Opcode::kStoreY:
      visit("engines", a::kStoreYEngineMask, instruction.engine_mask, FieldStyle::kHex);
      visit("ybuf", a::kStoreYYbufOffset, instruction.ybuf_offset, FieldStyle::kDecimal);
      visit("length", a::kStoreYLength, instruction.length, FieldStyle::kDecimal);
      visit("y", a::kStoreYYOffset, instruction.y_offset, FieldStyle::kDecimal);
      visit("stride", a::kStoreYStride, instruction.stride, FieldStyle::kDecimal);
      break;
    case Opcode::kNop:
    case Opcode::kFence:
    case Opcode::kHalt:
      break;
  }
}

/// Same for opcode-independent fields: waits and signal.
template <typename I, typename Visit>
constexpr void visit_common(I& instruction, Visit&& visit) {
  namespace a = xw::arch;
  visit(a::kCommonWait0Id, instruction.wait0_id);
  visit(a::kCommonWait0Count, instruction.wait0_count);
  visit(a::kCommonWait1Id, instruction.wait1_id);
  visit(a::kCommonWait1Count, instruction.wait1_count);
  visit(a::kCommonSignalId, instruction.signal_id);
  visit(a::kCommonSignal, instruction.signal);
}

/// True for opcodes that dispatch itself executes: they may neither wait nor signal.
[[nodiscard]] constexpr bool is_dispatch_opcode(Opcode opcode) {
  return opcode == Opcode::kNop || opcode == Opcode::kFence || opcode == Opcode::kHalt;
}

}  // namespace xw::program
