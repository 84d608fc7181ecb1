// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "compiler/checkpoint/model_shape.hpp"
#include "compiler/checkpoint/names.hpp"

namespace xw::checkpoint {
namespace {

using Attributes = std::map<std::string, ir::Attribute>;

constexpr std::size_t kMaxListed = 10;

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::string list_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxListed); ++i)
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  if (names.size() > kMaxListed) text += " and " + std::to_string(names.size() - kMaxListed) + " more";
  return text;
}

/// The nearest bfloat16, ties to even, of a finite number.
float rounded_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return bfloat16_to_float(static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16));
}

// Finds and checks the tensors that the graph uses; remembers what is missing and what was used.
class TensorFinder {
 public:
  explicit TensorFinder(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  ir::TensorRef find(const std::string& canonical_name, const std::vector<std::uint64_t>& shape) {
    if (checkpoint_.format() == kShapeFormat) return {canonical_name, 0, 0};
    const std::optional<ir::TensorRef> ref = checkpoint_.resolve(canonical_name);
    if (!ref.has_value()) {
      missing_.push_back(canonical_name);
      return {};
    }
    const Tensor& tensor = checkpoint_.tensors().at(ref->tensor);
    const std::string what = tensor.location + ": tensor \"" + printable(ref->tensor) + "\"";
    std::vector<std::uint64_t> stored_shape = shape;
    if (!ref->all_rows()) stored_shape[0] = fused_rows(checkpoint_.config(), split_name(canonical_name).module)->total;
    if (tensor.shape != stored_shape) {
      throw Error(ErrorCode::kShapeMismatch, what + " for " + canonical_name + ": expected shape " +
                                                 shape_text(stored_shape) + ", found " + shape_text(tensor.shape));
    }
    if (!is_floating(tensor.dtype)) {
      throw Error(ErrorCode::kUnsupported,
                  what + ": expected floating-point or quantised elements, found " + name(tensor.dtype));
    }
    used_.insert(ref->tensor);
    return *ref;
  }

  /// Throws if tensors are missing or left over.
  void check_complete() const {
    const std::string path = checkpoint_.path().string();
    if (!missing_.empty()) {
      throw Error(ErrorCode::kShapeMismatch, path + ": expected all tensors of a " + checkpoint_.config().family +
                                                 " model of " + std::to_string(checkpoint_.config().num_layers) +
                                                 " layers, found none for " + list_text(missing_));
    }
    std::vector<std::string> unknown;
    for (const auto& [stored_name, tensor] : checkpoint_.tensors()) {
      if (!used_.contains(stored_name) && !is_ignorable(stored_name)) unknown.push_back(stored_name);
    }
    if (unknown.empty()) return;
    throw Error(ErrorCode::kUnsupported, path + ": expected only tensors of a " + checkpoint_.config().family +
                                             " model of " + std::to_string(checkpoint_.config().num_layers) +
                                             " layers, found also " + list_text(unknown));
  }

 private:
  const Checkpoint& checkpoint_;
  std::vector<std::string> missing_;
  std::set<std::string> used_;
};

class GraphBuilder {
 public:
  explicit GraphBuilder(const Checkpoint& checkpoint)
      : checkpoint_(checkpoint), config_(checkpoint.config()), tensors_(checkpoint), hidden_(config_.hidden_size) {
    graph_.name = config_.name.empty() ? checkpoint.path().stem().string() : config_.name;
  }

  ir::Graph build() {
    add_meta();
    const ir::ValueId tokens = graph_.add(ir::OpKind::kInput, {}, {}, "tokens", {1});
    const ir::TensorRef embedding = tensors_.find("model.embed_tokens.weight", {config_.vocab_size, hidden_});
    Attributes attributes = {{"weight", embedding}};
    if (config_.scaled_embeddings) attributes.emplace("scale", embedding_scale(embedding));
    ir::ValueId x = graph_.add(ir::OpKind::kEmbedding, {tokens}, std::move(attributes), "embedding", {hidden_});
    for (std::uint32_t layer = 0; layer < config_.num_layers; ++layer) x = add_layer(x, layer);
    x = add_norm(x, "model.norm", "norm", hidden_, 1);
    const ir::ValueId logits = add_linear(x, "lm_head", "logits", hidden_, config_.vocab_size, false);
    graph_.add(ir::OpKind::kOutput, {logits}, {}, "", {});
    tensors_.check_complete();
    return std::move(graph_);
  }

