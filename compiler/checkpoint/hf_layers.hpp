// Which layers of a Hugging Face model attend to a window only.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/json.hpp"

namespace xw::checkpoint {

/// Fills `sliding_window` and `window_layers` of a configuration whose family and number of layers are known, from
/// `sliding_window`, `use_sliding_window`, `max_window_layers`, `sliding_window_pattern` and `layer_types`, as far as
/// the family has them. Throws Error{kFormat | kUnsupported} naming `origin`.
void read_hf_windows(ModelConfig& config, const JsonObject& json, const std::string& origin);

}  // namespace xw::checkpoint
