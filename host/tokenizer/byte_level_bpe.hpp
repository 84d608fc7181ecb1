// Byte-level byte-pair encoding (GPT-2, Llama 3, SmolLM, Qwen 2).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/tokenizer/merge.hpp"
#include "host/tokenizer/split_regex.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

/// Encodes text without special tokens. Thread safe for const use.
class ByteLevelBpe {
 public:
  /// `data` must be checked and outlive the encoder.
  explicit ByteLevelBpe(const TokenizerData& data);
  /// Appends the ids of `text`, which starts the text or follows a special token. Any bytes are allowed; bytes for
  /// which the vocabulary has no token are left out, as other implementations do.
  void encode(std::string_view text, std::vector<TokenId>& ids) const;

 private:
  void encode_word(std::string_view word, std::vector<Symbol>& symbols) const;

  const TokenizerData& data_;
  SplitRegexes regexes_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_{};
  std::unordered_map<std::string, TokenId> whole_words_;  ///< by their bytes; only if merges may be ignored
};

}  // namespace xw::tokenizer
