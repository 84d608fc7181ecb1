// config.json of Hugging Face models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/json.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint64_t kMaxCount = UINT32_MAX;

std::uint32_t get_count(const JsonObject& json, const char* key, const std::string& origin) {
  const std::optional<std::uint64_t> value = json.find_uint(key, kMaxCount);
  if (!value.has_value()) throw Error(ErrorCode::kFormat, origin + ": expected \"" + key + "\", found nothing");
  return static_cast<std::uint32_t>(*value);
}

std::uint32_t find_count(const JsonObject& json, const char* key, std::uint32_t otherwise) {
  return static_cast<std::uint32_t>(json.find_uint(key, kMaxCount).value_or(otherwise));
}

std::string read_family(const JsonObject& json, const std::string& origin) {
  const std::optional<std::string> type = json.find_string("model_type");
  for (const char* family : {"llama", "mistral", "phi3", "qwen2"}) {
    if (type == family) return family;
  }
  throw Error(ErrorCode::kUnsupported, origin + ": \"model_type\": found " +
                                           (type.has_value() ? "\"" + printable(*type) + "\"" : "nothing") +
                                           "; supported: " + supported_families());
}

// Settings that change what the model computes and that no supported family has.
void reject_unsupported(const JsonObject& json, const std::string& origin) {
  const std::string activation = json.find_string("hidden_act").value_or("silu");
  if (activation != "silu" && activation != "swish") {
    throw Error(ErrorCode::kUnsupported,
                origin + ": \"hidden_act\": found \"" + printable(activation) + "\"; supported: silu");
  }
  if (json.has("quantization_config")) {
    throw Error(ErrorCode::kUnsupported,
                origin +
                    ": \"quantization_config\": found packed weights; supported: F32, F16, BF16 "
                    "safetensors, or a GGUF file");
  }
  if (json.find_bool("rope_interleaved").value_or(false)) {
    throw Error(ErrorCode::kUnsupported, origin + ": \"rope_interleaved\": found true; supported: false");
  }
}

void read_longrope(ModelConfig& config, const JsonObject& json, const JsonObject& scaling) {
  config.rope_short = scaling.get_numbers("short_factor");
  config.rope_long = scaling.get_numbers("long_factor");
  const std::uint32_t own = find_count(scaling, "original_max_position_embeddings", config.context_length);
  config.rope_original_context = find_count(json, "original_max_position_embeddings", own);
  double context = config.context_length;
  if (!json.has("original_max_position_embeddings")) {
    if (const std::optional<double> factor = scaling.find_number("factor"))
      context = config.rope_original_context * *factor;
  }
  config.rope_attention_factor = scaling.find_number("attention_factor")
                                     .value_or(longrope_attention_factor(context, config.rope_original_context));
}

// Old configurations have rope_theta and rope_scaling, newer ones one object rope_parameters.
void read_rope(ModelConfig& config, const JsonObject& json, const std::string& origin) {
  config.rope_theta = json.find_number("rope_theta").value_or(10000);
  const double partial = json.find_number("partial_rotary_factor").value_or(1);
  if (!(partial > 0 && partial <= 1)) {
    throw Error(ErrorCode::kFormat, origin + ": \"partial_rotary_factor\": expected above 0 and at most 1, found " +
                                        std::to_string(partial));
  }
  config.rope_dims = static_cast<std::uint32_t>(config.head_dim * partial);
  const nlohmann::json* object = json.find("rope_scaling");
  if (object == nullptr) object = json.find("rope_parameters");
  if (object == nullptr) return;
  const std::string what = origin + ": rope scaling";
  const JsonObject scaling(*object, what);
  config.rope_theta = scaling.find_number("rope_theta").value_or(config.rope_theta);
  std::string type = scaling.find_string("rope_type").value_or(scaling.find_string("type").value_or("default"));
  if (type == "su") type = "longrope";  // the name in the first Phi-3 files
  if (type == "default" || type == "none") return;
  config.rope_scaling = type;
  if (type == "linear" || type == "llama3") {
    const std::optional<double> factor = scaling.find_number("factor");
    if (!factor.has_value()) throw Error(ErrorCode::kFormat, what + ": expected \"factor\", found nothing");
    config.rope_factor = *factor;
  }
  if (type == "llama3") {
    config.rope_low_freq_factor = scaling.find_number("low_freq_factor").value_or(1);
    config.rope_high_freq_factor = scaling.find_number("high_freq_factor").value_or(4);
    config.rope_original_context = get_count(scaling, "original_max_position_embeddings", what);
  } else if (type == "longrope") {
    read_longrope(config, json, scaling);
  } else if (type != "linear") {
    throw Error(ErrorCode::kUnsupported,
                what + ": found type \"" + printable(type) + "\"; supported: default, linear, llama3, longrope");
  }
}

