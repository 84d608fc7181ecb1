// Finds special tokens in text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

/// A set of token texts; finds the leftmost occurrence of any, the longest where several start.
class SpecialTokens {
 public:
  struct Match {
    std::size_t begin = 0, end = 0;
    TokenId id = -1;
  };

  /// Adds a text (empty ones are ignored).
  void add(std::string_view text, TokenId id);
  /// First match in `text` at or after `pos`.
  [[nodiscard]] std::optional<Match> find(std::string_view text, std::size_t pos) const;

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;  ///< (node, byte) -> node
  std::vector<TokenId> ends_{-1};                           ///< token that ends at a node
  std::array<bool, 256> starts_{};
};

}  // namespace xw::tokenizer