 private:
  void add_meta() {
    const auto integer = [](std::int64_t value) { return ir::Attribute(value); };
    graph_.meta = {{"family", config_.family},
                   {"vocab_size", integer(config_.vocab_size)},
                   {"hidden_size", integer(config_.hidden_size)},
                   {"intermediate_size", integer(config_.intermediate_size)},
                   {"num_layers", integer(config_.num_layers)},
                   {"num_heads", integer(config_.num_heads)},
                   {"num_kv_heads", integer(config_.num_kv_heads)},
                   {"head_dim", integer(config_.head_dim)},
                   {"context_length", integer(config_.context_length)},
                   {"bos_token", integer(config_.bos_token)},
                   {"eos_tokens", std::vector<double>(config_.eos_tokens.begin(), config_.eos_tokens.end())},
                   {"tied_embeddings", integer(config_.tied_embeddings ? 1 : 0)}};
  }

  /// sqrt(hidden_size) in the type of the embeddings, as transformers multiplies; GGUF's reference does it in fp32.
  [[nodiscard]] double embedding_scale(const ir::TensorRef& embedding) const {
    const auto scale = static_cast<float>(std::sqrt(static_cast<double>(hidden_)));
    const auto found = checkpoint_.tensors().find(embedding.tensor);
    if (checkpoint_.format() != "safetensors" || found == checkpoint_.tensors().end()) return scale;
    if (found->second.dtype == Dtype::kBF16) return rounded_to_bfloat16(scale);
    if (found->second.dtype == Dtype::kF16) return half_to_float(float_to_half(scale));
    return scale;
  }

  /// Norms of `groups` vectors of `width` features beside each other.
  ir::ValueId add_norm(ir::ValueId x, const std::string& module, const std::string& result, std::uint32_t width,
                       std::uint32_t groups) {
    Attributes attributes = {{"weight", tensors_.find(module + ".weight", {width})}, {"eps", config_.norm_eps}};
    if (config_.unit_norms) attributes.emplace("add_unit", std::int64_t{1});
    if (groups != 1) attributes.emplace("groups", std::int64_t{groups});
    return graph_.add(ir::OpKind::kRmsNorm, {x}, std::move(attributes), result, {width * groups});
  }

  ir::ValueId add_linear(ir::ValueId x, const std::string& module, const std::string& result, std::uint32_t in_features,
                         std::uint32_t out_features, bool has_bias) {
    Attributes attributes = {{"name", module},
                             {"weight", tensors_.find(module + ".weight", {out_features, in_features})}};
    if (has_bias) attributes.emplace("bias", tensors_.find(module + ".bias", {out_features}));
    return graph_.add(ir::OpKind::kLinear, {x}, std::move(attributes), result, {out_features});
  }

  static void add_rope(const RopeSettings& rope, Attributes& attributes) {
    attributes.insert(
        {{"rope_dims", std::int64_t{rope.dims}}, {"rope_theta", rope.theta}, {"rope_scaling", rope.scaling}});
    const bool is_longrope = rope.scaling == "longrope";
    if (rope.scaling == "linear" || rope.scaling == "llama3" || rope.factor != 1)
      attributes.emplace("rope_factor", rope.factor);
    if (is_longrope || rope.attention_factor != 1) attributes.emplace("rope_attention_factor", rope.attention_factor);
    if (rope.scaling == "llama3") {
      attributes.emplace("rope_low_freq_factor", rope.low_freq_factor);
      attributes.emplace("rope_high_freq_factor", rope.high_freq_factor);
      attributes.emplace("rope_original_context", std::int64_t{rope.original_context});
    }
    if (is_longrope) {
      attributes.emplace("rope_short", rope.short_factors);
      attributes.emplace("rope_long", rope.long_factors);
      attributes.emplace("rope_original_context", std::int64_t{rope.original_context});
    }
  }

