// SentencePiece byte-pair encoding (Llama 1 and 2, Mistral, Phi-3, llama2.c).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/sentencepiece_bpe.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "host/tokenizer/check.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

/// Orders floats as unsigned integers, the highest score first.
std::uint32_t priority_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 is 0
  const std::uint32_t ascending = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return ~ascending;
}

/// Bytes of the visible spaces that `text` starts with.
std::size_t leading_spaces(std::string_view text) {
  std::size_t end = 0;
  while (text.substr(end).starts_with(kSpaceSymbol)) end += kSpaceSymbol.size();
  return end;
}

bool can_merge(TokenType type) {
  return type == TokenType::kNormal || type == TokenType::kUserDefined || type == TokenType::kUnused;
}

}  // namespace

SentencePieceBpe::SentencePieceBpe(const TokenizerData& data) : data_(data) {
  if (!data.split_regexes.empty()) regexes_.emplace(data.split_regexes);
  byte_tokens_.fill(-1);
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    const std::string& token = data.tokens[i];
    const auto id = static_cast<TokenId>(i);
    if (data.types[i] == TokenType::kByte) byte_tokens_[byte_of_token(token).value()] = id;
    if (data.types[i] == TokenType::kUnused) has_unused_ = true;
    if (!can_merge(data.types[i])) continue;
    if (token.find(kSpaceSymbol, leading_spaces(token)) != std::string::npos) words_are_independent_ = false;
  }
  const TokenIndex pieces = index_tokens(data, can_merge);
  add_symbols(pieces);
  add_merges(pieces);
}

void SentencePieceBpe::add_symbols(const TokenIndex& pieces) {
  for (std::size_t i = 0; i < data_.tokens.size(); ++i) {
    if (!can_merge(data_.types[i])) continue;
    const std::string_view token = data_.tokens[i];
    for (std::size_t pos = 0; pos < token.size();) {
      const Utf8Char c = utf8_at(token, pos);
      const std::string_view text = token.substr(pos, c.length);
      pos += c.length;
      if (!c.valid || characters_.contains(c.code_point)) continue;
      if (const TokenId id = pieces.find(text); id >= 0) {
        characters_.emplace(c.code_point, id);
      } else {
        characters_.emplace(c.code_point, static_cast<Symbol>(data_.tokens.size() + plain_characters_.size()));
        plain_characters_.emplace_back(text);
      }
    }
  }
}

void SentencePieceBpe::add_merges(const TokenIndex& pieces) {
  const auto symbol_of = [&](std::string_view text) -> Symbol {
    if (const TokenId id = pieces.find(text); id >= 0) return id;
    const Utf8Char c = utf8_at(text, 0);
    const auto it = c.valid && c.length == text.size() ? characters_.find(c.code_point) : characters_.end();
    return it == characters_.end() ? -1 : it->second;
  };
  if (!data_.merges.empty()) {
    std::string joined;
    for (std::size_t rank = 0; rank < data_.merges.size(); ++rank) {
      const auto [left, right] = halves_of_merge(data_.merges[rank]).value();
      joined.assign(left).append(right);
      const Symbol l = symbol_of(left);
      const Symbol r = symbol_of(right);
      const Symbol result = symbol_of(joined);
      if (l >= 0 && r >= 0 && result >= 0) merges_.insert(l, r, {static_cast<std::uint32_t>(rank), result});
    }
    return;
  }
  for (std::size_t i = 0; i < data_.tokens.size(); ++i) {  // every way to cut a token into two symbols
    const std::string_view text = data_.tokens[i];
    const auto id = static_cast<TokenId>(i);
    if (!can_merge(data_.types[i]) || text.empty() || pieces.find(text) != id) continue;
    const std::uint32_t priority = priority_of(data_.scores[i]);
    for (std::size_t cut = utf8_at(text, 0).length; cut < text.size(); cut += utf8_at(text, cut).length) {
      const Symbol left = symbol_of(text.substr(0, cut));
      const Symbol right = left < 0 ? -1 : symbol_of(text.substr(cut));
      if (right >= 0) merges_.insert(left, right, {priority, id});
    }
  }
}

