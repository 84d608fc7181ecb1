// SentencePiece byte-pair encoding (Llama 1 and 2, Mistral, Phi-3, llama2.c).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/tokenizer/merge.hpp"
#include "host/tokenizer/split_regex.hpp"
#include "host/tokenizer/token_index.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

/// Encodes text without special tokens: merges by score (or by rank if the data has merges), then byte tokens for
/// what the vocabulary lacks, the unknown token (once per run) where there are no byte tokens. Thread safe for const use.
class SentencePieceBpe {
 public:
  /// `data` must be checked and outlive the encoder.
  explicit SentencePieceBpe(const TokenizerData& data);
  /// Appends the ids of `segment`. `prefix`: it gets the space prefix.
  void encode(std::string_view segment, bool prefix, std::vector<TokenId>& ids) const;

 private:
  void add_symbols(const TokenIndex& pieces);
  void add_merges(const TokenIndex& pieces);
  [[nodiscard]] std::vector<std::string_view> words_of(std::string_view text) const;
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;
  void emit(Symbol symbol, const std::vector<Joined>& joins, std::vector<TokenId>& ids) const;
  void emit_bytes(std::string_view bytes, std::vector<TokenId>& ids) const;

  const TokenizerData& data_;
  std::optional<SplitRegexes> regexes_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_{};
  std::unordered_map<std::uint32_t, Symbol> characters_;  ///< code point -> token id, or num_tokens + index
  std::vector<std::string> plain_characters_;             ///< characters that occur in tokens but are none
  bool has_unused_ = false;
  bool words_are_independent_ = true;  ///< no token has a U+2581 after another character: no merge crosses that place
};

}  // namespace xw::tokenizer
