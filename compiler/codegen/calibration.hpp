// The calibration entries of a program: every block column's answer to known inputs, apart from all others.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"

namespace xw::codegen {

/// Where the answers of an image stand in a vector of Y of its entry: words [y_word, y_word + ImageRecord::cols), each the ADC code of a
/// column times its out_scale.
struct CalibrationImage {
  std::uint32_t image = 0;  ///< index into Program::images()
  std::uint32_t y_word = 0;
};

/// One entry: the MVMs of images of one call, without accumulation. Its x is a vector of the call.
struct CalibrationEntry {
  std::uint32_t call = 0;
  std::uint32_t entry = 0;  ///< index of the first instruction
  std::uint32_t num_instructions = 0;
  std::uint32_t y_stride_bytes = 0;  ///< multiple of 64
  std::vector<CalibrationImage> images;
};

struct CalibrationCode {
  std::vector<program::EncodedInstruction> code;
  std::vector<CalibrationEntry> entries;  ///< every image of the program once, in order of calls
};

/// Code that stands behind the program's own (the first instruction has index Program::code().size()) and uses its images where they
/// are. A call with more than `most_words` columns gets several entries. Every entry is proven by check_call(). Deterministic. The
/// program must have passed check_program(). Throws Error{kCapacity} if an input buffer does not hold a call's vector.
[[nodiscard]] CalibrationCode make_calibration(const program::Program& program,
                                               const arch::EmulatorDescription& emulator,
                                               std::uint32_t most_words = 1U << 17U);

}  // namespace xw::codegen
