// Answers of OpenAI's HTTP interface.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/openai_response.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arch/support/printable.hpp"

namespace xw::server {
namespace {

using nlohmann::ordered_json;

ordered_json finish_json(const std::optional<FinishReason>& finish) {
  if (!finish) return nullptr;
  return *finish == FinishReason::kStop ? "stop" : "length";
}

ordered_json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Of /v1/completions: lists by token.
ordered_json scores_json(const std::vector<TokenScore>& scores, const tokenizer::Tokenizer& tokenizer) {
  ordered_json tokens = ordered_json::array(), values = tokens, tops = tokens, offsets = tokens;
  std::size_t offset = 0;
  for (const TokenScore& score : scores) {
    tokens.push_back(token_text(tokenizer, score.token));
    offsets.push_back(offset);
    offset += characters(tokenizer.piece(score.token, true));
    if (!score.log_probability) {
      values.push_back(nullptr);
      tops.push_back(nullptr);
      continue;
    }
    values.push_back(*score.log_probability);
    ordered_json top = ordered_json::object();
    for (const ScoredToken& one : score.top) {
      const std::string name = token_text(tokenizer, one.token);
      if (!top.contains(name)) top[name] = one.log_probability;  // the likelier of two that are written alike
    }
    tops.push_back(std::move(top));
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(values)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

ordered_json chat_token_json(std::int32_t token, double log_probability, const tokenizer::Tokenizer& tokenizer) {
  ordered_json bytes = ordered_json::array();
  for (const char byte : tokenizer.piece(token, true)) bytes.push_back(static_cast<unsigned char>(byte));
  return {{"token", token_text(tokenizer, token)}, {"logprob", log_probability}, {"bytes", std::move(bytes)}};
}

/// Of /v1/chat/completions: an object per token.
ordered_json chat_scores_json(const std::vector<TokenScore>& scores, const tokenizer::Tokenizer& tokenizer) {
  ordered_json content = ordered_json::array();
  for (const TokenScore& score : scores) {
    ordered_json one = chat_token_json(score.token, score.log_probability.value_or(0), tokenizer);
    one["top_logprobs"] = ordered_json::array();
    for (const ScoredToken& top : score.top)
      one["top_logprobs"].push_back(chat_token_json(top.token, top.log_probability, tokenizer));
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}};
}

ordered_json log_probabilities(const ApiRequest& request, const Choice& choice, const tokenizer::Tokenizer& tokenizer) {
  if (!request.completions[choice.index].log_probabilities) return nullptr;
  return request.is_chat ? chat_scores_json(choice.scores, tokenizer) : scores_json(choice.scores, tokenizer);
}

ordered_json head_json(const AnswerHead& head, const char* object) {
  return {{"id", head.id}, {"object", object}, {"created", head.created}, {"model", head.model}};
}

const char* part_object(const ApiRequest& request) {
  return request.is_chat ? "chat.completion.chunk" : "text_completion";
}

}  // namespace

std::string token_text(const tokenizer::Tokenizer& tokenizer, std::int32_t token) {
  std::string bytes = tokenizer.piece(token, true);
  if (as_utf8(bytes) == bytes) return bytes;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "bytes:";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return text;
}

ordered_json answer_json(const AnswerHead& head, const ApiRequest& request, const std::vector<Choice>& choices,
                         const Usage& usage, const tokenizer::Tokenizer& tokenizer) {
  ordered_json answer = head_json(head, request.is_chat ? "chat.completion" : "text_completion");
  answer["choices"] = ordered_json::array();
  for (const Choice& choice : choices) {
    ordered_json one{{"index", choice.index}};
    if (request.is_chat) {
      one["message"] = {{"role", "assistant"}, {"content", choice.text}};
    } else {
      one["text"] = (request.echo ? request.prompt_texts[choice.index] : std::string()) + choice.text;
    }
    one["logprobs"] = log_probabilities(request, choice, tokenizer);
    one["finish_reason"] = finish_json(choice.finish);
    answer["choices"].push_back(std::move(one));
  }
  answer["usage"] = usage_json(usage);
  return answer;
}

ordered_json part_json(const AnswerHead& head, const ApiRequest& request, const Choice& choice,
                       const tokenizer::Tokenizer& tokenizer) {
  ordered_json part = head_json(head, part_object(request));
  ordered_json one{{"index", choice.index}};
  if (request.is_chat) {
    one["delta"] = ordered_json::object();
    if (choice.is_first) one["delta"]["role"] = "assistant";
    if (!choice.text.empty() || choice.is_first) one["delta"]["content"] = choice.text;
  } else {
    one["text"] = (choice.is_first && request.echo ? request.prompt_texts[choice.index] : std::string()) + choice.text;
  }
  one["logprobs"] = log_probabilities(request, choice, tokenizer);
  one["finish_reason"] = finish_json(choice.finish);
  part["choices"] = ordered_json::array({std::move(one)});
  return part;
}

ordered_json usage_part_json(const AnswerHead& head, const ApiRequest& request, const Usage& usage) {
  ordered_json part = head_json(head, part_object(request));
  part["choices"] = ordered_json::array();
  part["usage"] = usage_json(usage);
  return part;
}

ordered_json error_json(const std::string& message, int status) {
  const char* type = status == 401   ? "authentication_error"
                     : status >= 500 ? "server_error"
                     : status == 429 ? "rate_limit_error"
                                     : "invalid_request_error";
  return {{"error", {{"message", message}, {"type", type}, {"code", status}}}};
}

}  // namespace xw::server
