// The promises of a program, proven before it is written and again when it is loaded.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/instruction.hpp"

namespace xw::program {

/// A block image in the image memory of an engine.
struct ImageShape {
  std::uint32_t engine = 0;
  std::uint32_t image_offset = 0;  ///< units of 64 bytes, as LOAD_BLOCK
  std::uint32_t rows = 0, cols = 0;
};

/// Device memory that the instructions of one call may touch.
struct CallMemory {
  std::uint64_t x_stride_bytes = 0;        ///< bytes of one x vector; LOAD_X must stay inside and use this stride
  std::uint64_t y_stride_bytes = 0;        ///< likewise for STORE_Y
  std::vector<std::uint64_t> image_bytes;  ///< per engine
  std::vector<ImageShape> images{};        ///< if not empty: the only images that LOAD_BLOCK may load
};

/// A broken promise: instruction index in the program and what is wrong.
struct Violation {
  std::uint32_t instruction = 0;
  std::string what;
  friend bool operator==(const Violation&, const Violation&) = default;
};

/// Checks the call that starts at `entry` and ends with its HALT:
///  - every instruction decodes; engines, contexts, XBUF, YBUF, memory ranges are inside the emulator and `memory`;
///  - no deadlock: executing in program order never blocks, so with in-order queues of any depth the oldest unfinished
///    instruction can always run; every semaphore has one producing and one consuming unit, stays in range, ends at
///    zero;
///  - no hazard: any two accesses to the same XBUF bytes, context or YBUF words of which one writes are ordered by the
///    semaphores' happens-before relation (vector clocks), or are in the same unit;
///  - nothing is read before it is written (XBUF, context, YBUF), MVM shapes equal those of the loaded images (without
///    CallMemory::images: fit the length of the loaded images).
/// Returns all violations (empty: proven). Complexity O(instructions * units).
[[nodiscard]] std::vector<Violation> check_call(std::span<const EncodedInstruction> code, std::uint32_t entry,
                                                const arch::EmulatorDescription& emulator, const CallMemory& memory);

}  // namespace xw::program
