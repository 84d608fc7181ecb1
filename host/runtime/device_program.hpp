// A program as it stands in device memory: header and instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compiler/program/instruction.hpp"

namespace xw::runtime {

/// The record program_header of this build's contract, followed by `code`.
[[nodiscard]] std::vector<std::byte> device_program(std::span<const program::EncodedInstruction> code);

}  // namespace xw::runtime
