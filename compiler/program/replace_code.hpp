// A program with other instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "compiler/program/assembler.hpp"
#include "compiler/program/program.hpp"

namespace xw::program {

/// Writes to `target` the program with the code of `assembly` in place of its own; everything else stays, the emulator and the images too.
/// Every call of the program needs a label of its name, in the same order. The code is proven before anything is written, as a compiler's
/// is (check_program). Throws Error{kFormat} naming `origin`, the call, and what is wrong with it; Error{kIo}.
void write_with_code(const Program& program, const Assembly& assembly, const std::string& origin,
                     const std::filesystem::path& target);

}  // namespace xw::program
