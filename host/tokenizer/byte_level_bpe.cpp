// Byte-level byte-pair encoding (GPT-2, Llama 3, SmolLM, Qwen 2).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/byte_level_bpe.hpp"

#include <string>
#include <utility>

#include "host/tokenizer/byte_alphabet.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/token_index.hpp"

namespace xw::tokenizer {

ByteLevelBpe::ByteLevelBpe(const TokenizerData& data)
    : data_(data), regexes_(data.split_regexes), merges_(data.merges.size()) {
  const TokenIndex ids = index_tokens(data, [](TokenType type) { return type != TokenType::kByte; });
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens_[byte] = ids.find(to_byte_alphabet({&c, 1}));
  }
  std::string joined;
  for (std::size_t rank = 0; rank < data.merges.size(); ++rank) {
    const auto [left, right] = halves_of_merge(data.merges[rank]).value();
    joined.assign(left).append(right);
    merges_.insert(ids.find(left), ids.find(right), {static_cast<std::uint32_t>(rank), ids.find(joined)});
  }
  if (!data.ignore_merges) return;
  whole_words_.reserve(data.tokens.size());
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    if (data.types[i] != TokenType::kNormal) continue;
    if (auto bytes = from_byte_alphabet(data.tokens[i]))
      whole_words_.emplace(std::move(*bytes), static_cast<TokenId>(i));
  }
}

void ByteLevelBpe::encode_word(std::string_view word, std::vector<Symbol>& symbols) const {
  symbols.clear();
  if (data_.ignore_merges) {
    if (const auto it = whole_words_.find(std::string(word)); it != whole_words_.end()) {
      symbols.push_back(it->second);
      return;
    }
  }
  for (const char c : word) {
    symbols.push_back(byte_tokens_[static_cast<std::uint8_t>(c)]);
  }
  merge_symbols(symbols, merges_);
  std::erase(symbols, -1);
}

void ByteLevelBpe::encode(std::string_view text, std::vector<TokenId>& ids) const {
  std::string prefixed;
  if (data_.add_space_prefix && !text.empty() && text.front() != ' ') {
    prefixed.assign(1, ' ').append(text);
    text = prefixed;
  }
  // Words repeat: remember where in `ids` a word was encoded before.
  struct Range {
    std::size_t begin, end;
  };
  std::unordered_map<std::string_view, Range> seen;
  std::vector<Symbol> symbols;
  for (const std::string_view word : regexes_.split(text)) {
    const auto [it, inserted] = seen.try_emplace(word, Range{0, 0});
    if (inserted) {
      encode_word(word, symbols);
      it->second = {ids.size(), ids.size() + symbols.size()};
      ids.insert(ids.end(), symbols.begin(), symbols.end());
    } else {
      for (std::size_t i = it->second.begin; i < it->second.end; ++i) ids.push_back(TokenId{ids[i]});
    }
  }
}

}  // namespace xw::tokenizer
