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
  void add_symbols(const std::unordered_map<std::string_view, TokenId>& pieces);
  void add_merges(const std::unordered_map<std::string_view, TokenId>& pieces);
  void encode_piece(std::string_view piece, std::vector<TokenId>& ids) const;
  void emit(Symbol symbol, const std::vector<Joined>& joins, std::vector<TokenId>& ids) const;
  void emit_bytes(std::string_view bytes, std::vector<TokenId>& ids) const;

  const TokenizerData& data_;
  std::optional<SplitRegexes> regexes_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_{};
  std::unordered_map<std::uint32_t, Symbol> characters_;  ///< code point -> token id, or num_tokens + index
  std::vector<std::string> plain_characters_;             ///< characters that occur in tokens but are none
  bool has_unused_ = false;
};

}  // namespace xw::tokenizer