std::vector<std::string_view> SentencePieceBpe::words_of(std::string_view text) const {
  if (regexes_) return regexes_->split(text);
  if (!words_are_independent_) return {text};
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t visible = begin + leading_spaces(text.substr(begin));
    const std::size_t end = std::min(text.find(kSpaceSymbol, visible), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

void SentencePieceBpe::encode(std::string_view segment, bool prefix, std::vector<TokenId>& ids) const {
  std::string text(prefix ? kSpaceSymbol : "");
  text += replace_all(segment, " ", kSpaceSymbol);
  std::unordered_map<std::string_view, std::vector<TokenId>> seen;  // words repeat
  bool after_unknown = false;
  for (const std::string_view word : words_of(text)) {
    const auto [it, inserted] = seen.try_emplace(word);
    std::vector<TokenId>& word_ids = it->second;
    if (inserted) encode_word(word, word_ids);
    if (word_ids.empty()) continue;
    const bool skip_first = after_unknown && word_ids.front() == data_.unknown;  // one unknown token per run
    ids.insert(ids.end(), word_ids.begin() + (skip_first ? 1 : 0), word_ids.end());
    after_unknown = word_ids.back() == data_.unknown;
  }
}

void SentencePieceBpe::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  // Characters that no token has are written -1 - offset: they never merge and become bytes or unknown.
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (std::size_t pos = 0; pos < word.size();) {
    const Utf8Char c = utf8_at(word, pos);
    const auto it = c.valid ? characters_.find(c.code_point) : characters_.end();
    symbols.push_back(it != characters_.end() ? it->second : -1 - static_cast<Symbol>(pos));
    pos += c.length;
  }
  std::vector<Joined> joins;
  merge_symbols(symbols, merges_, has_unused_ ? &joins : nullptr);
  bool after_unknown = false;
  for (const Symbol symbol : symbols) {
    const std::size_t before = ids.size();
    if (symbol < 0) {
      const auto pos = static_cast<std::size_t>(-1 - symbol);
      emit_bytes(word.substr(pos, utf8_at(word, pos).length), ids);
    } else {
      emit(symbol, joins, ids);
    }
    const bool is_unknown = ids.size() == before + 1 && ids.back() == data_.unknown;
    if (is_unknown && after_unknown) ids.pop_back();
    after_unknown = is_unknown;
  }
}

void SentencePieceBpe::emit(Symbol symbol, const std::vector<Joined>& joins, std::vector<TokenId>& ids) const {
  std::vector<Symbol> stack{symbol};
  while (!stack.empty()) {
    const Symbol top = stack.back();
    stack.pop_back();
    const auto index = static_cast<std::size_t>(top);
    if (index >= data_.tokens.size()) {
      emit_bytes(plain_characters_[index - data_.tokens.size()], ids);
      continue;
    }
    const auto join =
        data_.types[index] == TokenType::kUnused ? std::ranges::find(joins, top, &Joined::result) : joins.end();
    if (join == joins.end()) {
      ids.push_back(top);
    } else {  // an unused token only helps to find longer ones
      stack.push_back(join->right);
      stack.push_back(join->left);
    }
  }
}

void SentencePieceBpe::emit_bytes(std::string_view bytes, std::vector<TokenId>& ids) const {
  const bool all =
      std::ranges::all_of(bytes, [this](char c) { return byte_tokens_[static_cast<std::uint8_t>(c)] >= 0; });
  if (all) {
    for (const char c : bytes) ids.push_back(byte_tokens_[static_cast<std::uint8_t>(c)]);
  } else if (data_.unknown >= 0) {
    ids.push_back(data_.unknown);
  }
}

}  // namespace xw::tokenizer
