// Metadata of a GGUF file that asks for mathematics which no supported family has.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

/// Everything below the architecture's prefix ("llama.") describes what the model computes: throws Error{kUnsupported}
/// for a key that is not known and for one whose value is not the only one supported.
void check_gguf_keys(const GgufFile& file, const std::string& prefix);

}  // namespace xw::checkpoint
