// From a plan to instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"

namespace xw::codegen {

/// What to generate code for: the matrices of each call, and the blocks that hold them.
struct Input {
  std::span<const program::BlockRecord> blocks;  ///< sorted by matrix
  std::span<const program::MatrixInfo> matrices;
  std::vector<std::vector<std::uint32_t>> calls;  ///< matrix indices per call
  std::vector<std::string> call_names;
};

struct Output {
  std::vector<program::EncodedInstruction> code;
  std::vector<program::ImageRecord> images;  ///< offsets assigned per engine
  std::vector<program::CallInfo> calls;
  std::vector<std::uint64_t> engine_image_bytes;
};

/// Emits, for every call: x load, block loads double buffered against MVMs on every engine, Y stores double buffered against
/// MVMs where YBUF allows, HALT. Blocks are split by columns (multiples of lanes) over the engines so that they finish together.
/// Every call is proven by check_call() and check_outputs(). Deterministic. Throws Error{kCapacity} if a call cannot fit the emulator (names the buffer).
[[nodiscard]] Output generate(const Input& input, const arch::EmulatorDescription& emulator);

}  // namespace xw::codegen
