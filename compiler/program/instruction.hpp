// Instructions as values: encode, decode, assembler text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/generated/xw_instruction.hpp"

namespace xw::program {

// Operations, fields and the unit of an instruction are facts of the contract.
using arch::Instruction;
using arch::Opcode;
using arch::unit_of;
using EncodedInstruction = arch::InstructionWords;

/// Throws Error{kInvalidArgument} if a field does not fit or a field of another opcode is set.
[[nodiscard]] EncodedInstruction encode(const Instruction& instruction);
/// Result of decoding words that may be hostile: `error` is an arch error code (0, illegal_opcode, illegal_field).
struct Decoded {
  Instruction instruction;
  std::uint32_t error = 0;
};
[[nodiscard]] Decoded decode(const EncodedInstruction& words) noexcept;

/// One line of assembler: "mvm engine=1 context=0 rows=288 cols=320 xbuf=0 ybuf=64 acc wait=s4:1 wait=s9:1 signal=s6".
[[nodiscard]] std::string to_text(const Instruction& instruction);
/// Inverse of to_text. Throws Error{kFormat} with `where` ("file:line").
[[nodiscard]] Instruction from_text(std::string_view line, const std::string& where);

}  // namespace xw::program
