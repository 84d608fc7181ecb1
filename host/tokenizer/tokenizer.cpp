// Text to token ids and back.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/warning.hpp"
#include "host/tokenizer/byte_alphabet.hpp"
#include "host/tokenizer/byte_level_bpe.hpp"
#include "host/tokenizer/chat_template.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/sentencepiece_bpe.hpp"
#include "host/tokenizer/special_tokens.hpp"
#include "host/tokenizer/unicode/nfc.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;
constexpr std::string_view kUnknownText = " \xE2\x81\x87 ";  // as SentencePiece shows it

bool is_special(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown;
}

/// SentencePiece without leading, trailing and repeated spaces.
std::string without_extra_spaces(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result.push_back(c);
  }
  for (;;) {  // a visible space at the end goes, too
    if (result.ends_with(' ')) {
      result.pop_back();
    } else if (result.ends_with(kSpaceSymbol)) {
      result.resize(result.size() - kSpaceSymbol.size());
    } else {
      return result;
    }
  }
}

std::string_view strip_white_space(std::string_view text, bool left, bool right) {
  std::size_t begin = text.size();
  std::size_t end = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    if (!c.valid || !is_white_space(c.code_point)) {
      begin = std::min(begin, pos);
      end = pos + c.length;
    }
    pos += c.length;
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  return begin >= end ? std::string_view() : text.substr(begin, end - begin);
}

/// Bytes of a token in running text.
std::string text_of_token(const TokenizerData& data, std::size_t index) {
  const std::string& token = data.tokens[index];
  const bool is_sentencepiece = data.algorithm == Algorithm::kSentencePieceBpe;
  switch (data.types[index]) {
    case TokenType::kByte:
      return std::string(1, static_cast<char>(byte_of_token(token).value()));
    case TokenType::kUnknown:
      return std::string(is_sentencepiece ? kUnknownText : "");
    case TokenType::kControl:
      return {};
    case TokenType::kUserDefined:
      return is_sentencepiece ? replace_all(token, kSpaceSymbol, " ") : token;
    case TokenType::kUnused:
    case TokenType::kNormal:
      break;
  }
  if (is_sentencepiece) return replace_all(token, kSpaceSymbol, " ");
  return from_byte_alphabet(token).value_or(token);
}

}  // namespace

struct Tokenizer::Impl {
  TokenizerData data;
  std::optional<ByteLevelBpe> byte_level;
  std::optional<SentencePieceBpe> sentencepiece;
  SpecialTokens user_defined;  ///< always split off
  SpecialTokens all_special;   ///< user-defined and control tokens
  std::vector<std::string> pieces;
  std::vector<bool> ends_generation, strips_left, strips_right;

  /// Where the vocabulary has this token; nothing for ids beyond it, which models have that pad their vocabulary.
  [[nodiscard]] std::optional<std::size_t> index_of(TokenId id) const {
    if (id < 0) throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(id) + " is negative");
    const auto index = static_cast<std::size_t>(id);
    return index < pieces.size() ? std::optional(index) : std::nullopt;
  }

  [[nodiscard]] bool drops_first_space() const {
    return data.algorithm == Algorithm::kSentencePieceBpe && data.add_space_prefix;
  }

  [[nodiscard]] bool wants_prefix(std::string_view segment, bool is_first) const {
    if (!data.add_space_prefix) return false;
    const bool starts_with_space = segment.starts_with(' ') || segment.starts_with(kSpaceSymbol);
    switch (data.space_prefix_rule) {
      case SpacePrefixRule::kEverySegment:
        return true;
      case SpacePrefixRule::kTextStart:
        return is_first;
      case SpacePrefixRule::kFirstSegmentUnlessSpace:
        return is_first && !starts_with_space;
      case SpacePrefixRule::kEverySegmentUnlessSpace:
        return !starts_with_space;
    }
    return false;
  }

  /// Encodes what lies between special tokens. `is_first`: nothing of the text came before.
  void encode_segment(std::string_view segment, bool is_first, std::vector<TokenId>& ids) const {
    if (byte_level) {
      if (!segment.empty()) byte_level->encode(segment, ids);
      return;
    }
    const bool prefix_alone =
        data.add_space_prefix && data.space_prefix_rule == SpacePrefixRule::kTextStart && is_first;
    if (!segment.empty() || prefix_alone) sentencepiece->encode(segment, wants_prefix(segment, is_first), ids);
  }
};

