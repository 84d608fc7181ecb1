// The static estimate. Formulas: docs/report.md.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/static_estimate.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "host/estimate/call_time.hpp"
#include "host/estimate/prompt_time.hpp"
#include "host/estimate/rounds.hpp"
#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/chip_links.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::estimate {
namespace {

using systemc::Breakdown;
using systemc::ChannelCost;
using systemc::ChipCosts;
using systemc::ChipPlan;
using systemc::Component;
using systemc::DigitalWork;

/// Adds what moving bytes over a channel takes.
void charge(Breakdown& energy, const ChannelCost& channel, std::uint64_t bytes, std::uint64_t hop_bytes = 0) {
  energy[channel.component] += static_cast<double>(bytes) * channel.byte_pj;
  energy[Component::kHop] += static_cast<double>(hop_bytes) * channel.hop_byte_pj;
}

/// When what is sent over links between chips arrives if nothing else is on its way.
class LinkTimes {
 public:
  explicit LinkTimes(const ChannelCost& link) : link_(link) {}
  /// A packet that is at the link at `ready`; returns when it has passed it.
  double pass(std::uint32_t link, double ready, std::uint64_t bytes) {
    double& free = free_[link];
    free = std::max(free, ready) + link_.move_ns(static_cast<double>(bytes));
    return free + link_.latency_ns;
  }

 private:
  const ChannelCost& link_;
  std::map<std::uint32_t, double> free_;
};

void estimate_chip_links(const systemc::RoutedCall& call, const ChipCosts& costs, CallEstimate& estimate) {
  double inputs_ns = 0, sums_ns = 0;
  LinkTimes forward(costs.chip_link), back(costs.chip_link);
  for (const systemc::ChipPacket& packet : call.packets) {
    std::vector<double> arrivals;
    for (const systemc::ChipHop& hop : packet.hops) {
      const double ready = hop.after == systemc::kNoHop ? 0 : arrivals[hop.after];
      arrivals.push_back(forward.pass(hop.link, ready, packet.bytes));
      inputs_ns = std::max(inputs_ns, arrivals.back());
      estimate.chip_bytes += packet.bytes;
    }
  }
  for (const systemc::ChipReturn& sums : call.returns) {
    double arrival = 0;
    for (const std::uint32_t link : sums.links) {
      arrival = back.pass(link, arrival, sums.bytes);
      estimate.chip_bytes += sums.bytes;
    }
    sums_ns = std::max(sums_ns, arrival);
  }
  estimate.chip_link_ns = inputs_ns + sums_ns;
  charge(estimate.energy_pj, costs.chip_link, estimate.chip_bytes);
}

CallEstimate estimate_call(const systemc::CallWork& work, const systemc::RoutedCall& call, const ChipCosts& costs) {
  CallEstimate estimate;
  estimate.name = work.name;
  estimate.copies = work.num_copies();
  struct TileUse {
    std::uint32_t blocks = 0;
    double ns = 0;
  };
  std::map<std::uint32_t, TileUse> tiles;
  std::set<std::uint32_t> chips;
  for (const systemc::Transfer& transfer : call.transfers) {
    const std::uint64_t hop_bytes = std::uint64_t{transfer.bytes} * transfer.hops;
    estimate.x_bytes += transfer.bytes;
    estimate.hop_bytes += hop_bytes;
    charge(estimate.energy_pj, costs.input_link, transfer.bytes, hop_bytes);
  }
  for (const systemc::RoutedBlock& block : call.blocks) {
    const std::uint64_t bytes = std::uint64_t{costs.sum_bytes} * block.cols;
    ++estimate.blocks;
    estimate.cells += std::uint64_t{block.rows} * block.cols;
    estimate.dac_conversions += block.rows;
    estimate.adc_conversions += block.cols;
    estimate.y_bytes += bytes;
    estimate.hop_bytes += bytes * block.hops;
    estimate.energy_pj += costs.mvm_pj(block.rows, block.cols);
    charge(estimate.energy_pj, costs.output_link, bytes, bytes * block.hops);
    TileUse& use = tiles[block.tile];
    ++use.blocks;
    use.ns += costs.mvm_ns(block.cols).total();
    chips.insert(block.chip);
  }
  estimate.tiles = static_cast<std::uint32_t>(tiles.size());
  for (const auto& [tile, use] : tiles) {
    estimate.serialised = std::max(estimate.serialised, use.blocks);
    estimate.tile_ns = std::max(estimate.tile_ns, use.ns);
  }
  estimate.chips = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(chips.size()));
  estimate_chip_links(call, costs, estimate);
  if (costs.has_accumulator) {  // of every chip; those of the call's chip add up what the others send, too
    std::uint64_t returned = 0;
    for (const systemc::ChipReturn& sums : call.returns) returned += sums.bytes;
    charge(estimate.energy_pj, costs.accumulator, estimate.y_bytes + returned);
  }
  if (costs.has_buffer) {
    const std::uint64_t bytes = work.in_features + std::uint64_t{costs.sum_bytes} * work.out_features;
    charge(estimate.energy_pj, costs.buffer, bytes);
  }
  estimate.alone_ns = call_alone_ns(work, call, costs);
  estimate.link_ns = std::max(0.0, estimate.alone_ns - estimate.tile_ns - estimate.chip_link_ns);
  return estimate;
}