  Attributes attention_attributes(std::uint32_t layer) const {
    const bool has_window = config_.has_window(layer);
    const double even_scale = 1.0 / std::sqrt(static_cast<double>(config_.head_dim));
    Attributes attributes = {{"layer", std::int64_t{layer}},
                             {"num_heads", std::int64_t{config_.num_heads}},
                             {"num_kv_heads", std::int64_t{config_.num_kv_heads}},
                             {"head_dim", std::int64_t{config_.head_dim}},
                             {"scale", config_.attention_scale != 0 ? config_.attention_scale : even_scale},
                             {"window", std::int64_t{has_window ? config_.sliding_window : 0}},
                             {"rope_style", config_.rope_style}};
    add_rope(has_window && config_.window_rope.has_value() ? *config_.window_rope : config_.rope, attributes);
    return attributes;
  }

  ir::ValueId add_attention(ir::ValueId x, std::uint32_t layer, const std::string& module, const std::string& result) {
    const std::uint32_t dim = config_.head_dim;
    const std::uint32_t q_features = config_.num_heads * dim;
    const std::uint32_t kv_features = config_.num_kv_heads * dim;
    const ir::ValueId in = add_norm(x, module + "input_layernorm", result + "attention_norm", hidden_, 1);
    const std::string attention = module + "self_attn.";
    ir::ValueId q = add_linear(in, attention + "q_proj", result + "q", hidden_, q_features, config_.qkv_bias);
    ir::ValueId k = add_linear(in, attention + "k_proj", result + "k", hidden_, kv_features, config_.qkv_bias);
    const ir::ValueId v = add_linear(in, attention + "v_proj", result + "v", hidden_, kv_features, config_.qkv_bias);
    if (config_.qk_norm) {
      q = add_norm(q, attention + "q_norm", result + "q_norm", dim, config_.num_heads);
      k = add_norm(k, attention + "k_norm", result + "k_norm", dim, config_.num_kv_heads);
    }
    const ir::ValueId heads =
        graph_.add(ir::OpKind::kAttention, {q, k, v}, attention_attributes(layer), result + "heads", {q_features});
    const ir::ValueId o =
        add_linear(heads, attention + "o_proj", result + "attention", q_features, hidden_, config_.output_bias);
    if (!config_.post_norms) return o;
    return add_norm(o, module + "post_attention_layernorm", result + "attention_out", hidden_, 1);
  }

  ir::ValueId add_mlp(ir::ValueId x, const std::string& module, const std::string& result) {
    const std::uint32_t wide = config_.intermediate_size;
    const bool bias = config_.mlp_bias;
    const char* norm = config_.post_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm";
    const ir::ValueId in = add_norm(x, module + norm, result + "mlp_norm", hidden_, 1);
    const ir::ValueId gate = add_linear(in, module + "mlp.gate_proj", result + "gate", hidden_, wide, bias);
    const ir::ValueId up = add_linear(in, module + "mlp.up_proj", result + "up", hidden_, wide, bias);
    const ir::OpKind gated = config_.gelu ? ir::OpKind::kGeGlu : ir::OpKind::kSwiGlu;
    const ir::ValueId act = graph_.add(gated, {gate, up}, {}, result + "activation", {wide});
    const ir::ValueId down = add_linear(act, module + "mlp.down_proj", result + "mlp", wide, hidden_, bias);
    if (!config_.post_norms) return down;
    return add_norm(down, module + "post_feedforward_layernorm", result + "mlp_out", hidden_, 1);
  }

  ir::ValueId add_layer(ir::ValueId x, std::uint32_t layer) {
    const std::string module = "model.layers." + std::to_string(layer) + ".";
    const std::string result = "layer" + std::to_string(layer) + ".";
    const ir::ValueId attention = add_attention(x, layer, module, result);
    const ir::ValueId middle = graph_.add(ir::OpKind::kAdd, {x, attention}, {}, result + "middle", {hidden_});
    const ir::ValueId mlp = add_mlp(middle, module, result);
    return graph_.add(ir::OpKind::kAdd, {middle, mlp}, {}, result + "out", {hidden_});
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  TensorFinder tensors_;
  ir::Graph graph_;
  std::uint32_t hidden_;
};

}  // namespace

ir::Graph import_graph(const Checkpoint& checkpoint) {
  if (checkpoint.format() == kAdaptedFormat) return adapted_graph(checkpoint);
  return GraphBuilder(checkpoint).build();
}

}  // namespace xw::checkpoint
