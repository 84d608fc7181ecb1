// Strict UTF-8.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xw {

/// What stands at a place of a text: a code point, or one byte that is not part of well-formed UTF-8.
struct Utf8Char {
  std::uint32_t code_point = 0;  ///< the byte itself if not valid
  std::size_t length = 1;
  bool valid = false;
};

/// Decodes at `pos` (< text.size()). Overlong forms, surrogates and values above U+10FFFF are not valid.
[[nodiscard]] Utf8Char utf8_at(std::string_view text, std::size_t pos);
/// Appends a code point (<= U+10FFFF).
void append_utf8(std::string& text, std::uint32_t code_point);
/// Length of the longest prefix of text.substr(pos) that is well-formed.
[[nodiscard]] std::size_t valid_prefix_length(std::string_view text, std::size_t pos);
/// Number of bytes at the end of `text` (0..3) that start a well-formed sequence but do not finish it.
[[nodiscard]] std::size_t incomplete_suffix_length(std::string_view text);

}  // namespace xw
