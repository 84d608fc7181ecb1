// Consistency of tokenizer data, whatever it was read from.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "arch/support/error.hpp"
#include "host/tokenizer/token_index.hpp"

namespace xw::tokenizer {
namespace {

std::string in_quotes(std::string_view text) {
  std::string quoted(1, '"');
  return quoted.append(text.substr(0, 80)).append(1, '"');
}

[[noreturn]] void fail(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::kFormat, origin + ": " + what);
}

void check_sizes(const TokenizerData& data, const std::string& origin) {
  const auto at_most = [&](std::size_t found, std::size_t limit, const char* what) {
    if (found > limit)
      fail(origin, std::to_string(found) + " " + what + ", at most " + std::to_string(limit) + " are supported");
  };
  if (data.tokens.empty()) fail(origin, "the vocabulary is empty");
  at_most(data.tokens.size(), kMaxTokens, "tokens");
  at_most(data.merges.size(), kMaxMerges, "merges");
  at_most(data.split_regexes.size(), kMaxRegexes, "split regexes");
  at_most(data.chat_template.size(), kMaxTemplateBytes, "bytes of chat template");
  if (data.types.size() != data.tokens.size()) {
    fail(origin,
         std::to_string(data.types.size()) + " token types for " + std::to_string(data.tokens.size()) + " tokens");
  }
  if (!data.scores.empty() && data.scores.size() != data.tokens.size()) {
    fail(origin, std::to_string(data.scores.size()) + " scores for " + std::to_string(data.tokens.size()) + " tokens");
  }
  const bool needs_scores = data.algorithm == Algorithm::kSentencePieceBpe && data.merges.empty();
  if (needs_scores && data.scores.empty())
    fail(origin, "a SentencePiece vocabulary needs scores or merges, found neither");
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    if (!std::isfinite(data.scores[i])) fail(origin, "score of token " + std::to_string(i) + " is not finite");
  }
}

/// Unused tokens (padding of the vocabulary) and byte tokens may share texts; all others are unique.
TokenIndex check_tokens(const TokenizerData& data, const std::string& origin) {
  TokenIndex ids(data.tokens);
  std::array<bool, 256> byte_seen{};
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    const std::string& token = data.tokens[i];
    const auto id = static_cast<TokenId>(i);
    const auto name = [i] { return "token " + std::to_string(i); };
    if (token.size() > kMaxTokenBytes) {
      fail(origin, name() + " has " + std::to_string(token.size()) + " bytes, at most " +
                       std::to_string(kMaxTokenBytes) + " are supported");
    }
    if (data.types[i] == TokenType::kUnused) {
      ids.insert(id);
      continue;
    }
    if (token.empty()) fail(origin, name() + " is empty");
    if (data.types[i] == TokenType::kByte) {
      const std::optional<std::uint8_t> byte = byte_of_token(token);
      if (!byte) fail(origin, name() + " is a byte token but reads " + in_quotes(token) + ", expected \"<0xHH>\"");
      if (std::exchange(byte_seen[*byte], true)) fail(origin, name() + " is a second token for the byte " + token);
      continue;
    }
    const TokenId known = ids.insert(id);
    if (known != id && data.types[static_cast<std::size_t>(known)] != TokenType::kUnused) {
      fail(origin, name() + " is a duplicate of token " + std::to_string(known) + ": " + in_quotes(token));
    }
    ids.assign(id);
  }
  return ids;
}

void check_ids(const TokenizerData& data, const std::string& origin) {
  const auto num_tokens = static_cast<TokenId>(data.tokens.size());
  const auto in_range = [&](TokenId id, TokenId lowest, const std::string& what) {
    if (id < lowest || id >= num_tokens) {
      fail(origin, what + " id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(num_tokens) +
                       " tokens");
    }
  };
  in_range(data.bos, -1, "beginning-of-text");
  in_range(data.eos, -1, "end-of-text");
  in_range(data.unknown, -1, "unknown-token");
  in_range(data.pad, -1, "padding");
  for (const TokenId id : data.end_of_generation) in_range(id, 0, "end-of-generation");
  for (const TokenId id : data.strip_left) in_range(id, 0, "left-stripping token");
  for (const TokenId id : data.strip_right) in_range(id, 0, "right-stripping token");
  if (data.add_bos && data.bos < 0) fail(origin, "texts start with a beginning-of-text token, but there is none");
  if (data.add_eos && data.eos < 0) fail(origin, "texts end with an end-of-text token, but there is none");
}

void check_merges(const TokenizerData& data, const TokenIndex& ids, const std::string& origin) {
  std::string result;
  for (std::size_t i = 0; i < data.merges.size(); ++i) {
    const auto name = [&] { return "merge " + std::to_string(i) + " (\"" + data.merges[i].substr(0, 80) + "\")"; };
    const auto halves = halves_of_merge(data.merges[i]);
    if (!halves) fail(origin, name() + " is not two tokens separated by a space");
    result.assign(halves->first).append(halves->second);
    for (const std::string_view part : {halves->first, halves->second, std::string_view(result)}) {
      if (ids.find(part) < 0) fail(origin, name() + " names the unknown token " + in_quotes(part));
    }
  }
}

}  // namespace

std::optional<std::uint8_t> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(3, 2)) {
    value <<= 4;
    if (c >= '0' && c <= '9') {
      value |= static_cast<unsigned>(c - '0');
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<unsigned>(c - 'A' + 10);
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<unsigned>(c - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return static_cast<std::uint8_t>(value);
}

std::optional<std::pair<std::string_view, std::string_view>> halves_of_merge(std::string_view merge) {
  const std::size_t space = merge.find(' ', 1);  // the left half may start with anything
  if (space == std::string_view::npos || space + 1 >= merge.size()) return std::nullopt;
  const std::string_view right = merge.substr(space + 1);
  if (right.find(' ') != std::string_view::npos) return std::nullopt;
  return std::pair{merge.substr(0, space), right};
}

void check(const TokenizerData& data, const std::string& origin) {
  check_sizes(data, origin);
  const TokenIndex ids = check_tokens(data, origin);
  check_ids(data, origin);
  check_merges(data, ids, origin);
}

void find_end_of_generation(TokenizerData& data) {
  static constexpr std::array<std::string_view, 9> kTexts = {"<|im_end|>",      "<|endoftext|>", "<|eot_id|>",
                                                             "<|end_of_text|>", "<|end|>",       "</s>",
                                                             "<|eom_id|>",      "<end_of_turn>", "<|end_of_sentence|>"};
  data.end_of_generation.clear();
  for (std::size_t i = 0; i < data.tokens.size() && i < data.types.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const bool is_special = data.types[i] == TokenType::kControl || data.types[i] == TokenType::kUserDefined;
    const bool is_known = is_special && std::ranges::find(kTexts, data.tokens[i]) != kTexts.end();
    if (id == data.eos || is_known) data.end_of_generation.push_back(id);
  }
}

}  // namespace xw::tokenizer
