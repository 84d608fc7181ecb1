// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/hf_keys.hpp"

#include <algorithm>
#include <array>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::size_t kMaxShown = 60;

/// Values of a key that ask for nothing special.
enum class Neutral {
  kNothing,    ///< only an absent key, null, an empty string, list or object
  kFalse,      ///< and false
  kZero,       ///< and 0
  kOne,        ///< and 1
  kOneAtMost,  ///< and 0 and 1
  kSilu,       ///< and "silu" or "swish"
  kRotary,     ///< and "rope", "rotary" or "absolute", the general default, which none of these families reads
  kDefault     ///< and "default"
};

struct Key {
  const char* name;
  Neutral neutral;
};

// Families related to llama keep these in configurations that otherwise look alike: multipliers (Granite, MiniCPM,
// Cohere), soft caps and head scales (Gemma), experts (Mixtral), clipping (DBRX), norms of queries and keys (OLMo),
// attention both ways (EmbeddingGemma), layers without rotation (SmolLM3, Llama 4), other rotary conventions (GPT-NeoX, GLM), other modalities.
constexpr std::array kKeys{
    Key{"hidden_act", Neutral::kSilu},
    Key{"hidden_activation", Neutral::kSilu},
    Key{"quantization_config", Neutral::kNothing},
    Key{"compression_config", Neutral::kNothing},
    Key{"embedding_multiplier", Neutral::kOne},
    Key{"residual_multiplier", Neutral::kOne},
    Key{"attention_multiplier", Neutral::kNothing},
    Key{"logits_scaling", Neutral::kOne},
    Key{"logit_scale", Neutral::kOne},
    Key{"scale_emb", Neutral::kOne},
    Key{"scale_depth", Neutral::kNothing},
    Key{"dim_model_base", Neutral::kNothing},
    Key{"final_logit_softcapping", Neutral::kNothing},
    Key{"attn_logit_softcapping", Neutral::kNothing},
    Key{"query_pre_attn_scalar", Neutral::kNothing},
    Key{"clip_qkv", Neutral::kNothing},
    Key{"qk_layernorm", Neutral::kFalse},
    Key{"qk_norm", Neutral::kFalse},
    Key{"use_qk_norm", Neutral::kFalse},
    Key{"use_parallel_residual", Neutral::kFalse},
    Key{"parallel_attn", Neutral::kFalse},
    Key{"apply_residual_connection_post_layernorm", Neutral::kFalse},
    Key{"sandwich_norm", Neutral::kFalse},
    Key{"alibi", Neutral::kFalse},
    Key{"use_bidirectional_attention", Neutral::kFalse},
    Key{"position_embedding_type", Neutral::kRotary},
    Key{"rope_interleaved", Neutral::kFalse},
    Key{"rope_interleave", Neutral::kFalse},
    Key{"rope_type", Neutral::kDefault},
    Key{"rope_ratio", Neutral::kOne},
    Key{"rope_local_base_freq", Neutral::kNothing},
    Key{"rotary_pct", Neutral::kOne},
    Key{"rotary_percent", Neutral::kOne},
    Key{"rotary_dim", Neutral::kNothing},
    Key{"rotary_emb_base", Neutral::kNothing},
    Key{"use_mrope", Neutral::kFalse},
    Key{"no_rope_layers", Neutral::kNothing},
    Key{"no_rope_layer_interval", Neutral::kNothing},
    Key{"attn_temperature_tuning", Neutral::kFalse},
    Key{"attention_chunk_size", Neutral::kNothing},
    Key{"sliding_window_pattern", Neutral::kNothing},
    Key{"num_local_experts", Neutral::kOneAtMost},
    Key{"num_experts", Neutral::kOneAtMost},
    Key{"n_routed_experts", Neutral::kZero},
    Key{"num_experts_per_tok", Neutral::kOneAtMost},
    Key{"q_lora_rank", Neutral::kNothing},
    Key{"kv_lora_rank", Neutral::kNothing},
    Key{"attention_out_bias", Neutral::kFalse},
    Key{"is_encoder_decoder", Neutral::kFalse},
    Key{"add_cross_attention", Neutral::kFalse},
    Key{"pruned_heads", Neutral::kNothing},
    Key{"text_config", Neutral::kNothing},
    Key{"vision_config", Neutral::kNothing},
    Key{"audio_config", Neutral::kNothing},
};

bool is_any(const nlohmann::json& value, const char* a, const char* b) {
  return value.is_string() && (value == a || value == b);
}

bool is_neutral(const nlohmann::json& value, Neutral neutral) {
  if (value.is_null() || (value.empty() && !value.is_primitive()) || value == "") return true;
  switch (neutral) {
    case Neutral::kNothing:
      return false;
    case Neutral::kFalse:
      return value == false;
    case Neutral::kZero:
      return value.is_number() && value == 0;
    case Neutral::kOne:
      return value.is_number() && value == 1;
    case Neutral::kOneAtMost:
      return value.is_number() && (value == 0 || value == 1);
    case Neutral::kSilu:
      return is_any(value, "silu", "swish");
    case Neutral::kRotary:
      return is_any(value, "rope", "rotary") || value == "absolute";
    case Neutral::kDefault:
      return is_any(value, "default", "none");
  }
  return false;
}

const char* supported(Neutral neutral) {
  switch (neutral) {
    case Neutral::kFalse:
      return "false";
    case Neutral::kZero:
      return "0";
    case Neutral::kOne:
      return "1";
    case Neutral::kOneAtMost:
      return "0, 1";
    case Neutral::kSilu:
      return "silu";
    case Neutral::kRotary:
      return "rope";
    case Neutral::kDefault:
      return "default";
    case Neutral::kNothing:
      break;
  }
  return "models without this key";
}

}  // namespace

void check_hf_keys(const nlohmann::json& document, std::span<const std::string_view> used, const std::string& origin) {
  for (const Key& key : kKeys) {
    const auto found = document.find(key.name);
    if (found == document.end() || is_neutral(*found, key.neutral)) continue;
    if (std::find(used.begin(), used.end(), key.name) != used.end()) continue;
    std::string hint = supported(key.neutral);
    if (std::string_view(key.name) == "quantization_config")
      hint = "F32, F16, BF16 safetensors without packed weights, or a GGUF file";
    throw Error(ErrorCode::kUnsupported, origin + ": \"" + key.name + "\": found " +
                                             printable(found->dump(), kMaxShown) + "; supported: " + hint);
  }
}

}  // namespace xw::checkpoint
