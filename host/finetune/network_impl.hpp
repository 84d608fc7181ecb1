// Private: what a Network holds.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/finetune/network.hpp"
#include "host/transformer/attention.hpp"
#include "host/transformer/rope.hpp"
#include "models/finetune/analog_linear.hpp"
#include "models/finetune/noise.hpp"

namespace xw::finetune {

/// A tensor of the checkpoint on the device.
struct Held {
  torch::Tensor value;  ///< fp32 leaf where it is trained, else the compute type (vectors: fp32)
  bool is_trained = false;
};

/// A node of the graph, ready to run.
struct PreparedNode {
  torch::Tensor weight;           ///< linear, norm, embedding, shift: the rows that the node means
  torch::Tensor weight_gradient;  ///< the same rows of the gradient of a trained matrix
  torch::Tensor parameter;        ///< the leaf that `weight` is a part of
  torch::Tensor bias;
  bool adds_unit = false;  ///< a norm multiplies by its weight + 1
  double number = 1;       ///< eps of a norm, scale of an embedding
  std::string name;        ///< of a linear
  std::shared_ptr<AnalogLayer> analog;
  transformer::AttentionConfig attention;
  transformer::RopeConfig rope;
  std::size_t cache = 0;  ///< number of the attention
};

struct Network::Impl {
  ir::Graph graph;
  NetworkOptions options;
  AnalogSettings settings;
  Converters converters;
  WeightNoise noise;
  NoiseSource source;
  std::vector<PreparedNode> nodes;
  std::vector<std::size_t> last_use;  ///< node after which a value is not needed, by value
  std::size_t head_node = 0;
  std::size_t num_attentions = 0;
  bool has_ranges = false;
  std::map<std::string, Held> tensors;
  std::vector<Parameter> parameters;

  /// Sees the input of every analog linear in digital mode: node, x.
  std::function<void(std::size_t, const torch::Tensor&)> observer;
  struct Rotations {
    transformer::RopeConfig config;
    bool is_long = false;
    torch::Tensor cosines, sines;  ///< fp32 [positions][pairs]
  };
  std::vector<Rotations> rotations;

  Impl(const ir::Graph& source_graph, const checkpoint::Checkpoint& checkpoint, const NetworkOptions& network_options,
       const AnalogSettings& analog_settings, const Network* frozen);

  void apply_settings(const AnalogSettings& analog_settings);
  void make_analog(std::size_t node, const std::map<std::string, std::vector<float>>& stored);
  void set_ranges(std::size_t node, const std::vector<float>& values);

  /// Runs nodes [0, head_node) and returns what the output layer reads.
  [[nodiscard]] torch::Tensor run(const torch::Tensor& ids, Mode mode, Cache* cache);
  [[nodiscard]] torch::Tensor run_linear(std::size_t node, const torch::Tensor& x, Mode mode);
  /// The same with weights that were prepared before.
  [[nodiscard]] torch::Tensor run_prepared(std::size_t node, const torch::Tensor& x, const PreparedWeights& weights);
  [[nodiscard]] PreparedWeights prepare(std::size_t node, Mode mode);
  [[nodiscard]] bool runs_analog(std::size_t node, Mode mode) const {
    return mode != Mode::kDigital && nodes[node].analog != nullptr;
  }
  [[nodiscard]] torch::Tensor run_attention(const PreparedNode& node, const torch::Tensor& q, const torch::Tensor& k,
                                            const torch::Tensor& v, Cache* cache);
  /// Rotations of positions [0, end) of a sequence of `length` tokens.
  [[nodiscard]] const Rotations& rotations_of(const transformer::RopeConfig& config, std::int64_t end,
                                              std::int64_t length);
  void check_ids(const torch::Tensor& ids, std::int64_t before) const;
  [[nodiscard]] std::int64_t vocab_rows() const;
};

}  // namespace xw::finetune
