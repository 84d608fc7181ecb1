// Any body is a request whose completions keep all bounds, or an xw::Error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/server/openai_request.hpp"
#include "host/server/tokenizer_request.hpp"

namespace {

constexpr std::uint32_t kLength = 64;

/// Every byte is a token.
xw::tokenizer::Tokenizer bytes() {
  xw::tokenizer::TokenizerData data;
  data.algorithm = xw::tokenizer::Algorithm::kSentencePieceBpe;
  const auto add = [&](const char* token, xw::tokenizer::TokenType type) {
    data.tokens.emplace_back(token);
    data.scores.push_back(0);
    data.types.push_back(type);
  };
  add("<unk>", xw::tokenizer::TokenType::kUnknown);
  add("<s>", xw::tokenizer::TokenType::kControl);
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    add(name, xw::tokenizer::TokenType::kByte);
  }
  data.unknown = 0;
  data.bos = 1;
  data.add_bos = true;
  data.chat_template = "{% for m in messages %}{{ m['role'] }}:{{ m['content'] }};{% endfor %}";
  return xw::tokenizer::Tokenizer(data);
}

template <class Read>
void exercise(const Read& read, const xw::tokenizer::Tokenizer& tokenizer) {
  try {
    const xw::server::ApiRequest api = read();
    if (api.completions.empty() || api.completions.size() > xw::server::kMaxPrompts) std::abort();
    if (api.prompt_texts.size() != api.completions.size()) std::abort();
    for (const xw::server::CompletionRequest& one : api.completions) {
      if (one.prompt.empty() || one.max_tokens > kLength || one.stop.size() > xw::server::kMaxStops) std::abort();
      if (one.log_probabilities && *one.log_probabilities > xw::server::kMaxTop) std::abort();
      for (const std::int32_t token : one.prompt) {
        if (token < 0 || static_cast<std::size_t>(token) >= tokenizer.vocab_size()) std::abort();
      }
      static_cast<void>(xw::transformer::Sampler(one.sampler));  // what is read can be sampled with
    }
  } catch (const xw::Error&) {
    // refused with a message
  }
}

/// Tokens of a text are text again.
void exercise_tokenizer(std::string_view body, const xw::tokenizer::Tokenizer& tokenizer) {
  try {
    const nlohmann::ordered_json answer = xw::server::tokenize_json(body, tokenizer, kLength);
    if (answer["count"] != answer["tokens"].size()) std::abort();
    static_cast<void>(xw::server::detokenize_json(answer.dump(), tokenizer));
  } catch (const xw::Error&) {
    // refused with a message
  }
  try {
    static_cast<void>(xw::server::detokenize_json(body, tokenizer));
  } catch (const xw::Error&) {
    // refused with a message
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const xw::tokenizer::Tokenizer kTokenizer = bytes();
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  exercise([&] { return xw::server::read_completion(body, kTokenizer, kLength); }, kTokenizer);
  exercise([&] { return xw::server::read_chat(body, kTokenizer, kLength); }, kTokenizer);
  exercise_tokenizer(body, kTokenizer);
  return 0;
}
