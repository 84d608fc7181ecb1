// One call on a chip that does nothing else, and how long a token keeps each part of the chip busy.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/call_time.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

namespace xw::estimate {
namespace {

using systemc::ChannelCost;
using systemc::ChipCosts;
using systemc::RoutedCall;

/// By packet and hop: when the inputs are there.
std::vector<std::vector<double>> send_packets(const RoutedCall& call, const ChipCosts& costs, double ready,
                                              Servers& chip_links) {
  std::vector<std::vector<double>> packets;
  for (const systemc::ChipPacket& packet : call.packets) {
    std::vector<double>& arrivals = packets.emplace_back();
    for (const systemc::ChipHop& hop : packet.hops) {
      const double before = hop.after == systemc::kNoHop ? ready : arrivals[hop.after];
      arrivals.push_back(chip_links.move(costs.chip_link, hop.link, before, packet.bytes));
    }
  }
  return packets;
}

}  // namespace

double Servers::occupy(std::uint32_t server, double ready, double ns) {
  if (server >= free_.size()) free_.resize(std::size_t{server} + 1, 0);
  double& free = free_[server];
  free = std::max(free, ready) + ns;
  return free;
}

double Servers::move(const ChannelCost& channel, std::uint32_t server, double ready, double bytes) {
  return occupy(server, ready, channel.move_ns(bytes)) + channel.latency_ns;
}

double ChipTimes::mvm_ns(std::uint32_t cols) {
  if (cols >= mvm_ns_.size()) mvm_ns_.resize(std::size_t{cols} + 1, -1);
  if (mvm_ns_[cols] < 0) mvm_ns_[cols] = costs_.mvm_ns(cols).total();
  return mvm_ns_[cols];
}

std::vector<double> ChipTimes::start(const systemc::CallWork& work, const RoutedCall& call, double now) {
  double ready = now;
  if (costs_.has_buffer) ready = buffers_.move(costs_.buffer, call.chip, now, work.in_features);
  const std::vector<std::vector<double>> packets = send_packets(call, costs_, ready, chip_links_);
  std::vector<double> arrivals;
  for (const systemc::Transfer& transfer : call.transfers) {
    const double there = transfer.arrival == systemc::kNoHop ? ready : packets[transfer.packet][transfer.arrival];
    arrivals.push_back(input_links_.move(costs_.input_link, transfer.link, there, transfer.bytes));
  }
  std::vector<double> ends;
  for (const systemc::RoutedBlock& block : call.blocks) {
    const double there = arrivals[block.transfer] + block.hops * costs_.hop_latency_ns;
    ends.push_back(tiles_.occupy(block.tile, there, mvm_ns(block.cols)));
  }
  return ends;
}

double ChipTimes::finish(const systemc::CallWork& work, const RoutedCall& call, const std::vector<double>& ends) {
  std::vector<std::uint32_t> order(ends.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return ends[a] < ends[b]; });
  double finish = 0;
  std::map<std::uint32_t, double> returned;  // by chip: its last sum
  for (const std::uint32_t index : order) {
    const systemc::RoutedBlock& block = call.blocks[index];
    double end = output_links_.move(costs_.output_link, block.output_link, ends[index], costs_.sum_bytes * block.cols) +
                 block.hops * costs_.hop_latency_ns;
    if (costs_.has_accumulator)
      end = accumulators_.move(costs_.accumulator, block.chip, end, costs_.sum_bytes * block.cols);
    double& last = block.chip == call.chip ? finish : returned[block.chip];
    last = std::max(last, end);
  }
  for (const systemc::ChipReturn& sums : call.returns) {
    const auto bytes = static_cast<double>(sums.bytes);
    double end = returned[sums.chip];
    for (const std::uint32_t link : sums.links) end = chip_links_.move(costs_.chip_link, link, end, bytes);
    if (costs_.has_accumulator) end = accumulators_.move(costs_.accumulator, call.chip, end, bytes);
    finish = std::max(finish, end);
  }
  if (costs_.has_buffer) finish = buffers_.move(costs_.buffer, call.chip, finish, costs_.sum_bytes * work.out_features);
  return finish;
}

