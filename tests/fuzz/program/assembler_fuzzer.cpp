// Assembler text: what is accepted must survive a round trip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "arch/support/error.hpp"
#include "compiler/program/assembler.hpp"
#include "compiler/program/check.hpp"
#include "tests/unit/codegen/model_fixture.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto assembly = xw::program::assemble({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (xw::program::assemble(xw::program::disassemble(assembly), "again") != assembly) __builtin_trap();
    const auto emulator = xw::test::make_emulator(2, 16, 32, 32, 2, 64, 64);
    (void)xw::program::check_call(assembly.code, 0, emulator, {64, 256, {4096, 4096}, {}});
  } catch (const xw::Error&) {
  }
  return 0;
}
