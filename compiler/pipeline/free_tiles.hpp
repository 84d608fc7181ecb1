// What free tiles of a chip are used for: who may, and how many.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "arch/description/description.hpp"
#include "compiler/mapping/plan.hpp"

namespace xw::compiler {

/// Throws Error{kUnsupported} for a chip with tiers. `option`: who asks, `what`: what would be in the tiles; both for the message.
void check_tiles_work_alone(const arch::ChipDescription& chip, const std::string& option, const std::string& what);

/// Moves blocks that share a tile into `further` tiles of the chip, 0: all that the plan leaves free, of a chip of as many tiles as wanted one block each
/// (mapping::spread). Throws Error{kCapacity} if the chip has fewer.
void spread_blocks(mapping::Plan& plan, std::span<const mapping::MatrixShape> matrices,
                   const arch::ChipDescription& chip, std::uint32_t further);

}  // namespace xw::compiler
