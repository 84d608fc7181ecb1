// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::string_view kLayerPrefix = "model.layers.";

// Modules of a layer and of the whole model, with GGUF's names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kLayerModules = {{
    {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
}};
// Where a block has norms behind attention and MLP, the norm before the MLP has another name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kPostNormModules = {{
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kModelModules = {{
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
}};

template <typename Table>
std::optional<std::string> look_up(const Table& table, std::string_view module) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == module; });
  if (found == table.end()) return std::nullopt;
  return std::string(found->second);
}

}  // namespace

CanonicalName split_name(std::string_view canonical_name) {
  CanonicalName name;
  std::string_view rest = canonical_name;
  if (rest.starts_with(kLayerPrefix)) {
    const char* begin = rest.data() + kLayerPrefix.size();
    const char* end = rest.data() + rest.size();
    std::uint32_t layer = 0;
    const auto [next, error] = std::from_chars(begin, end, layer);
    if (error == std::errc() && next != end && *next == '.') {
      name.layer = layer;
      rest.remove_prefix(static_cast<std::size_t>(next - rest.data()) + 1);
    }
  }
  const std::size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos) {
    name.module = rest;
  } else {
    name.module = rest.substr(0, dot);
    name.parameter = rest.substr(dot + 1);
  }
  return name;
}

std::optional<std::string> gguf_name(const ModelConfig& config, const CanonicalName& name) {
  std::optional<std::string> module;
  if (name.layer.has_value() && config.post_norms) module = look_up(kPostNormModules, name.module);
  if (!module.has_value()) {
    module = name.layer.has_value() ? look_up(kLayerModules, name.module) : look_up(kModelModules, name.module);
  }
  if (!module.has_value()) return std::nullopt;
  const std::string prefix = name.layer.has_value() ? "blk." + std::to_string(*name.layer) + "." : "";
  return prefix + *module + "." + name.parameter;
}

std::optional<FusedRows> fused_rows(const ModelConfig& config, const std::string& module) {
  const std::uint64_t q = std::uint64_t{config.num_heads} * config.head_dim;
  const std::uint64_t kv = std::uint64_t{config.num_kv_heads} * config.head_dim;
  const std::uint64_t wide = config.intermediate_size;
  const std::string attention = "self_attn.qkv_proj";
  const std::string mlp = "mlp.gate_up_proj";
  if (module == "self_attn.q_proj") return FusedRows{attention, 0, q, q + 2 * kv};
  if (module == "self_attn.k_proj") return FusedRows{attention, q, q + kv, q + 2 * kv};
  if (module == "self_attn.v_proj") return FusedRows{attention, q + kv, q + 2 * kv, q + 2 * kv};
  if (module == "mlp.gate_proj") return FusedRows{mlp, 0, wide, 2 * wide};
  if (module == "mlp.up_proj") return FusedRows{mlp, wide, 2 * wide, 2 * wide};
  return std::nullopt;
}

std::optional<ir::TensorRef> resolve_tensor(const ModelConfig& config, const std::string& format,
                                            const std::map<std::string, Tensor>& tensors,
                                            const std::string& canonical_name) {
  const bool is_gguf = format == "gguf";
  const CanonicalName name = split_name(canonical_name);
  const auto find = [&](const CanonicalName& wanted) -> std::optional<std::string> {
    std::optional<std::string> stored;
    if (is_gguf) {
      stored = gguf_name(config, wanted);
    } else {
      stored = (wanted.layer.has_value() ? std::string(kLayerPrefix) + std::to_string(*wanted.layer) + "." : "") +
               wanted.module + (wanted.parameter.empty() ? "" : "." + wanted.parameter);
    }
    return stored.has_value() && tensors.contains(*stored) ? stored : std::nullopt;
  };
  const std::optional<std::string> direct = find(name);
  // GGUF calls a fused gate_up matrix "ffn_up": it is one where "ffn_gate" is absent.
  const bool is_fused_up =
      is_gguf && name.module == "mlp.up_proj" && !find({name.layer, "mlp.gate_proj", name.parameter});
  if (direct.has_value() && !is_fused_up) return ir::TensorRef{*direct, 0, 0};
  if (name.layer.has_value() && name.parameter == "weight") {
    const std::optional<FusedRows> rows = fused_rows(config, name.module);
    if (rows.has_value()) {
      if (const std::optional<std::string> fused = find({name.layer, rows->module, name.parameter})) {
        return ir::TensorRef{*fused, rows->begin, rows->end};
      }
    }
  }
  if (canonical_name == "lm_head.weight" && config.tied_embeddings) {
    if (const std::optional<std::string> embedding = find(split_name("model.embed_tokens.weight"))) {
      return ir::TensorRef{*embedding, 0, 0};
    }
  }
  return std::nullopt;
}

std::map<std::string, Tensor> text_tensors(std::map<std::string, Tensor> tensors) {
  // The older layout wraps a whole causal model, the newer one only what is below its "model.".
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kText = {
      {{"language_model.", ""}, {"model.language_model.", "model."}}};
  constexpr std::array<std::string_view, 4> kImages = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                                       "model.multi_modal_projector."};
  const auto starts = [](std::string_view text, std::string_view prefix) { return text.starts_with(prefix); };
  std::map<std::string, Tensor> text;
  bool is_multimodal = false;
  for (auto& [stored_name, tensor] : tensors) {
    const std::string& stored = stored_name;  // lambdas of C++20 as clang 14 has it capture no structured bindings
    const auto* prefix =
        std::find_if(kText.begin(), kText.end(), [&](const auto& p) { return starts(stored, p.first); });
    const bool found = prefix != kText.end();
    is_multimodal = is_multimodal || found;
    const std::string name = found ? std::string(prefix->second) + stored.substr(prefix->first.size()) : stored;
    const auto [other, is_new] = text.emplace(name, tensor);
    if (!is_new) {
      throw Error(ErrorCode::kFormat, tensor.location + ": tensor \"" + printable(stored) +
                                          "\": expected each tensor once, found \"" + printable(other->second.name) +
                                          "\" at " + other->second.location);
    }
  }
  if (!is_multimodal) return tensors;
  std::erase_if(text, [&](const auto& entry) {
    return std::any_of(kImages.begin(), kImages.end(), [&](std::string_view p) { return starts(entry.first, p); });
  });
  return text;
}

bool is_ignorable(std::string_view stored_name) {
  constexpr std::array<std::string_view, 6> kSuffixes = {
      ".rotary_emb.inv_freq", ".input_range", ".input_range_update_idx", ".x_min", ".x_max", ".learnable_weight_clip"};
  constexpr std::array<std::string_view, 3> kNames = {"rope_freqs.weight", "rope_factors_short.weight",
                                                      "rope_factors_long.weight"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return stored_name.ends_with(suffix); }) ||
         std::find(kNames.begin(), kNames.end(), stored_name) != kNames.end();
}

}  // namespace xw::checkpoint
