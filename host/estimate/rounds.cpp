// The static estimate of tokens that go through rounds together: the sum over the parts between two writings.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/rounds.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "systemc/chip/costs.hpp"

namespace xw::estimate {
namespace {

using systemc::Breakdown;
using systemc::ChipCosts;
using systemc::ChipPlan;
using systemc::Component;
using systemc::kNoRound;
using systemc::StepKind;

/// Steps between two borders, as a plan of its own.
struct Part {
  ChipPlan plan;
  std::uint32_t round = kNoRound;  ///< that its calls need; none before the first border
};

std::vector<Part> parts_of(const ChipPlan& plan) {
  const std::vector<bool> borders = plan.borders();
  std::vector<Part> parts;
  std::map<std::uint32_t, std::uint32_t> calls;  // of the part: number in the plan -> in the part
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    if (s == 0 || borders[s]) {
      Part& part = parts.emplace_back();
      part.plan.num_tiles = plan.num_tiles;
      part.plan.num_layers = plan.num_layers;
      if (borders[s]) part.round = plan.calls[plan.steps[s].call].round;
      calls.clear();
    }
    ChipPlan& part = parts.back().plan;
    part.steps.push_back(plan.steps[s]);
    if (plan.steps[s].kind != StepKind::kCall) continue;
    const auto [call, is_new] = calls.try_emplace(plan.steps[s].call, static_cast<std::uint32_t>(part.calls.size()));
    if (is_new) part.calls.push_back(plan.calls[plan.steps[s].call]);
    part.steps.back().call = call->second;
  }
  return parts;
}

/// Whether a token at this position needs what is written for the part.
bool needs_tiles(const Part& part, std::uint64_t positions) {
  return part.round != kNoRound &&
         std::any_of(part.plan.steps.begin(), part.plan.steps.end(), [&](const systemc::Step& step) {
           return step.in_tiles(positions) && part.plan.calls[step.call].round == part.round;
         });
}

void add_writing(WriteEstimate& sum, const systemc::RoundWork& round, const arch::ChipDescription& chip,
                 const ChipCosts& costs) {
  ++sum.rounds;
  sum.tiles += round.tiles.size();
  sum.cells += round.writing.cells;
  sum.time_ns += arch::write_ns(chip, round.writing);
  const auto cells = static_cast<double>(round.writing.cells);
  sum.energy_pj[Component::kWrite] += cells * arch::write_cell_pj(chip);
  sum.energy_pj[Component::kMemory] += cells * costs.memory.byte_pj;
}

/// Energies with that of static power over another time.
Breakdown over(Breakdown energy, double static_watt, double time_ns) {
  energy[Component::kStatic] = static_watt * time_ns * 1e3;  // W * ns = nJ
  return energy;
}

Breakdown shared(const Breakdown& energy, std::uint32_t batch) {
  Breakdown part;
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    const auto component = static_cast<Component>(c);
    part[component] = energy[component] / batch;
  }
  return part;
}

}  // namespace

void estimate_rounds(StaticEstimate& estimate, const ChipPlan& plan, const ir::Graph& graph,
                     const arch::ChipDescription& chip, std::uint32_t batch) {
  const ChipCosts costs(chip);
  const std::uint32_t tokens = estimate.prefill_tokens;
  WriteEstimate prompt_writing;
  double batch_ns = 0, prompt_ns = 0;
  for (const Part& part : parts_of(plan)) {
    const StaticEstimate own = part_estimate(part.plan, graph, chip, estimate.context, tokens, part.round != kNoRound);
    batch_ns += own.decode.time_ns + (batch - 1) * own.stage_ns;
    prompt_ns += own.prefill_total.time_ns;
    if (needs_tiles(part, estimate.context)) add_writing(estimate.writing, plan.rounds[part.round], chip, costs);
    if (needs_tiles(part, tokens)) add_writing(prompt_writing, plan.rounds[part.round], chip, costs);
  }
  estimate.batch = batch;
  estimate.decode.time_ns = (batch_ns + estimate.writing.time_ns) / batch;
  estimate.decode.energy_pj += shared(estimate.writing.energy_pj, batch);
  estimate.decode.energy_pj = over(estimate.decode.energy_pj, costs.static_watt, estimate.decode.time_ns);
  estimate.prefill_total.time_ns = prompt_ns + prompt_writing.time_ns;
  estimate.prefill_total.energy_pj += prompt_writing.energy_pj;
  estimate.prefill_total.energy_pj =
      over(estimate.prefill_total.energy_pj, costs.static_watt, estimate.prefill_total.time_ns);
}

}  // namespace xw::estimate
