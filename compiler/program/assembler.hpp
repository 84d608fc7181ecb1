// Whole programs as assembler text (docs/program-format.md#assembler).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/program/instruction.hpp"
#include "compiler/program/program.hpp"

namespace xw::program {

/// A labelled entry point; its instructions go up to the next one or to the end.
struct CallLabel {
  std::string name;
  std::uint32_t entry = 0;
  std::uint32_t num_instructions = 0;
  friend bool operator==(const CallLabel&, const CallLabel&) = default;
};

/// Code with its labels, as text has them.
struct Assembly {
  std::vector<EncodedInstruction> code;
  std::vector<CallLabel> calls;  ///< by entry
  friend bool operator==(const Assembly&, const Assembly&) = default;
};

/// Text of a program: calls as labels, with comments from manifest and tables (what a call computes, which block an image is).
[[nodiscard]] std::string disassemble(const Program& program);
/// The lines of one call of it. Throws Error{kInvalidArgument} if there is no such call.
[[nodiscard]] std::string disassemble_call(const Program& program, std::string_view name);
/// Text without comments; assemble(disassemble(a)) == a. Throws Error{kInvalidArgument} if an instruction does not decode or the
/// labels are not by entry, gap-free from the first one to the end.
[[nodiscard]] std::string disassemble(const Assembly& assembly);

/// Inverse of disassemble. A line is empty, `call "name":`, or an instruction; `;` begins a comment.
/// Throws Error{kFormat} "origin:line: expected ..., found ...".
[[nodiscard]] Assembly assemble(std::string_view text, const std::string& origin);

}  // namespace xw::program
