// The safetensors container.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::checkpoint {

/// Tensors of one safetensors file that is mapped or in memory at `bytes`; their data stays there.
/// Checks header length, JSON, shapes, bounds, overlaps and holes. Throws Error{kFormat | kUnsupported} naming
/// `origin`.
[[nodiscard]] std::map<std::string, Tensor> parse_safetensors(std::span<const std::byte> bytes,
                                                              const std::string& origin);

/// True if the bytes begin with a header length and a header: the content says what a file without an extension is.
[[nodiscard]] bool is_safetensors(std::span<const std::byte> bytes);

/// Tensor name -> file name of a model.safetensors.index.json. File names are plain names without folders.
[[nodiscard]] std::map<std::string, std::string> parse_safetensors_index(std::string_view text,
                                                                         const std::string& origin);

}  // namespace xw::checkpoint
