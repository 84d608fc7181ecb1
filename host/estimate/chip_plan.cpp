// From a program to the plan that the chip model executes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/chip_plan.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "host/estimate/node_cost.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::estimate {
namespace {

using systemc::CallWork;
using systemc::ChipPlan;
using systemc::kSumBytes;
using systemc::Step;
using systemc::StepKind;

constexpr std::uint64_t kHalfBytes = 2;  // activations are fp16

class Planner {
 public:
  Planner(const program::Manifest& manifest, std::span<const program::BlockRecord> blocks, const ir::Graph& graph)
      : manifest_(manifest), graph_(graph) {
    plan_.num_tiles = manifest_.num_tiles;
    plan_.num_layers =
        static_cast<std::uint32_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const ir::Node& node) {
          return node.kind == ir::OpKind::kAttention;
        }));
    add_calls(blocks);
    for (const ir::Node& node : graph.nodes) add_step(node);
    set_layers();
    set_live_bytes();
  }
  [[nodiscard]] ChipPlan take() { return std::move(plan_); }

 private:
  void add_calls(std::span<const program::BlockRecord> blocks) {
    for (const program::CallInfo& info : manifest_.calls) {
      CallWork call;
      call.name = info.name;
      call.in_features = info.in_features;
      for (const std::uint32_t matrix : info.matrices) call.out_features += manifest_.matrices[matrix].out_features;
      plan_.calls.push_back(std::move(call));
    }
    for (const program::BlockRecord& block : blocks) {
      plan_.calls[manifest_.matrices[block.matrix].call].blocks.push_back(
          {block.tile, block.rows, block.cols, block.in_begin});
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

  /// Values that a step reads, makes, or leaves for a later one.
  void set_live_bytes() {
    constexpr auto kNever = static_cast<std::size_t>(-1);
    struct Life {
      std::size_t first = kNever, last = 0;
      std::uint64_t bytes = 0;
    };
    std::vector<Life> lives(graph_.values.size());
    std::size_t step = 0;
    for (const ir::Node& node : graph_.nodes) {
      if (node.kind == ir::OpKind::kInput) continue;  // the number of the token, not an activation
      const std::uint64_t feature_bytes = node.kind == ir::OpKind::kAimcCall ? kSumBytes : kHalfBytes;
      for (const ir::ValueId value : node.results) {
        lives[value] = {step, step, feature_bytes * graph_.values[value].features};
      }
      for (const ir::ValueId value : node.inputs) lives[value].last = step;
      ++step;
    }
    for (const Life& life : lives) {
      if (life.first == kNever) continue;
      for (std::size_t s = life.first; s <= life.last; ++s) plan_.steps[s].live_bytes += life.bytes;
    }
  }

  const program::Manifest& manifest_;
  const ir::Graph& graph_;
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
