// The checkpoint format of llama2.c.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::checkpoint {

/// A parsed llama2.c file: tensors have canonical Hugging Face names, one per layer, as slices of the file.
struct Llama2cModel {
  ModelConfig config;
  std::map<std::string, Tensor> tensors;
};

/// Reads version 0 (no magic, seven integers) and version 1 (256-byte header); both fp32. `bytes` must outlive the
/// result. Throws Error{kFormat | kUnsupported | kShapeMismatch} naming `origin`.
[[nodiscard]] Llama2cModel parse_llama2c(std::span<const std::byte> bytes, const std::string& origin);

/// True if the bytes have the magic of version 1, or are a file of version 0 to the last byte (it has no magic).
[[nodiscard]] bool looks_like_llama2c(std::span<const std::byte> bytes);

}  // namespace xw::checkpoint
