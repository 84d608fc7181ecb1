// Whether a call computes what its tables say: every output, once, from all of its weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/check.hpp"
#include "compiler/program/program.hpp"

namespace xw::program {

/// What the code of a call refers to: tables that are consistent (validate.hpp).
struct CallTables {
  const CallInfo& call;
  std::span<const MatrixInfo> matrices;
  std::span<const BlockRecord> blocks;
  std::span<const ImageRecord> images;            ///< of all calls
  std::span<const std::uint32_t> images_of_call;  ///< which of them are of this call
};

/// Follows the values through XBUF, contexts and YBUF in program order, which is the order that counts where
/// check_call() has no violation; call it only then. A call is right if
///  - every MVM multiplies the inputs that its image has rows for, and each image of the call exactly once;
///  - partial sums are only ever added to sums of the same output;
///  - STORE_Y writes no word twice, and every word of the output segments gets its output, summed over all inputs.
/// With blocks and images that are partitions, Y is then the product with the whole matrix. Returns all violations
/// (empty: proven). Complexity O(instructions + weights / rows of a block).
[[nodiscard]] std::vector<Violation> check_outputs(std::span<const EncodedInstruction> code,
                                                   const arch::EmulatorDescription& emulator, const CallTables& tables);

}  // namespace xw::program
