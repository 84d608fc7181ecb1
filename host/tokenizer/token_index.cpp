// Token texts to ids.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/token_index.hpp"

#include <bit>
#include <functional>

namespace xw::tokenizer {
namespace {

std::uint32_t hash_of(std::string_view text) {
  const std::size_t hash = std::hash<std::string_view>()(text);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

TokenIndex::TokenIndex(const std::vector<std::string>& tokens)
    : tokens_(tokens), slots_(std::bit_ceil(tokens.size() * 2 + 2)) {}

std::size_t TokenIndex::slot_of(std::string_view text, std::uint32_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot].id >= 0 &&
         (slots_[slot].hash != hash || tokens_[static_cast<std::size_t>(slots_[slot].id)] != text)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

TokenId TokenIndex::insert(TokenId id) {
  const std::string& text = tokens_[static_cast<std::size_t>(id)];
  const std::uint32_t hash = hash_of(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.id < 0) slot = {hash, id};
  return slot.id;
}

void TokenIndex::assign(TokenId id) {
  const std::string& text = tokens_[static_cast<std::size_t>(id)];
  const std::uint32_t hash = hash_of(text);
  slots_[slot_of(text, hash)] = {hash, id};
}

TokenId TokenIndex::find(std::string_view text) const noexcept {
  return slots_[slot_of(text, hash_of(text))].id;
}

TokenIndex index_tokens(const TokenizerData& data, bool (*is_wanted)(TokenType)) {
  TokenIndex index(data.tokens);
  for (const bool unused : {false, true}) {
    for (std::size_t i = 0; i < data.tokens.size(); ++i) {
      const TokenType type = data.types[i];
      if ((type == TokenType::kUnused) == unused && is_wanted(type) && !data.tokens[i].empty()) {
        index.insert(static_cast<TokenId>(i));
      }
    }
  }
  return index;
}

}  // namespace xw::tokenizer
