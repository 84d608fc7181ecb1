// Size of a block image (arch record block_image_header): what LOAD_BLOCK's image_length must be.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/generated/xw_arch.hpp"

namespace xw::program {

/// Units of 64 bytes: header, then twice 4 bytes of tables per column, then the cells of whole column groups, each part
/// padded.
[[nodiscard]] constexpr std::uint64_t image_units(std::uint32_t rows, std::uint32_t cols, std::uint32_t lanes) {
  constexpr std::uint64_t kUnit = arch::kMemoryAlignment;
  const std::uint64_t groups = (std::uint64_t{cols} + lanes - 1) / lanes;
  return arch::kBlockImageHeaderBytes / kUnit + 2 * ((std::uint64_t{cols} * 4 + kUnit - 1) / kUnit) +
         (groups * rows * lanes + kUnit - 1) / kUnit;
}

}  // namespace xw::program
