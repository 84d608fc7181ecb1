// The GPT-2 byte alphabet: every byte as a printable character.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xw::tokenizer {

/// The code point that stands for `byte`: itself if printable Latin-1, else U+0100 upwards in order.
[[nodiscard]] std::uint32_t byte_to_code_point(std::uint8_t byte);
/// Bytes written in the alphabet.
[[nodiscard]] std::string to_byte_alphabet(std::string_view bytes);
/// The bytes of a token; nothing if a character is not of the alphabet.
[[nodiscard]] std::optional<std::string> from_byte_alphabet(std::string_view token);

}  // namespace xw::tokenizer
