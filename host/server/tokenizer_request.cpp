// The tokenizer over HTTP.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/tokenizer_request.hpp"

#include <nlohmann/json.hpp>

#include "host/server/request_json.hpp"

namespace xw::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json written(const tokenizer::Tokenizer& tokenizer, std::int32_t token) {
  if (token < 0) return nullptr;
  return tokenizer.piece(token, true);
}

}  // namespace

ordered_json tokenizer_info_json(const tokenizer::Tokenizer& tokenizer, std::uint32_t length) {
  const tokenizer::TokenizerData& data = tokenizer.data();
  ordered_json info{{"bos_token", written(tokenizer, data.bos)},
                    {"eos_token", written(tokenizer, data.eos)},
                    {"unk_token", written(tokenizer, data.unknown)},
                    {"pad_token", written(tokenizer, data.pad)},
                    {"add_bos_token", data.add_bos},
                    {"add_eos_token", data.add_eos},
                    {"vocab_size", tokenizer.vocab_size()},
                    {"model_max_length", length}};
  info["chat_template"] = data.chat_template.empty() ? ordered_json() : ordered_json(data.chat_template);
  return info;
}

ordered_json tokenize_json(std::string_view body, const tokenizer::Tokenizer& tokenizer, std::uint32_t length) {
  const json request = parse_body(body);
  const json* prompt = find(request, "prompt");
  if (prompt == nullptr || !prompt->is_string()) refuse("prompt", "a text", prompt == nullptr ? json() : *prompt);
  const std::vector<std::int32_t> tokens =
      tokenizer.encode(prompt->get_ref<const std::string&>(), boolean(request, "add_special_tokens", true), true);
  return {{"count", tokens.size()}, {"max_model_len", length}, {"tokens", tokens}};
}

ordered_json detokenize_json(std::string_view body, const tokenizer::Tokenizer& tokenizer) {
  const json request = parse_body(body);
  const json* tokens = find(request, "tokens");
  if (tokens == nullptr || !tokens->is_array())
    refuse("tokens", "a list of token ids", tokens == nullptr ? json() : *tokens);
  return {{"prompt", tokenizer.decode(token_ids(*tokens, "tokens", tokenizer.vocab_size()), true)}};
}

}  // namespace xw::server
