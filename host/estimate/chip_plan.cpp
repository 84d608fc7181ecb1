// From a program to the plan that the chip model executes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/chip_plan.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/estimate/node_cost.hpp"
#include "systemc/chip/costs.hpp"
#include "systemc/chip/rounds.hpp"

namespace xw::estimate {
namespace {

using systemc::CallWork;
using systemc::ChipPlan;
using systemc::Step;
using systemc::StepKind;

constexpr std::uint64_t kHalfBytes = 2;  // activations are fp16

class Planner {
 public:
  Planner(const program::Manifest& manifest, std::span<const program::BlockRecord> blocks, const ir::Graph& graph)
      : manifest_(manifest), graph_(graph) {
    plan_.num_tiles = manifest_.rounds.places(manifest_.num_tiles);
    plan_.rounds = systemc::rounds_of(manifest_, blocks);
    plan_.tiles_per_chip = manifest_.tiles_per_chip;
    if (plan_.tiles_per_chip != 0) plan_.num_chips = (plan_.num_tiles - 1) / plan_.tiles_per_chip + 1;
    plan_.num_layers =
        static_cast<std::uint32_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const ir::Node& node) {
          return node.kind == ir::OpKind::kAttention;
        }));
    add_calls(blocks);
    for (const ir::Node& node : graph.nodes) add_step(node);
    set_layers();
    if (plan_.num_chips > 1) set_chips();
    set_live_bytes();
  }
  [[nodiscard]] ChipPlan take() { return std::move(plan_); }

 private:
  void add_calls(std::span<const program::BlockRecord> blocks) {
    first_output_.resize(manifest_.matrices.size());
    for (const program::CallInfo& info : manifest_.calls) {
      std::uint32_t outputs = 0;
      for (const std::uint32_t matrix : info.matrices) {
        first_output_[matrix] = outputs;
        outputs += manifest_.matrices[matrix].out_features;
      }
      if (info.copy_of) {  // behind all others
        std::vector<std::vector<systemc::BlockWork>>& copies = plan_.calls[*info.copy_of].copies;
        copies.emplace_back();
        copy_.push_back(static_cast<std::uint32_t>(copies.size()));
        continue;
      }
      copy_.push_back(0);
      CallWork call;
      call.name = info.name;
      call.in_features = info.in_features;
      call.out_features = outputs;
      plan_.calls.push_back(std::move(call));
    }
    for (const program::BlockRecord& block : blocks) {
      const std::uint32_t number = manifest_.matrices[block.matrix].call;
      CallWork& call = plan_.calls[manifest_.calls[number].copy_of.value_or(number)];
      const program::TileRounds& rounds = manifest_.rounds;
      if (rounds.is_reloaded(block.tile)) call.round = rounds.round_of(block.tile) - rounds.first_reloaded();
      std::vector<systemc::BlockWork>& blocks_of_copy =
          copy_[number] == 0 ? call.blocks : call.copies[copy_[number] - 1];
      blocks_of_copy.push_back({rounds.place_of(block.tile), block.rows, block.cols, block.in_begin,
                                first_output_[block.matrix] + block.out_begin});
    }
  }

  void add_step(const ir::Node& node) {
    Step step;
    step.name = ir::name(node.kind);
    step.logits = gives_logits(graph_, node);
    if (node.kind == ir::OpKind::kAimcCall) {
      step.kind = StepKind::kCall;
      step.call = static_cast<std::uint32_t>(ir::attr_int(node, "call"));
      step.name = plan_.calls[step.call].name;
      step.layer = manifest_.matrices[manifest_.calls[step.call].matrices.front()].layer;
      if (const std::optional<NodeCost> cost = node_cost(graph_, node)) {
        step.work = cost->per_token;
        step.digital_positions = cost->first_positions;
      }
    } else if (const std::optional<NodeCost> cost = node_cost(graph_, node)) {
      step.work = cost->per_token;
      step.per_position = cost->per_position;
      step.window = cost->window;
      if (node.kind == ir::OpKind::kLinear) step.name = ir::attr_string(node, "name");
      if (node.kind == ir::OpKind::kOutput) step.name = "sampling";
      if (node.kind == ir::OpKind::kAttention) {
        step.kind = StepKind::kAttention;
        step.layer = static_cast<std::uint32_t>(ir::attr_int(node, "layer"));
      }
    } else {
      return;
    }
    plan_.steps.push_back(std::move(step));
  }

  /// Digital steps belong to the layer of the next call or attention; what follows the last one to no layer.
  void set_layers() {
    std::uint32_t layer = plan_.num_layers;
    for (auto step = plan_.steps.rbegin(); step != plan_.steps.rend(); ++step) {
      if (step->kind == StepKind::kDigital) {
        step->layer = layer;
      } else {
        layer = step->layer;
      }
    }
  }

  /// A layer's digital side is on the chip with most of its cells, what is outside of layers where its call is: attention, norms and
  /// the key-value cache stay in one place.
  void set_chips() {
    std::vector<std::map<std::uint32_t, std::uint64_t>> cells(std::size_t{plan_.num_layers} + 1);  // by layer and chip
    for (const Step& step : plan_.steps) {
      if (step.kind != StepKind::kCall) continue;
      for (const systemc::BlockWork& block : plan_.calls[step.call].blocks) {
        cells[std::min(step.layer, plan_.num_layers)][block.tile / plan_.tiles_per_chip] +=
            std::uint64_t{block.rows} * block.cols;
      }
    }
    std::uint32_t chip = 0;  // a layer without calls stays where the one before it is
    std::vector<std::uint32_t> chip_of;
    for (const auto& of_chip : cells) {
      const auto most = std::max_element(of_chip.begin(), of_chip.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
      if (most != of_chip.end()) chip = most->first;
      chip_of.push_back(chip);
    }
    for (Step& step : plan_.steps) {
      step.chip = chip_of[std::min(step.layer, plan_.num_layers)];
      if (step.kind == StepKind::kCall) plan_.calls[step.call].chip = step.chip;
    }
  }

  /// Values that a step reads, makes, or leaves for a later one; those from before it move with it to another chip.
  void set_live_bytes() {
    constexpr auto kNever = static_cast<std::size_t>(-1);
    struct Life {
      std::size_t first = kNever, last = 0;
      systemc::Activations activations;
    };
    std::vector<Life> lives(graph_.values.size());
    std::size_t step = 0;
    for (const ir::Node& node : graph_.nodes) {
      if (node.kind == ir::OpKind::kInput) continue;  // the number of the token, not an activation
      for (const ir::ValueId value : node.results) {
        const std::uint64_t features = graph_.values[value].features;
        lives[value] = {step, step, {}};
        if (node.kind == ir::OpKind::kAimcCall) {
          lives[value].activations.sums = features;
        } else {
          lives[value].activations.value_bytes = kHalfBytes * features;
        }
      }
      for (const ir::ValueId value : node.inputs) lives[value].last = step;
      ++step;
    }
    for (const Life& life : lives) {
      if (life.first == kNever) continue;
      for (std::size_t s = life.first; s <= life.last; ++s) plan_.steps[s].live += life.activations;
      for (std::size_t s = life.first + 1; s <= life.last; ++s) {
        if (plan_.steps[s].chip != plan_.steps[s - 1].chip) plan_.steps[s].carried += life.activations;
      }
    }
  }

  const program::Manifest& manifest_;
  const ir::Graph& graph_;
  std::vector<std::uint32_t> first_output_;  ///< of a matrix among those of its call
  std::vector<std::uint32_t> copy_;          ///< of a call: which copy of its original it is, 0: the original
  ChipPlan plan_;
};

}  // namespace

ChipPlan make_chip_plan(const program::Program& program, const ir::Graph& graph) {
  return make_chip_plan(program.manifest(), program.blocks(), graph);
}

ChipPlan make_chip_plan(const program::Manifest& manifest, std::span<const program::BlockRecord> blocks,
                        const ir::Graph& graph) {
  return Planner(manifest, blocks, graph).take();
}

}  // namespace xw::estimate
