// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/model_config.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "arch/support/error.hpp"

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
  if (config.rope_dims < 2 || config.rope_dims % 2 != 0 || config.rope_dims > config.head_dim) {
    throw Error(ErrorCode::kShapeMismatch,
                origin + ": expected an even number of rotated dimensions from 2 to head_dim " +
                    std::to_string(config.head_dim) + ", found " + std::to_string(config.rope_dims));
  }
}

void check_numbers(const ModelConfig& config, const std::string& origin) {
  const std::initializer_list<std::pair<const char*, double>> numbers = {
      {"norm_eps", config.norm_eps},
      {"rope_theta", config.rope_theta},
      {"rope_factor", config.rope_factor},
      {"rope_low_freq_factor", config.rope_low_freq_factor},
      {"rope_high_freq_factor", config.rope_high_freq_factor},
      {"rope_attention_factor", config.rope_attention_factor}};
  const auto check = [&](const char* what, double value) {
    if (!std::isfinite(value)) {
      throw Error(ErrorCode::kNotFinite,
                  origin + ": " + what + ": expected a finite number, found " + std::to_string(value));
    }
    if (value <= 0) {
      throw Error(ErrorCode::kFormat,
                  origin + ": " + what + ": expected a positive number, found " + std::to_string(value));
    }
  };
  for (const auto& [what, value] : numbers) check(what, value);
  for (const double factor : config.rope_short) check("rope short factor", factor);
  for (const double factor : config.rope_long) check("rope long factor", factor);
}

void check_scaling(const ModelConfig& config, const std::string& origin) {
  const bool needs_original = config.rope_scaling == "llama3" || config.rope_scaling == "longrope";
  if (needs_original && (config.rope_original_context == 0 || config.rope_original_context > 1U << 30)) {
    throw Error(ErrorCode::kFormat, origin + ": rope scaling " + config.rope_scaling +
                                        ": expected an original context length of 1 to 2^30, found " +
                                        std::to_string(config.rope_original_context));
  }
  if (config.rope_scaling == "llama3" && config.rope_low_freq_factor >= config.rope_high_freq_factor) {
    throw Error(ErrorCode::kFormat, origin +
                                        ": rope scaling llama3: expected low_freq_factor < high_freq_factor, found " +
                                        std::to_string(config.rope_low_freq_factor) + " and " +
                                        std::to_string(config.rope_high_freq_factor));
  }
  if (config.rope_scaling != "longrope") return;
  for (const std::vector<double>* factors : {&config.rope_short, &config.rope_long}) {
    if (factors->size() != config.rope_dims / 2) {
      throw Error(ErrorCode::kShapeMismatch, origin + ": rope scaling longrope: expected " +
                                                 std::to_string(config.rope_dims / 2) + " factors, found " +
                                                 std::to_string(factors->size()));
    }
  }
}

}  // namespace

const char* supported_families() {
  return "llama, mistral, phi3, qwen2";
}

double longrope_attention_factor(double context, double original) {
  const double stretch = context / original;
  return stretch <= 1 ? 1 : std::sqrt(1 + std::log(stretch) / std::log(original));
}

void check_config(const ModelConfig& config, const std::string& origin) {
  check_counts(config, origin);
  check_numbers(config, origin);
  check_scaling(config, origin);
  const auto is_outside = [&](std::int64_t token) { return token < -1 || token >= std::int64_t{config.vocab_size}; };
  for (const std::int64_t token : config.eos_tokens) {
    if (is_outside(token)) {
      throw Error(ErrorCode::kFormat, origin + ": end-of-sequence token: expected an id below " +
                                          std::to_string(config.vocab_size) + ", found " + std::to_string(token));
    }
  }
  if (is_outside(config.bos_token)) {
    throw Error(ErrorCode::kFormat, origin + ": begin-of-sequence token: expected an id below " +
                                        std::to_string(config.vocab_size) + ", found " +
                                        std::to_string(config.bos_token));
  }
}

}  // namespace xw::checkpoint
