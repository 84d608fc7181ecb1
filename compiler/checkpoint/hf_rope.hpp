// Rotary settings of a config.json, wherever transformers 4 and 5 write them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/json.hpp"

namespace xw::checkpoint {

/// Fills `rope` and `window_rope` of a configuration whose family, head_dim, context length and window are known.
///
/// `json` is the whole config.json: `rope_theta`, `partial_rotary_factor` (phi3) and `original_max_position_embeddings`
/// beside an object `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5), which may hold them itself
/// and may be nested by layer type ("full_attention", "sliding_attention"). A key inside wins over one outside, except
/// `original_max_position_embeddings`, as in transformers.
/// Throws Error{kFormat | kUnsupported} for types and keys that the type does not use, naming `origin`.
void read_hf_rope(ModelConfig& config, const JsonObject& json, const std::string& origin);

}  // namespace xw::checkpoint