double ChipTimes::digital(const systemc::DigitalWork& work, std::uint32_t chip, double now) {
  const double computed = digital_units_.occupy(chip, now, costs_.digital_ns(work).total());
  if (work.memory_bytes == 0) return computed;
  return std::max(computed, memories_.move(costs_.memory, chip, now, static_cast<double>(work.memory_bytes)));
}

double ChipTimes::carry(const std::vector<std::uint32_t>& links, std::uint64_t bytes, double now) {
  for (const std::uint32_t link : links)
    now = chip_links_.move(costs_.chip_link, link, now, static_cast<double>(bytes));
  return now;
}

double call_alone_ns(const systemc::CallWork& work, const RoutedCall& call, const ChipCosts& costs) {
  ChipTimes times(costs);
  return times.finish(work, call, times.start(work, call, 0));
}

void CallLoads::add(const systemc::CallWork& work, const std::vector<RoutedCall>& copies, const ChipCosts& costs) {
  std::unordered_map<std::uint64_t, double> busy;
  const double share = 1.0 / static_cast<double>(copies.size());
  const auto load = [&](Kind kind, std::uint32_t server, double ns) {
    if (ns > 0) busy[std::uint64_t{static_cast<std::uint8_t>(kind)} << 32 | server] += share * ns;
  };
  for (const RoutedCall& call : copies) {
    for (const systemc::ChipPacket& packet : call.packets) {
      for (const systemc::ChipHop& hop : packet.hops)
        load(Kind::kChipLink, hop.link, costs.chip_link.move_ns(packet.bytes));
    }
    for (const systemc::Transfer& transfer : call.transfers)
      load(Kind::kInputLink, transfer.link, costs.input_link.move_ns(transfer.bytes));
    for (const systemc::RoutedBlock& block : call.blocks) {
      const double bytes = static_cast<double>(costs.sum_bytes) * block.cols;
      load(Kind::kTile, block.tile, costs.mvm_ns(block.cols).total());
      load(Kind::kOutputLink, block.output_link, costs.output_link.move_ns(bytes));
      if (costs.has_accumulator) load(Kind::kAccumulator, block.chip, costs.accumulator.move_ns(bytes));
    }
    for (const systemc::ChipReturn& sums : call.returns) {
      const auto bytes = static_cast<double>(sums.bytes);
      for (const std::uint32_t link : sums.links) load(Kind::kChipLink, link, costs.chip_link.move_ns(bytes));
      if (costs.has_accumulator) load(Kind::kAccumulator, call.chip, costs.accumulator.move_ns(bytes));
    }
    if (costs.has_buffer)
      load(Kind::kBuffer, call.chip,
           costs.buffer.move_ns(work.in_features + static_cast<double>(costs.sum_bytes) * work.out_features));
  }
  std::vector<Load>& loads = calls_.emplace_back();
  for (const auto& [server, ns] : busy) loads.push_back({server, ns});
}

CallLoads::Busiest CallLoads::busiest(const std::vector<bool>& takes_part) const {
  struct Sum {
    double ns = 0, most = 0;
    std::uint32_t call = 0;
  };
  std::unordered_map<std::uint64_t, Sum> sums;
  for (std::uint32_t call = 0; call < calls_.size(); ++call) {
    if (!takes_part[call]) continue;
    for (const Load& load : calls_[call]) {
      Sum& sum = sums[load.server];
      sum.ns += load.ns;
      if (load.ns <= sum.most) continue;
      sum.most = load.ns;
      sum.call = call;
    }
  }
  Busiest busiest;
  for (const auto& [server, sum] : sums) {
    if (sum.ns > busiest.ns || (sum.ns == busiest.ns && sum.call < busiest.call)) busiest = {sum.ns, sum.call};
  }
  return busiest;
}

}  // namespace xw::estimate
