// Routes of calls.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/call_routes.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "systemc/chip/chip_links.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::systemc {
namespace {

/// Inputs [begin, begin + rows) on their way to the chips that need them.
class Packets {
 public:
  Packets(const arch::ChipLinks& links, std::uint32_t num_chips, std::uint32_t from)
      : links_(links), num_chips_(num_chips), from_(from) {}

  /// Where the packet of these inputs is, and its hop that ends at chip `to`.
  std::pair<std::uint32_t, std::uint32_t> send(std::uint32_t begin, std::uint32_t rows, std::uint32_t to) {
    const auto [packet, is_new] = packet_of_.try_emplace({begin, rows}, static_cast<std::uint32_t>(packets_.size()));
    if (is_new) packets_.push_back({rows, {}});
    std::vector<ChipHop>& hops = packets_[packet->second].hops;
    std::uint32_t last = kNoHop;
    for (const std::uint32_t link : chip_path(links_, num_chips_, from_, to)) {
      const auto [hop, is_new_hop] =
          hop_of_.try_emplace({packet->second, link}, static_cast<std::uint32_t>(hops.size()));
      if (is_new_hop) hops.push_back({link, last});
      last = hop->second;
    }
    return {packet->second, last};
  }
  [[nodiscard]] std::vector<ChipPacket> take() { return std::move(packets_); }

 private:
  const arch::ChipLinks& links_;
  std::uint32_t num_chips_, from_;
  std::vector<ChipPacket> packets_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> packet_of_, hop_of_;
};

/// Outputs in any of the intervals [begin, end).
std::uint64_t union_of(std::vector<std::pair<std::uint32_t, std::uint32_t>> intervals) {
  std::sort(intervals.begin(), intervals.end());
  std::uint64_t covered = 0, end = 0;
  for (const auto& [first, last] : intervals) {
    if (last > end) covered += last - std::max<std::uint64_t>(first, end);
    end = std::max<std::uint64_t>(end, last);
  }
  return covered;
}

}  // namespace

ChipServers servers_of(const arch::ChipDescription& chip, const ChipPlan& plan) {
  const std::uint32_t used = plan.tiles_per_chip != 0 ? plan.tiles_per_chip : plan.num_tiles;
  const std::uint32_t stacks = chip.num_stacks(used);
  return {stacks, chip.input_links == 0 ? stacks : chip.input_links,
          chip.output_links == 0 ? stacks : chip.output_links};
}

RoutedCall route(const CallWork& call, const arch::ChipDescription& chip, const ChipPlan& plan) {
  const ChipServers servers = servers_of(chip, plan);
  const std::uint32_t per_chip = plan.tiles_per_chip != 0 ? plan.tiles_per_chip : plan.num_tiles;
  RoutedCall routed;
  routed.chip = call.chip;
  Packets packets(chip.links, plan.num_chips, call.chip);
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::uint32_t> known;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> furthest;  // by transfer and row of the mesh
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::uint32_t>>> outputs;  // of other chips
  for (const BlockWork& block : call.blocks) {
    const std::uint32_t where = plan.num_chips == 1 ? 0 : block.tile / per_chip;
    const std::uint32_t tile = chip.stack_of(plan.num_chips == 1 ? block.tile : block.tile % per_chip, per_chip);
    const std::uint32_t link = where * servers.input_links + chip.link_of(tile, chip.input_links);
    const std::uint32_t hops = chip.hops_of(tile);
    const auto next = static_cast<std::uint32_t>(routed.transfers.size());
    const auto [place, is_new] = known.try_emplace({link, block.in_begin, block.rows}, next);
    if (is_new) {
      Transfer& transfer = routed.transfers.emplace_back();
      transfer.link = link;
      transfer.bytes = block.rows;
      if (where != call.chip)
        std::tie(transfer.packet, transfer.arrival) = packets.send(block.in_begin, block.rows, where);
    }
    routed.blocks.push_back({where * servers.stacks + tile, block.rows, block.cols, place->second,
                             where * servers.output_links + chip.link_of(tile, chip.output_links), hops, where});
    if (hops != 0) {
      std::uint32_t& most = furthest[{place->second, chip.row_of(tile)}];
      most = std::max(most, hops);
    }
    if (where != call.chip) outputs[where].emplace_back(block.out_begin, block.out_begin + block.cols);
  }
  for (const auto& [place, hops] : furthest) routed.transfers[place.first].hops += hops;
  routed.packets = packets.take();
  for (auto& [where, intervals] : outputs) {
    routed.returns.push_back({where, chip.sum_bytes * union_of(std::move(intervals)),
                              chip_path(chip.links, plan.num_chips, where, call.chip)});
  }
  return routed;
}

}  // namespace xw::systemc
