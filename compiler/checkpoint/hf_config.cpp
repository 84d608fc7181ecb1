// config.json of Hugging Face models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/hf_keys.hpp"
#include "compiler/checkpoint/hf_layers.hpp"
#include "compiler/checkpoint/hf_rope.hpp"
#include "compiler/checkpoint/json.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint64_t kMaxCount = UINT32_MAX;

// Keys that other families must not have, read for Gemma 3; and those of its multimodal configurations.
constexpr std::array<std::string_view, 5> kGemmaKeys = {"hidden_activation", "hidden_act", "query_pre_attn_scalar",
                                                        "rope_local_base_freq", "sliding_window_pattern"};
constexpr std::array<std::string_view, 2> kMultimodalKeys = {"text_config", "vision_config"};

// Numbers of a family that its files may leave out; 0: they must be there.
struct Defaults {
  std::uint32_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0, num_kv_heads = 0, head_dim = 0;
  std::uint32_t vocab_size = 0, context_length = 0;
};

// Those of transformers. Text parts of Gemma 3 files rely on them; num_kv_heads and head_dim may follow from others.
Defaults defaults_of(const std::string& family) {
  Defaults defaults;
  if (family == "gemma3") return {2304, 9216, 26, 8, 4, 256, 262208, 131072};
  if (family == "mistral") defaults.num_kv_heads = 8;
  if (family == "qwen2" || family == "qwen3") defaults.num_kv_heads = 32;
  if (family == "qwen3") defaults.head_dim = 128;
  return defaults;
}

std::uint32_t get_count(const JsonObject& json, const char* key, std::uint32_t absent, const std::string& origin) {
  const std::optional<std::uint64_t> value = json.find_uint(key, kMaxCount);
  if (!value.has_value() && absent == 0)
    throw Error(ErrorCode::kFormat, origin + ": expected \"" + key + "\", found nothing");
  return static_cast<std::uint32_t>(value.value_or(absent));
}

std::uint32_t find_count(const JsonObject& json, const char* key, std::uint32_t otherwise) {
  return static_cast<std::uint32_t>(json.find_uint(key, kMaxCount).value_or(otherwise));
}

std::string read_family(const JsonObject& json, const std::string& origin) {
  const std::optional<std::string> type = json.find_string("model_type");
  if (type == "gemma3_text") return "gemma3";
  for (const char* family : {"gemma3", "llama", "mistral", "phi3", "qwen2", "qwen3"}) {
    if (type == family) return family;
  }
  throw Error(ErrorCode::kUnsupported, origin + ": \"model_type\": found " +
                                           (type.has_value() ? "\"" + printable(*type) + "\"" : "nothing") +
                                           "; supported: " + supported_families());
}

void read_shape(ModelConfig& config, const JsonObject& json, const std::string& origin) {
  const Defaults absent = defaults_of(config.family);
  config.hidden_size = get_count(json, "hidden_size", absent.hidden_size, origin);
  config.intermediate_size = get_count(json, "intermediate_size", absent.intermediate_size, origin);
  config.num_layers = get_count(json, "num_hidden_layers", absent.num_layers, origin);
  config.num_heads = get_count(json, "num_attention_heads", absent.num_heads, origin);
  // null means as many as heads; transformers has numbers of its own for an absent key.
  const bool follows_heads = json.contains("num_key_value_heads") || absent.num_kv_heads == 0;
  config.num_kv_heads = find_count(json, "num_key_value_heads", follows_heads ? config.num_heads : absent.num_kv_heads);
  const std::uint32_t even_share = config.num_heads == 0 ? 0 : config.hidden_size / config.num_heads;
  config.head_dim = find_count(json, "head_dim", absent.head_dim != 0 ? absent.head_dim : even_share);
  config.vocab_size = get_count(json, "vocab_size", absent.vocab_size, origin);
  config.context_length = get_count(json, "max_position_embeddings", absent.context_length, origin);
}

void read_biases(ModelConfig& config, const JsonObject& json) {
  const bool may_have = config.family == "llama" || config.family == "qwen3" || config.family == "gemma3";
  const bool attention_bias = may_have && json.find_bool("attention_bias").value_or(false);
  config.qkv_bias = config.family == "qwen2" || attention_bias;
  config.output_bias = attention_bias;
  config.mlp_bias = config.family == "llama" && json.find_bool("mlp_bias").value_or(false);
}

