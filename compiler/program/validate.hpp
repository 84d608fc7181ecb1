// Cross references of a program's tables. Private to compiler/program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"

namespace xw::program {

/// The tables of a program, however they are stored.
struct Tables {
  const Manifest& manifest;
  std::span<const EncodedInstruction> code;
  std::span<const BlockRecord> blocks;
  std::span<const ImageRecord> images;
  std::span<const ColumnRecord> columns;
  std::uint64_t bulk_bytes = 0;
};

/// Checks that every index, range and offset leads somewhere, that all instructions decode, and that the calls are the
/// code, one after the other, each ended by its only HALT; that blocks are a partition of their matrices and share no
/// cell of a tile, images a partition of their blocks' columns, and output segments a partition of the outputs, each in
/// words of Y of its own. Throws Error{kFormat} naming `origin`, table, entry,
/// expected, found.
void validate(const Tables& tables, const std::string& origin);

/// What check_program (program_check.hpp) says of tables that are consistent. Throws Error{kFormat} naming `origin`.
void check_code(const Tables& tables, const arch::EmulatorDescription& emulator, const std::string& origin);

}  // namespace xw::program
