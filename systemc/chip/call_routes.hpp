// Which links and routers the bytes of a call take. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "arch/description/description.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::systemc {

/// Inputs that the blocks of a link get in one transfer.
struct Transfer {
  std::uint32_t link = 0, bytes = 0;
  std::uint32_t hops = 0;  ///< routers that every byte passes, in all rows of the mesh together
};

struct RoutedBlock {
  std::uint32_t tile = 0;  ///< with tiers: the set of converters
  std::uint32_t rows = 0, cols = 0;
  std::uint32_t transfer = 0;  ///< index into RoutedCall::transfers
  std::uint32_t output_link = 0;
  std::uint32_t hops = 0;  ///< routers between the tile and its links
};

struct RoutedCall {
  std::vector<Transfer> transfers;
  std::vector<RoutedBlock> blocks;  ///< in the order of the call's
};

/// The routes of a call's blocks on a chip that uses `num_tiles` tiles. Blocks of one link that need the same inputs share a
/// transfer; a broadcast passes the routers of a row of the mesh once, up to the last tile that needs it.
[[nodiscard]] RoutedCall route(const CallWork& call, const arch::ChipDescription& chip, std::uint32_t num_tiles);

}  // namespace xw::systemc
