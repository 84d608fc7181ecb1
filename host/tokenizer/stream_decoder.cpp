// Streams decoded text in whole UTF-8 characters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/tokenizer.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

/// `text` with every byte that is not part of well-formed UTF-8 replaced.
std::string replace_broken(std::string_view text) {
  std::string result;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t valid = valid_prefix_length(text, pos);
    result.append(text.substr(pos, valid));
    pos += valid;
    if (pos < text.size()) {
      result.append(kReplacementCharacter);
      ++pos;
    }
  }
  return result;
}

}  // namespace

std::string StreamDecoder::push(TokenId id) {
  std::string piece = tokenizer_.piece(id);
  const TokenizerData& data = tokenizer_.data();
  const auto index = static_cast<std::size_t>(id);
  if (first_ && index < data.types.size() && data.types[index] != TokenType::kControl) {
    first_ = false;
    const bool drops = data.algorithm == Algorithm::kSentencePieceBpe && data.add_space_prefix;
    if (drops && piece.starts_with(' ')) piece.erase(0, 1);
  }
  pending_ += piece;
  const std::size_t keep = incomplete_suffix_length(pending_);
  std::string ready = replace_broken(std::string_view(pending_).substr(0, pending_.size() - keep));
  pending_.erase(0, pending_.size() - keep);
  return ready;
}

std::string StreamDecoder::flush() {
  const bool incomplete = !pending_.empty();
  pending_.clear();
  first_ = true;
  return incomplete ? std::string(kReplacementCharacter) : std::string();
}

}  // namespace xw::tokenizer
