// Upper, lower and title case of characters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace xw::tokenizer {

enum class LetterCase : std::uint8_t { kUpper, kLower, kTitle };

/// What a code point becomes: one to three code points (Unicode's full mappings without those that depend on the text
/// around), or nothing if it stays as it is. The view is valid until the next call of the same thread.
[[nodiscard]] std::u32string_view map_case(char32_t code_point, LetterCase to);
/// Whether a code point has another case.
[[nodiscard]] bool is_cased(char32_t code_point);

}  // namespace xw::tokenizer
