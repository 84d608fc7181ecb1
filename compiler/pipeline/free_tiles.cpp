// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/free_tiles.hpp"

#include <algorithm>

#include "arch/support/error.hpp"
#include "compiler/mapping/spread.hpp"

namespace xw::compiler {

void check_tiles_work_alone(const arch::ChipDescription& chip, const std::string& option, const std::string& what) {
  if (chip.tiers > 1)
    throw Error(ErrorCode::kUnsupported, option + ": chip " + chip.name +
                                             " has crossbars above each other that share converters, " + what +
                                             " in them would take turns");
}

void spread_blocks(mapping::Plan& plan, std::span<const mapping::MatrixShape> matrices,
                   const arch::ChipDescription& chip, std::uint32_t further) {
  if (further == 0) return mapping::spread(plan, matrices, chip.num_tiles);
  const std::uint64_t asked = std::uint64_t{plan.num_tiles} + further;
  if (chip.num_tiles != 0 && asked > chip.num_tiles)
    throw Error(ErrorCode::kCapacity, "spread: chip " + chip.name + " has " + std::to_string(chip.num_tiles) +
                                          " tiles and the model takes " + std::to_string(plan.num_tiles) +
                                          " of them, expected at most " +
                                          std::to_string(chip.num_tiles - plan.num_tiles) + " further ones, found " +
                                          std::to_string(further));
  mapping::spread(plan, matrices, static_cast<std::uint32_t>(std::min<std::uint64_t>(asked, UINT32_MAX)));
}

}  // namespace xw::compiler
