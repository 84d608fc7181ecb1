// From a program to the plan that the chip model executes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/chip_simulation.hpp"

#include <algorithm>

namespace xw::systemc {
namespace {

constexpr std::uint64_t kHalfBytes = 2;    // KV cache, embeddings and digital weights are fp16 on the chip
constexpr std::uint64_t kSumBytes = 4;     // outputs of a call are int32
constexpr std::uint64_t kNormMacs = 2;     // per feature: square and sum, scale and weight
constexpr std::uint64_t kSwiGluMacs = 4;   // per feature: negate, add, divide, multiply
constexpr std::uint64_t kRopeMacs = 2;     // per rotated feature
constexpr std::uint64_t kSoftmaxMacs = 2;  // per score: maximum and sum, scale

class Planner {
 public:
  Planner(const program::Program& program, const ir::Graph& graph) : manifest_(program.manifest()), graph_(graph) {
    plan_.num_tiles = manifest_.num_tiles;
    plan_.num_layers =
        static_cast<std::uint32_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const ir::Node& node) {
          return node.kind == ir::OpKind::kAttention;
        }));
    add_calls(program);
    for (const ir::Node& node : graph.nodes) add_step(node);
    set_layers();
    set_live_bytes();
  }
  [[nodiscard]] ChipPlan take() { return std::move(plan_); }

 private:
  void add_calls(const program::Program& program) {
    for (const program::CallInfo& info : manifest_.calls) {
      CallWork call;
      call.name = info.name;
      call.in_features = info.in_features;
      for (const std::uint32_t matrix : info.matrices) call.out_features += manifest_.matrices[matrix].out_features;
      plan_.calls.push_back(std::move(call));
    }
    for (const program::BlockRecord& block : program.blocks()) {
      plan_.calls[manifest_.matrices[block.matrix].call].blocks.push_back(
          {block.tile, block.rows, block.cols, block.in_begin});
    }
  }

  [[nodiscard]] std::uint64_t features(const ir::Node& node, std::size_t input) const {
    return graph_.values[node.inputs[input]].features;
  }

  void add_step(const ir::Node& node) {
    Step step;
    step.name = ir::name(node.kind);
    switch (node.kind) {
      case ir::OpKind::kInput:
        return;
      case ir::OpKind::kEmbedding:
        step.work.memory_bytes = kHalfBytes * graph_.values[node.results[0]].features;
        break;
      case ir::OpKind::kRmsNorm:
        step.work.macs = kNormMacs * features(node, 0);
        break;
      case ir::OpKind::kLinear: {
        step.name = ir::attr_string(node, "name");
        step.work.macs = features(node, 0) * graph_.values[node.results[0]].features;
        step.work.memory_bytes = kHalfBytes * step.work.macs;
        step.logits = step.name == "lm_head";
        break;
      }
      case ir::OpKind::kAimcCall: {
        step.kind = StepKind::kCall;
        step.call = static_cast<std::uint32_t>(ir::attr_int(node, "call"));
        step.name = plan_.calls[step.call].name;
        const std::vector<std::uint32_t>& matrices = manifest_.calls[step.call].matrices;
        step.layer = manifest_.matrices[matrices.front()].layer;
        step.logits = graph_.nodes.back().inputs.front() == node.results.front();
        break;
      }
      case ir::OpKind::kAttention: {
        step.kind = StepKind::kAttention;
        step.layer = static_cast<std::uint32_t>(ir::attr_int(node, "layer"));
        step.window = static_cast<std::uint32_t>(ir::attr_int(node, "window"));
        const auto heads = static_cast<std::uint64_t>(ir::attr_int(node, "num_heads"));
        if (ir::attr_string(node, "rope_style") != "none") {
          step.work.macs = kRopeMacs * (features(node, 0) + features(node, 1));
        }
        step.work.memory_bytes = kHalfBytes * (features(node, 1) + features(node, 2));  // this token's keys and values
        step.per_position.macs = 2 * features(node, 0) + kSoftmaxMacs * heads;          // q k^T, p v
        step.per_position.exps = heads;
        step.per_position.memory_bytes = kHalfBytes * (features(node, 1) + features(node, 2));
        break;
      }
      case ir::OpKind::kSwiGlu:
        step.work.macs = kSwiGluMacs * features(node, 0);
        step.work.exps = features(node, 0);
        break;
      case ir::OpKind::kAdd:
        step.work.macs = features(node, 0);
        break;
      case ir::OpKind::kOutput:
        step.name = "sampling";
        step.work.macs = features(node, 0);  // one comparison per word of the vocabulary
        step.logits = true;
        break;
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
  return Planner(program, graph).take();
}

}  // namespace xw::systemc
