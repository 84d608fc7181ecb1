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

namespace xw::program {

enum class Opcode : std::uint8_t {
  kNop = 0,
  kSync,
  kLoadX,
  kLoadBlock,
  kMvm,
  kStoreY,
  kFence,
  kHalt
};  // static_asserted against arch

/// One instruction with every field of every opcode; fields that the opcode does not have are zero.
/// Meaning, units and ranges: docs/generated/isa.md.
struct Instruction {
  Opcode opcode = Opcode::kNop;
  std::uint8_t wait0_id = 0, wait0_count = 0, wait1_id = 0, wait1_count = 0, signal_id = 0;
  bool signal = false;
  std::uint8_t unit = 0;                                  // SYNC
  std::uint8_t engine = 0, context = 0;                   // LOAD_BLOCK, MVM
  bool accumulate = false;                                // MVM
  std::uint16_t xbuf_offset = 0, ybuf_offset = 0;         // LOAD_X, MVM, STORE_Y
  std::uint16_t rows = 0, cols = 0;                       // MVM
  std::uint16_t length = 0, stride = 0, engine_mask = 0;  // LOAD_X, STORE_Y
  std::uint32_t x_offset = 0, y_offset = 0;               // LOAD_X, STORE_Y
  std::uint32_t image_offset = 0, image_length = 0;       // LOAD_BLOCK, units of 64 bytes
  friend bool operator==(const Instruction&, const Instruction&) = default;
};

using EncodedInstruction = std::array<std::uint32_t, 4>;

/// Throws Error{kInvalidArgument} if a field does not fit or a field of another opcode is set.
[[nodiscard]] EncodedInstruction encode(const Instruction& instruction);
/// Result of decoding words that may be hostile: `error` is an arch error code (0, illegal_opcode, illegal_field).
struct Decoded {
  Instruction instruction;
  std::uint32_t error = 0;
};
[[nodiscard]] Decoded decode(const EncodedInstruction& words) noexcept;

/// Unit whose queue executes the instruction (arch unit ids); 0xFF if its engine is beyond arch::kMaxEngines.
[[nodiscard]] std::uint8_t unit_of(const Instruction& instruction);

/// One line of assembler: "mvm engine=1 context=0 rows=288 cols=320 xbuf=0 ybuf=64 acc wait=s4:1 wait=s9:1 signal=s6".
[[nodiscard]] std::string to_text(const Instruction& instruction);
/// Inverse of to_text. Throws Error{kFormat} with `where` ("file:line").
[[nodiscard]] Instruction from_text(std::string_view line, const std::string& where);

}  // namespace xw::program
