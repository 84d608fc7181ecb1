// config.json of Hugging Face models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/hf_keys.hpp"
#include "compiler/checkpoint/hf_rope.hpp"
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
  const bool may_have_window =
      config.family != "llama" && (!is_qwen2 || json.find_bool("use_sliding_window").value_or(false));
  if (may_have_window) {
    const bool has_default = config.family == "mistral" || is_qwen2;  // null means none, absent means 4096
    config.sliding_window = find_count(json, "sliding_window", has_default && !document_has_window ? 4096 : 0);
    if (is_qwen2) config.first_window_layer = find_count(json, "max_window_layers", 28);
  }
  const nlohmann::json* types = json.find("layer_types");
  if (types == nullptr) return;
  const std::uint32_t first = first_window_layer(*types, config.num_layers, origin);
  if (config.sliding_window == 0 && first != config.num_layers) {
    throw Error(ErrorCode::kUnsupported, origin +
                                             ": \"layer_types\": found \"sliding_attention\" in a model without a "
                                             "sliding window; supported: \"full_attention\"");
  }
  config.first_window_layer = first;
}

}  // namespace

ModelConfig parse_hf_config(std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  const JsonObject json(document, origin);
  ModelConfig config;
  config.family = read_family(json, origin);
  check_hf_keys(document, origin);
  config.name = json.find_string("_name_or_path").value_or("");
  config.hidden_size = get_count(json, "hidden_size", origin);
  config.intermediate_size = get_count(json, "intermediate_size", origin);
  config.num_layers = get_count(json, "num_hidden_layers", origin);
  config.num_heads = get_count(json, "num_attention_heads", origin);
  // null means as many as heads; transformers has numbers of its own for an absent key.
  const std::uint32_t absent_kv_heads = config.family == "mistral" ? 8
                                        : config.family == "qwen2" ? 32
                                                                   : config.num_heads;
  config.num_kv_heads = find_count(json, "num_key_value_heads",
                                   document.contains("num_key_value_heads") ? config.num_heads : absent_kv_heads);
  config.head_dim = find_count(json, "head_dim", config.num_heads == 0 ? 0 : config.hidden_size / config.num_heads);
  config.vocab_size = get_count(json, "vocab_size", origin);
  config.context_length = get_count(json, "max_position_embeddings", origin);
  config.norm_eps = json.find_number("rms_norm_eps").value_or(config.family == "phi3" ? 1e-5 : 1e-6);
  config.tied_embeddings = json.find_bool("tie_word_embeddings").value_or(false);
  const bool attention_bias = json.find_bool("attention_bias").value_or(false);
  config.qkv_bias = config.family == "qwen2" || (config.family == "llama" && attention_bias);
  config.output_bias = config.family == "llama" && attention_bias;
  config.mlp_bias = config.family == "llama" && json.find_bool("mlp_bias").value_or(false);
  read_window(config, json, document.contains("sliding_window"), origin);
  read_hf_rope(config, json, origin);
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
