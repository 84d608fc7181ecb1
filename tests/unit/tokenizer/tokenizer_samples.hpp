// Small vocabularies and helpers for tokenizer tests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/tokenizer/byte_alphabet.hpp"
#include "host/tokenizer/pre_tokenizers.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/tokenizer/unicode/utf8.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::test {

/// All 256 bytes (id = byte), then merges for "he", "ll", "hell", "hello" and " w", and <|endoftext|> (control), <user> (user-defined).
inline tokenizer::TokenizerData byte_level_sample() {
  tokenizer::TokenizerData data;
  data.pre_tokenizer = "gpt-2";
  data.split_regexes = tokenizer::find_pre_tokenizer("gpt-2")->split_regexes;
  for (int byte = 0; byte < 256; ++byte)
    data.tokens.push_back(tokenizer::to_byte_alphabet(std::string(1, static_cast<char>(byte))));
  for (const char* token : {"he", "ll", "hell", "hello", "\xC4\xA0w"}) data.tokens.emplace_back(token);
  data.types.assign(data.tokens.size(), tokenizer::TokenType::kNormal);
  data.tokens.insert(data.tokens.end(), {"<|endoftext|>", "<user>"});
  data.types.insert(data.types.end(), {tokenizer::TokenType::kControl, tokenizer::TokenType::kUserDefined});
  data.merges = {"h e", "l l", "he ll", "hell o", "\xC4\xA0 w"};
  data.bos = data.eos = 261;
  data.end_of_generation = {261};
  return data;
}

/// <unk>, <s>, </s>, 256 byte tokens, then U+2581 and a few pieces with scores.
inline tokenizer::TokenizerData sentencepiece_sample() {
  using tokenizer::TokenType;
  tokenizer::TokenizerData data;
  data.algorithm = tokenizer::Algorithm::kSentencePieceBpe;
  const auto add = [&](std::string text, float score, TokenType type) {
    data.tokens.push_back(std::move(text));
    data.scores.push_back(score);
    data.types.push_back(type);
  };
  add("<unk>", 0, TokenType::kUnknown);
  add("<s>", 0, TokenType::kControl);
  add("</s>", 0, TokenType::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", byte);
    add(text, 0, TokenType::kByte);
  }
  float score = 0;
  for (const char* piece : {"\xE2\x96\x81t", "he", "\xE2\x96\x81the", "\xE2\x96\x81\xE2\x96\x81", "\xE2\x96\x81", "t",
                            "h", "e", "\xC3\xA4"}) {
    add(piece, score, TokenType::kNormal);
    score -= 1;
  }
  data.unknown = 0;
  data.bos = 1;
  data.eos = 2;
  data.end_of_generation = {2};
  data.add_bos = data.add_space_prefix = true;
  return data;
}

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Random text: code points of all lengths, white space, letters, and (if asked for) bytes that are not UTF-8.
inline std::string random_text(std::mt19937_64& rng, std::size_t length, bool broken) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    const std::uint64_t kind = rng() % (broken ? 10 : 8);
    if (kind < 3) {
      text += static_cast<char>('a' + rng() % 26);
    } else if (kind < 5) {
      text += " \n\t 0'."[rng() % 7];
    } else if (kind < 8) {
      std::uint32_t c = 0;
      do c = static_cast<std::uint32_t>(rng() % (kind == 5 ? 0x100 : kind == 6 ? 0x3000 : 0x110000));
      while (c == 0 || (c >= 0xD800 && c < 0xE000));
      tokenizer::append_utf8(text, c);
    } else {
      text += static_cast<char>(0x80 + rng() % 128);
    }
  }
  return text;
}

}  // namespace xw::test