// Layers of a list of "full_attention" and "sliding_attention": full ones first, then windows.
std::uint32_t first_window_layer(const nlohmann::json& types, std::uint32_t num_layers, const std::string& origin) {
  std::uint32_t first = 0;
  bool is_pattern = types.is_array() && types.size() == num_layers;
  for (std::size_t i = 0; is_pattern && i < types.size(); ++i) {
    const bool is_window = types[i] == "sliding_attention";
    is_pattern = is_window || (types[i] == "full_attention" && first == i);
    if (!is_window) ++first;
  }
  if (!is_pattern) {
    throw Error(ErrorCode::kUnsupported,
                origin +
                    ": \"layer_types\": expected one entry per layer, \"full_attention\" before "
                    "\"sliding_attention\"; other patterns are not supported");
  }
  return first;
}

void read_window(ModelConfig& config, const JsonObject& json, bool document_has_window, const std::string& origin) {
  const bool is_qwen2 = config.family == "qwen2";
  if (config.family == "llama" || (is_qwen2 && !json.find_bool("use_sliding_window").value_or(false))) return;
  const bool is_default = config.family == "mistral" && !document_has_window;  // null means none, absent means 4096
  config.sliding_window = find_count(json, "sliding_window", is_default ? 4096 : 0);
  if (is_qwen2) config.first_window_layer = find_count(json, "max_window_layers", 28);
  if (const nlohmann::json* types = json.find("layer_types")) {
    config.first_window_layer = first_window_layer(*types, config.num_layers, origin);
  }
}

}  // namespace

ModelConfig parse_hf_config(std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  const JsonObject json(document, origin);
  ModelConfig config;
  config.family = read_family(json, origin);
  reject_unsupported(json, origin);
  config.name = json.find_string("_name_or_path").value_or("");
  config.hidden_size = get_count(json, "hidden_size", origin);
  config.intermediate_size = get_count(json, "intermediate_size", origin);
  config.num_layers = get_count(json, "num_hidden_layers", origin);
  config.num_heads = get_count(json, "num_attention_heads", origin);
  config.num_kv_heads = find_count(json, "num_key_value_heads", config.num_heads);
  config.head_dim = find_count(json, "head_dim", config.num_heads == 0 ? 0 : config.hidden_size / config.num_heads);
  config.vocab_size = get_count(json, "vocab_size", origin);
  config.context_length = get_count(json, "max_position_embeddings", origin);
  config.norm_eps = json.find_number("rms_norm_eps").value_or(config.family == "phi3" ? 1e-5 : 1e-6);
  config.tied_embeddings = json.find_bool("tie_word_embeddings").value_or(false);
  const bool attention_bias = json.find_bool("attention_bias").value_or(false);
  config.qkv_bias = config.family == "qwen2" || (config.family == "llama" && attention_bias);
  config.output_bias = config.family == "llama" && attention_bias;
  config.mlp_bias = config.family == "llama" && json.find_bool("mlp_bias").value_or(false);
  read_rope(config, json, origin);
  read_window(config, json, document.contains("sliding_window"), origin);
  const std::vector<std::int64_t> bos = json.find_token_ids("bos_token_id");
  if (!bos.empty()) config.bos_token = bos.front();
  config.eos_tokens = json.find_token_ids("eos_token_id");
  check_config(config, origin);
  return config;
}

void add_generation_config(ModelConfig& config, std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  for (const std::int64_t token : JsonObject(document, origin).find_token_ids("eos_token_id")) {
    if (std::find(config.eos_tokens.begin(), config.eos_tokens.end(), token) == config.eos_tokens.end()) {
      config.eos_tokens.push_back(token);
    }
  }
  check_config(config, origin);
}

}  // namespace xw::checkpoint
