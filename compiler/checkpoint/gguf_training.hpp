// For which hardware the model of a GGUF file was trained: metadata that other programs pass over.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "compiler/checkpoint/checkpoint_parts.hpp"
#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

/// A string: the hardware, as rpu_config.json has it (analog_training.hpp).
inline constexpr std::string_view kGgufTrainingKey = "crossweave.rpu_config";
/// Before the canonical name of a linear layer ("model.layers.0.self_attn.q_proj"); arrays of floats: its input ranges.
inline constexpr std::string_view kGgufRangePrefix = "crossweave.input_range.";

/// Gives `parts` the training and the input ranges (as tensors "LINEAR.input_range") that stand in the metadata, if any
/// do. Throws Error{kFormat} for values of another type, and what parse_rpu_config throws.
void add_gguf_training(CheckpointParts& parts, const GgufFile& file);

}  // namespace xw::checkpoint
