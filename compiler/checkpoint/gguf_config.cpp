// Model configurations of GGUF files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/dequantize.hpp"
#include "compiler/checkpoint/gguf_keys.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

// Metadata of one architecture: keys stand below "llama.", "phi3.", ...
class Metadata {
 public:
  Metadata(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  [[nodiscard]] std::uint32_t get_count(const std::string& key) const {
    const std::optional<std::uint32_t> value = find_count(key);
    if (!value.has_value()) {
      throw Error(ErrorCode::kFormat,
                  file_.path().string() + ": expected metadata \"" + prefix_ + key + "\", found nothing");
    }
    return *value;
  }
  [[nodiscard]] std::optional<std::uint32_t> find_count(const std::string& key) const {
    const std::optional<std::int64_t> value = file_.find_int(prefix_ + key);
    if (value.has_value() && (*value < 0 || *value > std::int64_t{UINT32_MAX})) {
      throw Error(ErrorCode::kFormat, file_.path().string() + ": metadata \"" + prefix_ + key +
                                          "\": expected 0 to 2^32 - 1, found " + std::to_string(*value));
    }
    if (!value.has_value()) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
  }
  [[nodiscard]] std::optional<double> find_float(const std::string& key) const {
    return file_.find_float(prefix_ + key);
  }
  [[nodiscard]] const std::string* find_string(const std::string& key) const {
    return file_.find_string(prefix_ + key);
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

const GgufTensor* find_tensor(const GgufFile& file, const std::string& tensor_name) {
  const auto found = file.tensors().find(tensor_name);
  return found == file.tensors().end() ? nullptr : &found->second;
}

std::string read_family(const GgufFile& file) {
  const std::string* architecture = file.find_string("general.architecture");
  for (const char* family : {"gemma3", "llama", "phi3", "qwen2", "qwen3"}) {
    if (architecture != nullptr && *architecture == family) return family;
  }
  throw Error(ErrorCode::kUnsupported,
              file.path().string() + ": metadata \"general.architecture\": found " +
                  (architecture != nullptr ? "\"" + printable(*architecture) + "\"" : "nothing") +
                  "; supported: gemma3, llama (also for mistral models), phi3, qwen2, qwen3");
}

// A small list of factors stored as an F32 tensor.
std::vector<double> read_factors(const GgufFile& file, const GgufTensor& tensor, std::uint32_t expected) {
  if (tensor.dtype != Dtype::kF32 || tensor.data.size() != std::uint64_t{expected} * sizeof(float)) {
    throw Error(ErrorCode::kShapeMismatch, file.path().string() + ": tensor \"" + printable(tensor.name) +
                                               "\": expected F32 [" + std::to_string(expected) + "], found " +
                                               ggml_type_name(tensor.type) + " of " +
                                               std::to_string(tensor.data.size()) + " bytes");
  }
  std::vector<float> values(expected);
  dequantize(Dtype::kF32, tensor.data, values);
  return {values.begin(), values.end()};
}

// The divisor of all frequencies: it counts unless the type says "none", whatever tensors of factors there are.
double read_linear_factor(const Metadata& metadata, const std::string* type) {
  if (type != nullptr && *type == "none") return 1;
  std::optional<double> factor = metadata.find_float("rope.scaling.factor");
  if (!factor.has_value()) factor = metadata.find_float("rope.scale_linear");  // the name in old files
  return factor.has_value() && *factor != 0 ? *factor : 1;                     // 0 stands for "not set"
}

void read_rope(ModelConfig& config, const GgufFile& file, const Metadata& metadata) {
  config.rope_style = config.family == "llama" ? "interleaved" : "half";
  RopeSettings& rope = config.rope;
  rope.dims = metadata.find_count("rope.dimension_count").value_or(config.head_dim);
  rope.theta = metadata.find_float("rope.freq_base").value_or(10000);
  const std::string* type = metadata.find_string("rope.scaling.type");
  if (type != nullptr && *type != "none" && *type != "linear" && *type != "longrope") {
    throw Error(ErrorCode::kUnsupported, file.path().string() + ": metadata \"" + config.family +
                                             ".rope.scaling.type\": found \"" + printable(*type) +
                                             "\"; supported: none, linear, longrope");
  }
  rope.factor = read_linear_factor(metadata, type);
  if (rope.factor != 1) rope.scaling = "linear";
  const std::optional<double> attention_factor = metadata.find_float("rope.scaling.attn_factor");
  rope.attention_factor = attention_factor.value_or(1);
  const GgufTensor* shared = find_tensor(file, "rope_freqs.weight");
  const GgufTensor* short_factors = find_tensor(file, "rope_factors_short.weight");
  const GgufTensor* long_factors = find_tensor(file, "rope_factors_long.weight");
  const bool is_longrope = type != nullptr && *type == "longrope";
  if (shared == nullptr && short_factors == nullptr && long_factors == nullptr && !is_longrope) return;
  const std::uint32_t half = rope.dims / 2;
  rope.scaling = "longrope";
  rope.original_context = metadata.find_count("rope.scaling.original_context_length").value_or(config.context_length);
  if (shared != nullptr) {  // llama3 scaling, computed when the file was written: one divisor per frequency
    rope.short_factors = rope.long_factors = read_factors(file, *shared, half);
    return;
  }
  if (short_factors == nullptr || long_factors == nullptr) {
    throw Error(ErrorCode::kFormat, file.path().string() +
                                        ": expected tensors \"rope_factors_short.weight\" and "
                                        "\"rope_factors_long.weight\", found less");
  }
  rope.short_factors = read_factors(file, *short_factors, half);
  rope.long_factors = read_factors(file, *long_factors, half);
  if (!attention_factor.has_value())
    rope.attention_factor = longrope_attention_factor(config.context_length, rope.original_context);
}

// Qwen models have windows in some layers only, and their files do not say in which.
void check_window(const ModelConfig& config, const GgufFile& file) {
  const bool is_qwen = config.family == "qwen2" || config.family == "qwen3";
  if (!is_qwen || config.sliding_window == 0 || config.sliding_window >= config.context_length) return;
  throw Error(ErrorCode::kUnsupported,
              file.path().string() + ": metadata \"" + config.family + ".attention.sliding_window\": found " +
                  std::to_string(config.sliding_window) +
                  ", and nothing about which layers have it; supported: files without this key");
}

// Which layers have a window: a period, or one entry per layer.
std::vector<bool> read_pattern(const ModelConfig& config, const GgufFile& file, const Metadata& metadata) {
  constexpr std::uint32_t kGemmaPeriod = 6;
  const std::string key = config.family + ".attention.sliding_window_pattern";
  const auto entry = file.metadata().find(key);
  const bool is_list = entry != file.metadata().end() && entry->second.is_array();
  if (is_list) {
    const std::vector<std::int64_t> list = file.find_ints(key).value();
    std::vector<bool> windows;
    for (const std::int64_t flag : list) windows.push_back(flag != 0);
    return windows;
  }
  const std::uint32_t period = metadata.find_count("attention.sliding_window_pattern").value_or(kGemmaPeriod);
  if (period == 0) return std::vector<bool>(config.num_layers, true);
  return periodic_windows(config.num_layers, period);
}

// What a block of Gemma 3 has beside that of llama; weights of norms are stored as they multiply.
void read_gemma(ModelConfig& config, const GgufFile& file, const Metadata& metadata) {
  constexpr std::uint32_t kLayersOf27B = 62;  // the one size whose scores are not scaled by its head_dim
  config.gelu = config.post_norms = config.scaled_embeddings = true;
  if (config.num_layers == kLayersOf27B)
    config.attention_scale = 1 / std::sqrt(static_cast<double>(config.hidden_size) / config.num_heads);
  if (config.sliding_window == 0) return;
  config.window_layers = read_pattern(config, file, metadata);
}

// Layers with a window have a base of their own and no scaling.
void read_gemma_rope(ModelConfig& config, const Metadata& metadata) {
  if (config.sliding_window == 0) return;
  RopeSettings window;
  window.dims = config.rope.dims;
  window.theta = metadata.find_float("rope.freq_base_swa").value_or(10000);
  if (window != config.rope) config.window_rope = window;
}

void read_tokens(ModelConfig& config, const GgufFile& file) {
  config.bos_token = file.find_int("tokenizer.ggml.bos_token_id").value_or(-1);
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const std::optional<std::int64_t> token = file.find_int(key);
    if (token.has_value() &&
        std::find(config.eos_tokens.begin(), config.eos_tokens.end(), *token) == config.eos_tokens.end()) {
      config.eos_tokens.push_back(*token);
    }
  }
}

}  // namespace

ModelConfig read_gguf_config(const GgufFile& file) {
  ModelConfig config;
  config.family = read_family(file);
  check_gguf_keys(file, config.family + ".");
  const Metadata metadata(file, config.family + ".");
  const std::string* model_name = file.find_string("general.name");
  if (model_name != nullptr) config.name = *model_name;
  config.hidden_size = metadata.get_count("embedding_length");
  config.intermediate_size = metadata.get_count("feed_forward_length");
  config.num_layers = metadata.get_count("block_count");
  config.num_heads = metadata.get_count("attention.head_count");
  config.num_kv_heads = metadata.find_count("attention.head_count_kv").value_or(config.num_heads);
  config.head_dim = metadata.find_count("attention.key_length")
                        .value_or(config.num_heads == 0 ? 0 : config.hidden_size / config.num_heads);
  if (metadata.find_count("attention.value_length").value_or(config.head_dim) != config.head_dim) {
    throw Error(ErrorCode::kUnsupported,
                file.path().string() + ": expected keys and values of equal length, found different ones");
  }
  const GgufTensor* embedding = find_tensor(file, "token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    throw Error(ErrorCode::kShapeMismatch,
                file.path().string() + ": expected a matrix \"token_embd.weight\", found " +
                    (embedding == nullptr ? "none (a vocabulary-only file?)" : "another shape"));
  }
  config.vocab_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(embedding->shape[0], UINT32_MAX));
  config.context_length = metadata.get_count("context_length");
  config.norm_eps = metadata.find_float("attention.layer_norm_rms_epsilon").value_or(1e-5);
  config.tied_embeddings = find_tensor(file, "output.weight") == nullptr;
  config.qkv_bias = config.family == "qwen2" || find_tensor(file, "blk.0.attn_q.bias") != nullptr;
  config.output_bias = find_tensor(file, "blk.0.attn_output.bias") != nullptr;
  config.mlp_bias = find_tensor(file, "blk.0.ffn_down.bias") != nullptr;
  config.qk_norm = config.family == "qwen3" || config.family == "gemma3";
  config.sliding_window = metadata.find_count("attention.sliding_window").value_or(0);
  check_window(config, file);
  if (config.family == "gemma3") read_gemma(config, file, metadata);
  read_rope(config, file, metadata);
  if (config.family == "gemma3") read_gemma_rope(config, metadata);
  read_tokens(config, file);
  check_config(config, file.path().string());
  return config;
}

}  // namespace xw::checkpoint