// What a block of Gemma 3 has beside that of llama.
void read_gemma(ModelConfig& config, const JsonObject& json, const std::string& origin) {
  for (const char* key : {"hidden_activation", "hidden_act"}) {
    const std::optional<std::string> activation = json.find_string(key);
    if (activation.value_or("gelu_pytorch_tanh") == "gelu_pytorch_tanh") continue;
    throw Error(ErrorCode::kUnsupported, origin + ": \"" + key + "\": found \"" + printable(*activation) +
                                             "\"; supported in family gemma3: gelu_pytorch_tanh");
  }
  const double scalar = json.find_number("query_pre_attn_scalar").value_or(256);
  if (!(scalar > 0)) {
    throw Error(ErrorCode::kFormat,
                origin + ": \"query_pre_attn_scalar\": expected a positive number, found " + std::to_string(scalar));
  }
  config.attention_scale = 1 / std::sqrt(scalar);
  config.gelu = config.qk_norm = config.post_norms = config.unit_norms = config.scaled_embeddings = true;
}

// Special tokens: absent ones are those of the family, null means none.
void read_tokens(ModelConfig& config, const JsonObject& json) {
  const bool is_gemma = config.family == "gemma3";
  const std::vector<std::int64_t> bos = json.find_token_ids("bos_token_id");
  if (!bos.empty()) config.bos_token = bos.front();
  if (is_gemma && !json.contains("bos_token_id")) config.bos_token = 2;
  config.eos_tokens = json.find_token_ids("eos_token_id");
  if (is_gemma && !json.contains("eos_token_id")) config.eos_tokens = {1};
}

void add_end_tokens(ModelConfig& config, const JsonObject& json) {
  for (const std::int64_t token : json.find_token_ids("eos_token_id")) {
    if (std::find(config.eos_tokens.begin(), config.eos_tokens.end(), token) == config.eos_tokens.end()) {
      config.eos_tokens.push_back(token);
    }
  }
}

ModelConfig parse_text_config(const nlohmann::json& document, const std::string& origin) {
  const JsonObject json(document, origin);
  ModelConfig config;
  config.family = read_family(json, origin);
  const bool is_gemma = config.family == "gemma3";
  check_hf_keys(document, is_gemma ? std::span(kGemmaKeys) : std::span<const std::string_view>(), origin);
  config.name = json.find_string("_name_or_path").value_or("");
  read_shape(config, json, origin);
  config.norm_eps = json.find_number("rms_norm_eps").value_or(config.family == "phi3" ? 1e-5 : 1e-6);
  config.tied_embeddings = json.find_bool("tie_word_embeddings").value_or(is_gemma);
  config.qk_norm = config.family == "qwen3";
  read_biases(config, json);
  if (is_gemma) read_gemma(config, json, origin);
  read_hf_windows(config, json, origin);
  read_hf_rope(config, json, origin);
  read_tokens(config, json);
  check_config(config, origin);
  return config;
}

// Gemma 3 with images: the text part is a model of its own.
ModelConfig parse_multimodal_config(const nlohmann::json& document, const std::string& origin) {
  const JsonObject json(document, origin);
  check_hf_keys(document, kMultimodalKeys, origin);
  const nlohmann::json* text = json.find("text_config");
  if (text == nullptr || !text->is_object()) {
    throw Error(ErrorCode::kFormat, origin + ": expected an object \"text_config\", found " +
                                        (text == nullptr ? "nothing" : text->type_name()));
  }
  const std::string where = origin + ": \"text_config\"";
  nlohmann::json inside = *text;
  if (!inside.contains("model_type")) inside["model_type"] = "gemma3_text";
  for (const char* key : {"tie_word_embeddings", "bos_token_id"}) {
    if (json.has(key) && !inside.contains(key)) inside[key] = document[key];
  }
  if (inside["model_type"] != "gemma3_text") {
    throw Error(ErrorCode::kUnsupported, where + ": \"model_type\": found " +
                                             printable(inside["model_type"].dump(), 60) + "; supported: gemma3_text");
  }
  ModelConfig config = parse_text_config(inside, where);
  if (config.name.empty()) config.name = json.find_string("_name_or_path").value_or("");
  add_end_tokens(config, json);
  check_config(config, origin);
  return config;
}

}  // namespace

ModelConfig parse_hf_config(std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  const auto type = document.find("model_type");
  const bool is_multimodal = type != document.end() && *type == "gemma3";
  return is_multimodal ? parse_multimodal_config(document, origin) : parse_text_config(document, origin);
}

void add_generation_config(ModelConfig& config, std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  add_end_tokens(config, JsonObject(document, origin));
  check_config(config, origin);
}

}  // namespace xw::checkpoint
