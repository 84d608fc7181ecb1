// Which links and routers the bytes of a call take. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "arch/description/description.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::systemc {

inline constexpr std::uint32_t kNoHop = UINT32_MAX;

/// One link between chips on the way of a packet.
struct ChipHop {
  std::uint32_t link = 0;        ///< as chip_path() numbers them
  std::uint32_t after = kNoHop;  ///< index of the hop before it; kNoHop: it starts at the chip that has the inputs
};
/// Inputs that go to other chips: they are sent over every link once, whole before they go on, and branch where ways part.
struct ChipPacket {
  std::uint32_t bytes = 0;
  std::vector<ChipHop> hops;  ///< every hop behind the one before it
};
/// Sums that another chip sends back in one packet when all its blocks are done.
struct ChipReturn {
  std::uint32_t chip = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint32_t> links;
};

/// Inputs that the blocks of a link get in one transfer.
struct Transfer {
  std::uint32_t link = 0, bytes = 0;
  std::uint32_t hops = 0;          ///< routers that every byte passes, in all rows of the mesh together
  std::uint32_t packet = 0;        ///< index into RoutedCall::packets, if the tiles are on another chip
  std::uint32_t arrival = kNoHop;  ///< its hop that ends at that chip; kNoHop: they are on the chip that has the inputs
};

struct RoutedBlock {
  std::uint32_t tile = 0;  ///< with tiers: the set of converters
  std::uint32_t rows = 0, cols = 0;
  std::uint32_t transfer = 0;  ///< index into RoutedCall::transfers
  std::uint32_t output_link = 0;
  std::uint32_t hops = 0;  ///< routers between the tile and its links
  std::uint32_t chip = 0;
};

struct RoutedCall {
  std::uint32_t chip = 0;  ///< that has the inputs and wants the outputs
  std::vector<Transfer> transfers;
  std::vector<RoutedBlock> blocks;  ///< in the order of the call's
  std::vector<ChipPacket> packets;
  std::vector<ChipReturn> returns;  ///< of every other chip that has blocks
};

/// The routes of a call's blocks on the chips of a plan. Blocks of one link that need the same inputs share a
/// transfer; a broadcast passes the routers of a row of the mesh once, up to the last tile that needs it. Tiles and links of a chip
/// stand behind those of the chips before it.
[[nodiscard]] RoutedCall route(const CallWork& call, const arch::ChipDescription& chip, const ChipPlan& plan);

/// Servers of one chip of a plan.
struct ChipServers {
  std::uint32_t stacks = 0, input_links = 0, output_links = 0;
};
[[nodiscard]] ChipServers servers_of(const arch::ChipDescription& chip, const ChipPlan& plan);

}  // namespace xw::systemc
