// Token texts to ids.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

/// A hash table over the texts of a vocabulary, which must outlive it; open addressing, without copies of the texts.
class TokenIndex {
 public:
  /// Empty, with room for all of `tokens`.
  explicit TokenIndex(const std::vector<std::string>& tokens);
  /// Adds tokens[id] unless its text is there already; returns the id that the text has now.
  TokenId insert(TokenId id);
  /// Lets the text of tokens[id] stand for `id`, whatever it stood for.
  void assign(TokenId id);
  /// The id of a text, or -1.
  [[nodiscard]] TokenId find(std::string_view text) const noexcept;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = -1;
  };
  [[nodiscard]] std::size_t slot_of(std::string_view text, std::uint32_t hash) const noexcept;

  const std::vector<std::string>& tokens_;
  std::vector<Slot> slots_;
};

/// An index over tokens of the given types; where several share a text, one that is not kUnused counts.
[[nodiscard]] TokenIndex index_tokens(const TokenizerData& data, bool (*is_wanted)(TokenType));

}  // namespace xw::tokenizer
