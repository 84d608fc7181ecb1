// Finds special tokens in text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/special_tokens.hpp"

namespace xw::tokenizer {
namespace {

std::uint64_t edge(std::uint32_t node, char byte) {
  return (static_cast<std::uint64_t>(node) << 8) | static_cast<std::uint8_t>(byte);
}

}  // namespace

void SpecialTokens::add(std::string_view text, TokenId id) {
  if (text.empty()) return;
  starts_[static_cast<std::uint8_t>(text.front())] = true;
  std::uint32_t node = 0;
  for (const char c : text) {
    const auto [it, inserted] = edges_.try_emplace(edge(node, c), static_cast<std::uint32_t>(ends_.size()));
    if (inserted) ends_.push_back(-1);
    node = it->second;
  }
  ends_[node] = id;
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text, std::size_t pos) const {
  if (edges_.empty()) return std::nullopt;
  for (; pos < text.size(); ++pos) {
    if (!starts_[static_cast<std::uint8_t>(text[pos])]) continue;
    std::optional<Match> longest;
    std::uint32_t node = 0;
    for (std::size_t end = pos; end < text.size(); ++end) {
      const auto it = edges_.find(edge(node, text[end]));
      if (it == edges_.end()) break;
      node = it->second;
      if (ends_[node] >= 0) longest = Match{pos, end + 1, ends_[node]};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

}  // namespace xw::tokenizer
