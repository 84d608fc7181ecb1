// Graphs of the supported families with small shapes, made by the importer from checkpoints that have shapes and no values.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "compiler/ir/graph.hpp"

namespace xw::test {

/// All families have this shape; what differs is in family_config().
struct FamilyShape {
  static constexpr std::uint32_t kHidden = 48, kWide = 80, kLayers = 3, kHeads = 4, kKvHeads = 2, kHeadDim = 12,
                                 kVocab = 100;
};

/// "llama": plain; "mistral": every layer attends to 6 positions; "qwen2": biases, tied embeddings, a window of 6 in the last
/// layer; "phi3": half of a head is rotated; "qwen3": norms of queries and keys; "gemma3": these, norms behind attention and MLP,
/// gelu, scaled embeddings, a window of 6 in the first two layers.
inline checkpoint::ModelConfig family_config(const std::string& family) {
  checkpoint::ModelConfig config;
  config.family = family;
  config.name = family;
  config.hidden_size = FamilyShape::kHidden;
  config.intermediate_size = FamilyShape::kWide;
  config.num_layers = FamilyShape::kLayers;
  config.num_heads = FamilyShape::kHeads;
  config.num_kv_heads = FamilyShape::kKvHeads;
  config.head_dim = config.rope.dims = FamilyShape::kHeadDim;
  config.vocab_size = FamilyShape::kVocab;
  config.context_length = 64;
  if (family == "mistral") config.sliding_window = 6;
  if (family == "qwen2") {
    config.qkv_bias = config.tied_embeddings = true;
    config.sliding_window = 6;
    config.window_layers = {false, false, true};
  }
  config.qk_norm = family == "qwen3" || family == "gemma3";
  if (family == "gemma3") {
    config.gelu = config.post_norms = config.unit_norms = config.scaled_embeddings = config.tied_embeddings = true;
    config.sliding_window = 6;
    config.window_layers = checkpoint::periodic_windows(FamilyShape::kLayers, 3);
  }
  if (family == "phi3") config.rope.dims = FamilyShape::kHeadDim / 2;
  return config;
}

/// Has every tensor that somebody asks for by its canonical name.
class ShapeCheckpoint : public checkpoint::Checkpoint {
 public:
  explicit ShapeCheckpoint(checkpoint::ModelConfig config) : config_(std::move(config)) {
    const std::uint64_t hidden = config_.hidden_size, wide = config_.intermediate_size;
    const std::uint64_t q = std::uint64_t{config_.num_heads} * config_.head_dim;
    const std::uint64_t kv = std::uint64_t{config_.num_kv_heads} * config_.head_dim;
    add("model.embed_tokens.weight", {config_.vocab_size, hidden});
    add("model.norm.weight", {hidden});
    if (!config_.tied_embeddings) add("lm_head.weight", {config_.vocab_size, hidden});
    for (std::uint32_t layer = 0; layer < config_.num_layers; ++layer) {
      const std::string name = "model.layers." + std::to_string(layer) + ".";
      add(name + "input_layernorm.weight", {hidden});
      add(name + "post_attention_layernorm.weight", {hidden});
      if (config_.post_norms) {
        add(name + "pre_feedforward_layernorm.weight", {hidden});
        add(name + "post_feedforward_layernorm.weight", {hidden});
      }
      if (config_.qk_norm) {
        add(name + "self_attn.q_norm.weight", {config_.head_dim});
        add(name + "self_attn.k_norm.weight", {config_.head_dim});
      }
      add_linear(name + "self_attn.q_proj", q, hidden, config_.qkv_bias);
      add_linear(name + "self_attn.k_proj", kv, hidden, config_.qkv_bias);
      add_linear(name + "self_attn.v_proj", kv, hidden, config_.qkv_bias);
      add_linear(name + "self_attn.o_proj", hidden, q, config_.output_bias);
      add_linear(name + "mlp.gate_proj", wide, hidden, config_.mlp_bias);
      add_linear(name + "mlp.up_proj", wide, hidden, config_.mlp_bias);
      add_linear(name + "mlp.down_proj", hidden, wide, config_.mlp_bias);
    }
  }

  const checkpoint::ModelConfig& config() const override { return config_; }
  const std::map<std::string, checkpoint::Tensor>& tensors() const override { return tensors_; }
  std::filesystem::path path() const override { return "shapes"; }
  std::string format() const override { return "shapes"; }
  std::optional<ir::TensorRef> resolve(const std::string& name) const override {
    const bool tied = config_.tied_embeddings && name == "lm_head.weight";
    const std::string stored = tied ? "model.embed_tokens.weight" : name;
    return tensors_.contains(stored) ? std::optional(ir::TensorRef{stored}) : std::nullopt;
  }
  void release(const checkpoint::Tensor& /*tensor*/) const override {}

 private:
  void add(const std::string& name, std::vector<std::uint64_t> shape) {
    tensors_[name] = {name, checkpoint::Dtype::kF32, std::move(shape), {}, "shapes"};
  }
  void add_linear(const std::string& name, std::uint64_t out, std::uint64_t in, bool bias) {
    add(name + ".weight", {out, in});
    if (bias) add(name + ".bias", {out});
  }

  checkpoint::ModelConfig config_;
  std::map<std::string, checkpoint::Tensor> tensors_;
};

inline const std::vector<std::string>& families() {
  static const std::vector<std::string> names = {"llama", "mistral", "qwen2", "phi3", "qwen3", "gemma3"};
  return names;
}

inline ir::Graph family_graph(const std::string& family) {
  return checkpoint::import_graph(ShapeCheckpoint(family_config(family)));
}

}  // namespace xw::test
