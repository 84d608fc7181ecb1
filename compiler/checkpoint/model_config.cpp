// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/model_config.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/warning.hpp"

namespace xw::checkpoint {
namespace {

struct CheckedCount {
  const char* name;
  std::uint64_t value;
  std::uint64_t max;
};

void check_counts(const ModelConfig& config, const std::string& origin) {
  const std::initializer_list<CheckedCount> counts = {
      {"hidden_size", config.hidden_size, 1U << 20},   {"intermediate_size", config.intermediate_size, 1U << 24},
      {"num_layers", config.num_layers, 4096},         {"num_heads", config.num_heads, 1U << 16},
      {"num_kv_heads", config.num_kv_heads, 1U << 16}, {"head_dim", config.head_dim, 1U << 16},
      {"vocab_size", config.vocab_size, 1U << 26},     {"context_length", config.context_length, 1U << 30}};
  for (const CheckedCount& count : counts) {
    if (count.value == 0 || count.value > count.max) {
      throw Error(ErrorCode::kFormat, origin + ": " + count.name + ": expected 1 to " + std::to_string(count.max) +
                                          ", found " + std::to_string(count.value));
    }
  }
  if (config.num_heads % config.num_kv_heads != 0) {
    throw Error(ErrorCode::kShapeMismatch, origin + ": expected num_heads to be a multiple of num_kv_heads, found " +
                                               std::to_string(config.num_heads) + " and " +
                                               std::to_string(config.num_kv_heads));
  }
  if (std::uint64_t{config.num_heads} * config.head_dim > 1U << 24) {
    throw Error(ErrorCode::kFormat, origin + ": expected num_heads * head_dim of at most 2^24, found " +
                                        std::to_string(config.num_heads) + " * " + std::to_string(config.head_dim));
  }
}

void check_number(const char* what, double value, const std::string& origin) {
  if (!std::isfinite(value)) {
    throw Error(ErrorCode::kNotFinite,
                origin + ": " + what + ": expected a finite number, found " + std::to_string(value));
  }
  if (value <= 0) {
    throw Error(ErrorCode::kFormat,
                origin + ": " + what + ": expected a positive number, found " + std::to_string(value));
  }
}

void check_layers(const ModelConfig& config, const std::string& origin) {
  if (config.window_layers.empty() || config.window_layers.size() == config.num_layers) return;
  throw Error(ErrorCode::kShapeMismatch, origin + ": expected one entry per layer in the pattern of sliding windows (" +
                                             std::to_string(config.num_layers) + "), found " +
                                             std::to_string(config.window_layers.size()));
}

void check_rope(const RopeSettings& rope, std::uint32_t head_dim, const std::string& origin) {
  if (rope.dims < 2 || rope.dims % 2 != 0 || rope.dims > head_dim) {
    throw Error(ErrorCode::kShapeMismatch, origin +
                                               ": expected an even number of rotated dimensions from 2 to head_dim " +
                                               std::to_string(head_dim) + ", found " + std::to_string(rope.dims));
  }
  check_number("rope_theta", rope.theta, origin);
  check_number("rope_factor", rope.factor, origin);
  check_number("rope_low_freq_factor", rope.low_freq_factor, origin);
  check_number("rope_high_freq_factor", rope.high_freq_factor, origin);
  check_number("rope_attention_factor", rope.attention_factor, origin);
  for (const double factor : rope.short_factors) check_number("rope short factor", factor, origin);
  for (const double factor : rope.long_factors) check_number("rope long factor", factor, origin);
  const bool needs_original = rope.scaling == "llama3" || rope.scaling == "longrope";
  if (needs_original && (rope.original_context == 0 || rope.original_context > 1U << 30)) {
    throw Error(ErrorCode::kFormat, origin + ": rope scaling " + rope.scaling +
                                        ": expected an original context length of 1 to 2^30, found " +
                                        std::to_string(rope.original_context));
  }
  if (rope.scaling == "llama3" && rope.low_freq_factor >= rope.high_freq_factor) {
    throw Error(ErrorCode::kFormat,
                origin + ": rope scaling llama3: expected low_freq_factor < high_freq_factor, found " +
                    std::to_string(rope.low_freq_factor) + " and " + std::to_string(rope.high_freq_factor));
  }
  if (rope.scaling != "longrope") return;
  for (const std::vector<double>* factors : {&rope.short_factors, &rope.long_factors}) {
    if (factors->size() != rope.dims / 2) {
      throw Error(ErrorCode::kShapeMismatch, origin + ": rope scaling longrope: expected " +
                                                 std::to_string(rope.dims / 2) + " factors, found " +
                                                 std::to_string(factors->size()));
    }
  }
}

}  // namespace

const char* supported_families() {
  return "gemma3, llama, mistral, phi3, qwen2, qwen3";
}

std::vector<bool> periodic_windows(std::uint32_t num_layers, std::uint32_t period) {
  std::vector<bool> windows(num_layers);
  for (std::uint32_t i = 0; i < num_layers; ++i) windows[i] = (i + 1) % period != 0;
  return windows;
}

double longrope_attention_factor(double context, double original) {
  const double stretch = context / original;
  return stretch <= 1 ? 1 : std::sqrt(1 + std::log(stretch) / std::log(original));
}

void check_config(ModelConfig& config, const std::string& origin) {
  check_counts(config, origin);
  check_number("norm_eps", config.norm_eps, origin);
  if (config.attention_scale != 0) check_number("attention scale", config.attention_scale, origin);
  check_layers(config, origin);
  check_rope(config.rope, config.head_dim, origin);
  if (config.window_rope.has_value()) check_rope(*config.window_rope, config.head_dim, origin);
  const auto is_outside = [&](std::int64_t token, const char* what) {
    const bool outside = token < -1 || token >= std::int64_t{config.vocab_size};
    if (outside) {
      warn(origin + ": " + what + "-of-sequence token " + std::to_string(token) +
           " is ignored: the vocabulary has only " + std::to_string(config.vocab_size) + " tokens");
    }
    return outside;
  };
  std::erase_if(config.eos_tokens, [&](std::int64_t token) { return is_outside(token, "end"); });
  if (is_outside(config.bos_token, "begin")) config.bos_token = -1;
}

}  // namespace xw::checkpoint