/// Moving the activations of a token from chip to chip, from step to step.
void add_carried(const ChipPlan& plan, const arch::ChipLinks& links, const ChipCosts& costs, bool logits,
                 DigitalEstimate& digital) {
  std::uint32_t at = plan.steps.empty() ? 0 : plan.steps.front().chip;
  for (const systemc::Step& step : plan.steps) {
    if (step.logits && !logits) continue;
    if (step.chip == at) continue;
    const std::size_t hops = systemc::chip_path(links, plan.num_chips, at, step.chip).size();
    const std::uint64_t bytes = step.carried.bytes(costs.sum_bytes);
    digital.carry_ns +=
        static_cast<double>(hops) * (costs.chip_link.move_ns(static_cast<double>(bytes)) + costs.chip_link.latency_ns);
    digital.carried_bytes += hops * bytes;
    charge(digital.energy_pj, costs.chip_link, hops * bytes);
    at = step.chip;
  }
}

/// Everything digital of one token, step by step.
DigitalEstimate digital_of(const ChipPlan& plan, const arch::ChipLinks& links, const ChipCosts& costs,
                           std::uint64_t positions, bool logits) {
  DigitalEstimate digital;
  if (plan.num_chips > 1) add_carried(plan, links, costs, logits, digital);
  std::vector<double> units_ns(plan.num_chips, 0.0), memory_of_chip_ns(plan.num_chips, 0.0);
  for (const systemc::Step& step : plan.steps) {
    if (step.in_tiles(positions) || (step.logits && !logits)) continue;
    const DigitalWork work = step.digital(positions);
    ++digital.operations;
    digital.work += work;
    const double compute_ns = costs.digital_ns(work).total();
    const double memory_ns = costs.memory.move_ns(static_cast<double>(work.memory_bytes));
    digital.time_ns += std::max(compute_ns, memory_ns);
    units_ns[step.chip] += compute_ns;
    memory_of_chip_ns[step.chip] += memory_ns;
    digital.busiest_chip_ns = std::max({digital.busiest_chip_ns, units_ns[step.chip], memory_of_chip_ns[step.chip]});
    if (memory_ns > compute_ns) digital.memory_ns += memory_ns;
    digital.energy_pj += costs.digital_pj(work);
    charge(digital.energy_pj, costs.memory, work.memory_bytes);
  }
  return digital;
}

/// The calls of one token that tiles do.
struct CallSum {
  double time_ns = 0, slowest_ns = 0;  ///< slowest: longest that they keep a part of the chip busy
  Breakdown energy_pj;
  std::string slowest;  ///< the call that does most of it
};

/// Calls, where their bytes go, by copy, and what they keep busy.
struct Calls {
  const std::vector<CallEstimate>& list;
  std::vector<std::vector<systemc::RoutedCall>> routes;
  CallLoads loads;
};

CallSum sum_of(const Calls& calls, std::uint64_t positions, bool logits) {
  CallSum sum;
  std::vector<bool> takes_part;
  for (const CallEstimate& call : calls.list) {
    takes_part.push_back(positions > call.digital_positions && (!call.logits || logits));
    if (!takes_part.back()) continue;
    sum.time_ns += call.time_ns();
    sum.energy_pj += call.energy_pj;
  }
  const CallLoads::Busiest busiest = calls.loads.busiest(takes_part);
  sum.slowest_ns = busiest.ns;
  if (busiest.ns > 0) sum.slowest = calls.list[busiest.call].name;
  return sum;
}

TokenEstimate token(const CallSum& calls, const DigitalEstimate& digital, double static_watt, double time_ns) {
  TokenEstimate estimate;
  estimate.time_ns = time_ns;
  estimate.energy_pj = calls.energy_pj;
  estimate.energy_pj += digital.energy_pj;
  estimate.energy_pj[Component::kStatic] = static_watt * time_ns * 1e3;  // W * ns = nJ
  return estimate;
}

/// Blocks that a prompt's tokens are replayed in, at most; those of tokens behind them are not.
constexpr std::uint64_t kMostReplayed = 20'000'000;

/// How many tokens of a prompt are replayed.
std::uint32_t replayed_tokens(const std::vector<CallEstimate>& calls, std::uint32_t tokens) {
  std::uint64_t blocks = 1;
  for (const CallEstimate& call : calls) blocks += call.blocks;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(tokens, std::max<std::uint64_t>(1, kMostReplayed / blocks)));
}

