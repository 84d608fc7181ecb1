// Model configurations from the headers of checkpoint formats.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

/// A Hugging Face config.json. Throws Error{kFormat | kUnsupported | kShapeMismatch | kNotFinite} naming `origin`.
[[nodiscard]] ModelConfig parse_hf_config(std::string_view text, const std::string& origin);
/// Adds the end-of-sequence tokens of a generation_config.json that are not there yet.
void add_generation_config(ModelConfig& config, std::string_view text, const std::string& origin);
/// GGUF metadata (and the rope factor tensors and shapes that stand in for metadata). Throws as parse_hf_config().
[[nodiscard]] ModelConfig read_gguf_config(const GgufFile& file);

/// Checks what no format guarantees: ranges, divisibility, finite numbers, lengths of lists. Special tokens outside the
/// vocabulary, which the model can neither read nor write, are dropped with a warning.
void check_config(ModelConfig& config, const std::string& origin);
/// longrope: attention factor of a model stretched from `original` to `context` positions.
[[nodiscard]] double longrope_attention_factor(double context, double original);
/// Layers with a window where layer i of every `period` has none if it is the last one, as Gemma 3 has them.
[[nodiscard]] std::vector<bool> periodic_windows(std::uint32_t num_layers, std::uint32_t period);
/// Families for messages.
[[nodiscard]] const char* supported_families();

}  // namespace xw::checkpoint
