// Consistency of tokenizer data, whatever it was read from.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

inline constexpr std::size_t kMaxTokens = std::size_t{1} << 22;
inline constexpr std::size_t kMaxTokenBytes = 4096;
inline constexpr std::size_t kMaxMerges = std::size_t{1} << 23;
inline constexpr std::size_t kMaxRegexes = 16;
inline constexpr std::size_t kMaxTemplateBytes = std::size_t{1} << 20;

/// Throws Error{kFormat} naming `origin` for the first thing that is wrong: no tokens, lists of different lengths,
/// limits exceeded, empty or duplicate tokens, ids out of range, scores that are not finite, malformed byte tokens,
/// merges that name unknown tokens.
void check(const TokenizerData& data, const std::string& origin);

/// Sets `end_of_generation`: eos and every control token with a well-known text (<|im_end|>, <|eot_id|>, ...).
void find_end_of_generation(TokenizerData& data);

/// The byte of a byte token's text "<0xHH>".
[[nodiscard]] std::optional<std::uint8_t> byte_of_token(std::string_view text);

/// The two halves of a merge "left right"; nothing if there is no space between two non-empty halves.
[[nodiscard]] std::optional<std::pair<std::string_view, std::string_view>> halves_of_merge(std::string_view merge);

}  // namespace xw::tokenizer
