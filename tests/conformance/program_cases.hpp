// The table of programs that every backend executes alike, with noise on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::test {

/// One row of the conformance table.
struct ProgramCase {
  std::string name;
  ProgramShape shape;
  Hardware hardware;
  runtime::ChipOptions options;
  std::uint32_t num_vectors = 1;
};
inline void PrintTo(const ProgramCase& row, std::ostream* out) {
  *out << row.name;
}

[[nodiscard]] std::vector<ProgramCase> program_cases();

}  // namespace xw::test
