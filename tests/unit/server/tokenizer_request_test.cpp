// The tokenizer over HTTP.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/tokenizer_request.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/server/openai_request.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/server/default_model.hpp"

namespace xw::server {
namespace {

using nlohmann::json;
using xw::test::expect_error;

const tokenizer::Tokenizer& words() {
  return test::default_model().tokenizer();
}

/// The same words with a token in front of texts, or without.
tokenizer::Tokenizer with_bos(bool add) {
  tokenizer::TokenizerData data = words().data();
  data.add_bos = add;
  data.bos = data.eos;
  return tokenizer::Tokenizer(data);
}

TEST(TokenizerRequest, TextsAndTokensAreThoseOfTheTokenizer) {
  const std::string text = "Once upon a time, Zo\u00eb saw \"two\"  dogs.\n";
  const tokenizer::Tokenizer tokenizer = with_bos(true);
  for (const bool special : {true, false}) {
    const json answer = tokenize_json(json{{"prompt", text}, {"add_special_tokens", special}}.dump(), tokenizer, 77);
    EXPECT_EQ(answer["tokens"], json(tokenizer.encode(text, special, true)));
    EXPECT_EQ(answer["count"], answer["tokens"].size());
    EXPECT_EQ(answer["max_model_len"], 77);
    EXPECT_EQ(answer["tokens"][0] == tokenizer.data().bos, special);
    json tokens = answer["tokens"];
    if (special) tokens.erase(0);
    EXPECT_EQ(detokenize_json(json{{"tokens", tokens}}.dump(), tokenizer)["prompt"], text);
  }
  EXPECT_EQ(tokenize_json(R"({"prompt": "a"})", tokenizer, 9)["count"], 2) << "with special tokens unless told";
  EXPECT_EQ(detokenize_json(R"({"tokens": []})", tokenizer)["prompt"], "");
}

TEST(TokenizerRequest, SpecialTokensAreTextsThatTokeniseToThemselves) {
  const tokenizer::Tokenizer tokenizer = with_bos(false);
  const json info = tokenizer_info_json(tokenizer, 100);
  const std::string eos = info["eos_token"];
  EXPECT_EQ(tokenize_json(json{{"prompt", eos}}.dump(), tokenizer, 9)["tokens"],
            nlohmann::ordered_json({tokenizer.data().eos}));
  EXPECT_EQ(info["bos_token"], eos);
  EXPECT_EQ(info["add_bos_token"], false);
  EXPECT_EQ(info["vocab_size"], tokenizer.vocab_size());
  EXPECT_EQ(info["model_max_length"], 100);
  EXPECT_TRUE(info["chat_template"].is_null());
  tokenizer::TokenizerData data = words().data();
  data.bos = -1;
  data.chat_template = "{{ messages }}";
  const json other = tokenizer_info_json(tokenizer::Tokenizer(data), 100);
  EXPECT_TRUE(other["bos_token"].is_null());
  EXPECT_EQ(other["chat_template"], "{{ messages }}");
}

TEST(TokenizerRequest, WhatIsWrongIsNamed) {
  for (const auto& [body, message] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "a JSON object"},
           {"{}", "prompt: expected a text, found null"},
           {R"({"prompt": [1]})", "prompt: expected a text, found [1]"},
           {R"({"prompt": "a", "add_special_tokens": 1})", "add_special_tokens: expected true or false"}}) {
    SCOPED_TRACE(body);
    expect_error(ErrorCode::kInvalidArgument, message,
                 [&, &given = body] { static_cast<void>(tokenize_json(given, words(), 9)); });
  }
  for (const auto& [body, message] : std::vector<std::pair<std::string, std::string>>{
           {"{", "a JSON object"},
           {"{}", "tokens: expected a list of token ids, found null"},
           {R"({"tokens": "a"})", "tokens: expected a list of token ids"},
           {R"({"tokens": [1, "a"]})", "tokens: expected token ids, found \"a\""},
           {R"({"tokens": [-1]})", "found -1"},
           {R"({"tokens": [18446744073709551615]})", "tokens: expected token ids below"}}) {
    SCOPED_TRACE(body);
    expect_error(ErrorCode::kInvalidArgument, message,
                 [&, &given = body] { static_cast<void>(detokenize_json(given, words())); });
  }
  expect_error(ErrorCode::kInvalidArgument, "bytes",
               [] { static_cast<void>(tokenize_json(std::string(kMaxBody + 1, ' '), words(), 9)); });
}

}  // namespace
}  // namespace xw::server
