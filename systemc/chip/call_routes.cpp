// Routes of calls.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/call_routes.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace xw::systemc {

RoutedCall route(const CallWork& call, const arch::ChipDescription& chip, std::uint32_t num_tiles) {
  RoutedCall routed;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::uint32_t> known;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> furthest;  // by transfer and row of the mesh
  for (const BlockWork& block : call.blocks) {
    const std::uint32_t tile = chip.stack_of(block.tile, num_tiles);
    const std::uint32_t link = chip.link_of(tile, chip.input_links);
    const std::uint32_t hops = chip.hops_of(tile);
    const auto next = static_cast<std::uint32_t>(routed.transfers.size());
    const auto [place, is_new] = known.try_emplace({link, block.in_begin, block.rows}, next);
    if (is_new) routed.transfers.push_back({link, block.rows, 0});
    routed.blocks.push_back({tile, block.rows, block.cols, place->second, chip.link_of(tile, chip.output_links), hops});
    if (hops != 0) {
      std::uint32_t& most = furthest[{place->second, chip.row_of(tile)}];
      most = std::max(most, hops);
    }
  }
  for (const auto& [place, hops] : furthest) routed.transfers[place.first].hops += hops;
  return routed;
}

}  // namespace xw::systemc
