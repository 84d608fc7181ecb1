// llama2.c's tokenizer.bin: int32 longest token, then per token float score, int32 length, bytes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstring>

#include "arch/support/error.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/readers.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

std::uint32_t word_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) word |= std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * i);
  return word;
}

}  // namespace

TokenizerData read_llama2c(std::span<const std::byte> bytes, const std::string& origin) {
  const auto fail = [&](std::size_t offset, const std::string& what) -> Error {
    return Error(ErrorCode::kFormat, origin + ", byte " + std::to_string(offset) + ": " + what);
  };
  if (bytes.size() < 4) throw fail(0, "truncated, a llama2.c tokenizer starts with 4 bytes of maximum token length");
  const std::uint32_t longest = word_at(bytes, 0);
  if (longest == 0 || longest > kMaxTokenBytes) {
    throw fail(0,
               "maximum token length " + std::to_string(longest) + ", expected 1 to " + std::to_string(kMaxTokenBytes));
  }
  TokenizerData data;
  data.algorithm = Algorithm::kSentencePieceBpe;
  for (std::size_t offset = 4; offset < bytes.size();) {
    const std::string name = "token " + std::to_string(data.tokens.size());
    if (bytes.size() - offset < 8) throw fail(offset, "truncated in the header of " + name);
    if (data.tokens.size() >= kMaxTokens) throw fail(offset, "more than " + std::to_string(kMaxTokens) + " tokens");
    const auto score = std::bit_cast<float>(word_at(bytes, offset));
    const std::uint32_t length = word_at(bytes, offset + 4);
    offset += 8;
    if (length > kMaxTokenBytes)
      throw fail(offset - 4, name + " has a length of " + std::to_string(length) + " bytes, at most " +
                                 std::to_string(kMaxTokenBytes) + " are supported");
    if (length > bytes.size() - offset)
      throw fail(offset, "truncated in " + name + " of " + std::to_string(length) + " bytes");
    std::string text(length, '\0');
    if (length > 0) std::memcpy(text.data(), bytes.data() + offset, length);
    offset += length;
    data.tokens.push_back(std::move(text));
    data.scores.push_back(score);
  }
  if (data.tokens.size() < 3) {
    throw fail(bytes.size(), std::to_string(data.tokens.size()) + " tokens, expected at least <unk>, <s> and </s>");
  }
  data.types.assign(data.tokens.size(), TokenType::kNormal);
  // The exporter writes "\n<s>\n" for <s>, and spaces for U+2581.
  data.tokens[0] = "<unk>";
  data.tokens[1] = "<s>";
  data.tokens[2] = "</s>";
  data.types[0] = TokenType::kUnknown;
  data.types[1] = data.types[2] = TokenType::kControl;
  for (std::size_t i = 3; i < data.tokens.size(); ++i) {
    // llama2.c finds the token of byte b at id b + 3.
    if (i < 3 + 256 && byte_of_token(data.tokens[i]) == static_cast<std::uint8_t>(i - 3)) {
      data.types[i] = TokenType::kByte;
    } else {
      data.tokens[i] = replace_all(data.tokens[i], " ", kSpaceSymbol);
    }
  }
  data.unknown = 0;
  data.bos = 1;
  data.eos = 2;
  data.add_bos = true;
  data.add_space_prefix = true;
  data.space_prefix_rule = SpacePrefixRule::kTextStart;
  find_end_of_generation(data);
  check(data, origin);
  return data;
}

}  // namespace xw::tokenizer