Tokenizer::Tokenizer(TokenizerData data) : impl_(std::make_unique<Impl>()) {
  check(data, "tokenizer");
  impl_->data = std::move(data);
  const TokenizerData& own = impl_->data;
  if (own.algorithm == Algorithm::kByteLevelBpe) {
    impl_->byte_level.emplace(own);
  } else {
    impl_->sentencepiece.emplace(own);
  }
  const std::size_t num_tokens = own.tokens.size();
  impl_->pieces.reserve(num_tokens);
  for (std::size_t i = 0; i < num_tokens; ++i) {
    impl_->pieces.push_back(text_of_token(own, i));
    const auto id = static_cast<TokenId>(i);
    if (own.types[i] == TokenType::kUserDefined) {
      impl_->user_defined.add(impl_->pieces.back(), id);
      impl_->all_special.add(impl_->pieces.back(), id);
    } else if (is_special(own.types[i])) {
      impl_->all_special.add(own.tokens[i], id);
    }
  }
  const auto flags = [num_tokens](const std::vector<TokenId>& ids) {
    std::vector<bool> result(num_tokens);
    for (const TokenId id : ids) result[static_cast<std::size_t>(id)] = true;
    return result;
  };
  impl_->ends_generation = flags(own.end_of_generation);
  impl_->strips_left = flags(own.strip_left);
  impl_->strips_right = flags(own.strip_right);
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

const TokenizerData& Tokenizer::data() const {
  return impl_->data;
}
std::size_t Tokenizer::vocab_size() const {
  return impl_->data.tokens.size();
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special, bool parse_special) const {
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorCode::kInvalidArgument, "text of " + std::to_string(text.size()) + " bytes: at most " +
                                                 std::to_string(kMaxTextBytes) + " bytes can be encoded at once");
  }
  std::vector<TokenId> ids;
  const TokenizerData& own = impl_->data;
  if (add_special && own.add_bos) ids.push_back(own.bos);

  std::string normalized;
  if (own.normalize_nfc) {
    normalized = to_nfc(text);
    text = normalized;
  }
  if (own.remove_extra_spaces) {
    normalized = without_extra_spaces(text);
    text = normalized;
  }
  const SpecialTokens& specials = parse_special ? impl_->all_special : impl_->user_defined;
  bool strip_left_end = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const auto match = specials.find(text, pos);
    const std::size_t end = match ? match->begin : text.size();
    const bool strip_right_end = match && impl_->strips_left[static_cast<std::size_t>(match->id)];
    std::string_view segment = text.substr(pos, end - pos);
    if (strip_left_end || strip_right_end) segment = strip_white_space(segment, strip_left_end, strip_right_end);
    impl_->encode_segment(segment, pos == 0, ids);
    if (!match) break;
    ids.push_back(match->id);
    strip_left_end = impl_->strips_right[static_cast<std::size_t>(match->id)];
    pos = match->end;
  }
  if (add_special && own.add_bos && ids.size() > 1 && ids[1] == own.bos) {
    warn("the text begins with " + own.tokens[static_cast<std::size_t>(own.bos)] +
         ", which the tokenizer adds as well: the model reads it twice");
  }
  if (add_special && own.add_eos) ids.push_back(own.eos);
  return ids;
}

std::string Tokenizer::piece(TokenId id, bool show_special) const {
  const std::optional<std::size_t> index = impl_->index_of(id);
  if (!index) return {};
  return show_special && is_special(impl_->data.types[*index]) ? impl_->data.tokens[*index] : impl_->pieces[*index];
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool show_special) const {
  std::string text;
  bool first = impl_->drops_first_space();
  for (const TokenId id : ids) {
    const std::string next = piece(id, show_special);
    const std::optional<std::size_t> index = impl_->index_of(id);
    const bool is_control = !index || impl_->data.types[*index] == TokenType::kControl;
    const bool drop = first && !is_control && next.starts_with(' ');
    first = first && is_control;
    text.append(next, drop ? 1 : 0);
  }
  return text;
}

bool Tokenizer::is_end_of_generation(TokenId id) const {
  const std::optional<std::size_t> index = impl_->index_of(id);
  return index && impl_->ends_generation[*index];
}

std::string Tokenizer::apply_chat_template(std::span<const ChatMessage> messages, bool add_generation_prompt) const {
  return render_chat(impl_->data, messages, add_generation_prompt);
}

}  // namespace xw::tokenizer
