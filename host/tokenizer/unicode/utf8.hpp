// UTF-8 as tokenizers need it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "arch/support/utf8.hpp"

namespace xw::tokenizer {

using xw::append_utf8;
using xw::incomplete_suffix_length;
using xw::utf8_at;
using xw::Utf8Char;
using xw::valid_prefix_length;

/// Unicode property White_Space.
[[nodiscard]] bool is_white_space(std::uint32_t code_point);

/// U+2581, SentencePiece's visible space.
inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";
/// U+FFFD.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// `text` with every occurrence of `from` (not empty) replaced.
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace xw::tokenizer