/// The prompt is replayed, tokens far behind follow as far apart as what bounds it needs; what bounds it is the part of the chip that is busy longest with a token: a tile, a link, the accumulators, the buffer, digital
/// units, memory.
void estimate_prefill(StaticEstimate& estimate, const Calls& all, const ChipPlan& plan,
                      const arch::ChipDescription& chip, const ChipCosts& costs, bool together) {
  const std::uint32_t tokens = estimate.prefill_tokens;
  const std::uint32_t replayed = replayed_tokens(estimate.calls, tokens);
  std::uint32_t most_digital = 0;
  for (const CallEstimate& call : estimate.calls) most_digital = std::max(most_digital, call.digital_positions);
  CallSum calls;  // only the last token's logits are needed
  std::uint32_t digital_slowest = 0, memory_slowest = 0;
  for (std::uint32_t t = 0; t < tokens; ++t) {
    const bool last = t + 1 == tokens;
    if (t <= most_digital || last) calls = sum_of(all, t + 1, last);
    const DigitalEstimate digital = digital_of(plan, chip.links, costs, t + 1, last);
    if (digital.busiest_chip_ns > calls.slowest_ns) {
      ++digital_slowest;
      if (2 * digital.memory_ns > digital.time_ns) ++memory_slowest;
    }
    if (t >= replayed) estimate.prefill_total.time_ns += std::max(calls.slowest_ns, digital.busiest_chip_ns);
    if (!last || tokens == 1) estimate.prefill_bottleneck = calls.slowest;
    estimate.prefill_total.energy_pj += calls.energy_pj;
    estimate.prefill_total.energy_pj += digital.energy_pj;
  }
  estimate.prefill_total.time_ns += prompt_ns(plan, all.routes, chip, costs, replayed, together);
  estimate.prefill_total.energy_pj[Component::kStatic] =
      plan.num_chips * costs.static_watt * estimate.prefill_total.time_ns * 1e3;  // W * ns = nJ
  if (2 * digital_slowest > tokens)
    estimate.prefill_bottleneck = 2 * memory_slowest > digital_slowest ? "memory" : "digital units";
}

std::vector<CallEstimate> estimate_calls(const ChipPlan& plan, const arch::ChipDescription& chip,
                                         const ChipCosts& costs, Calls* all) {
  std::vector<CallEstimate> calls;
  for (const systemc::CallWork& call : plan.calls) {
    std::vector<systemc::RoutedCall> copies = {systemc::route(call, chip, plan)};
    calls.push_back(estimate_call(call, copies.front(), costs));
    if (all == nullptr) continue;
    systemc::CallWork further = call;
    for (const std::vector<systemc::BlockWork>& blocks : call.copies) {
      further.blocks = blocks;
      copies.push_back(systemc::route(further, chip, plan));
    }
    all->loads.add(call, copies, costs);
    all->routes.push_back(std::move(copies));
  }
  for (const systemc::Step& step : plan.steps) {
    if (step.kind != systemc::StepKind::kCall) continue;
    calls[step.call].logits = step.logits;
    calls[step.call].digital_positions = step.digital_positions;
  }
  return calls;
}

}  // namespace

std::vector<CallEstimate> estimate_calls(const ChipPlan& plan, const arch::ChipDescription& chip) {
  return estimate_calls(plan, chip, ChipCosts(chip), nullptr);
}

StaticEstimate part_estimate(const ChipPlan& plan, const ir::Graph& graph, const arch::ChipDescription& chip,
                             std::uint32_t context, std::uint32_t prefill_tokens, bool together) {
  const ChipCosts costs(chip);
  StaticEstimate result;
  Calls all{result.calls, {}, {}};
  result.calls = estimate_calls(plan, chip, costs, &all);
  result.context = context;
  result.digital = digital_of(plan, chip.links, costs, context, true);
  result.digital.kinds = work_by_kind(graph, context);
  const CallSum calls = sum_of(all, context, true);
  result.stage_ns = std::max(calls.slowest_ns, result.digital.busiest_chip_ns);
  result.decode = token(calls, result.digital, plan.num_chips * costs.static_watt,
                        calls.time_ns + result.digital.time_ns + result.digital.carry_ns);
  result.prefill_tokens = prefill_tokens;
  estimate_prefill(result, all, plan, chip, costs, together);
  return result;
}

std::optional<StaticEstimate> static_estimate(const ChipPlan& plan, const ir::Graph& graph,
                                              const arch::ChipDescription& chip, std::uint32_t context,
                                              std::uint32_t prefill_tokens, std::uint32_t batch) {
  if (chip.timing.empty() || chip.energy.empty()) return std::nullopt;
  StaticEstimate result = part_estimate(plan, graph, chip, context, prefill_tokens, false);
  if (!plan.rounds.empty()) estimate_rounds(result, plan, graph, chip, batch);
  return result;
}

}  // namespace xw::estimate
