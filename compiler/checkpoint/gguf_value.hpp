// Values of GGUF metadata as they stand in the file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

/// Reads one value of ggml's metadata type number `type`; `what` names it in messages. Throws Error{kFormat}.
[[nodiscard]] GgufValue read_gguf_value(ByteReader& reader, std::uint32_t type, const std::string& what);

}  // namespace xw::checkpoint
