// Bodies of requests of OpenAI's HTTP interface.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/openai_request.hpp"

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <utility>

#include "arch/support/error.hpp"
#include "host/server/request_json.hpp"
#include "host/toolchain/text_session.hpp"

namespace xw::server {
namespace {

using nlohmann::json;

std::optional<std::uint64_t> whole(const json& body, const char* key, std::uint64_t low, std::uint64_t high) {
  const json* value = find(body, key);
  if (value == nullptr) return std::nullopt;
  const std::string expected = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (!value->is_number_integer() || (!value->is_number_unsigned() && value->get<std::int64_t>() < 0))
    refuse(key, expected, *value);
  const auto number = value->get<std::uint64_t>();
  if (number < low || number > high) refuse(key, expected, *value);
  return number;
}

double real(const json& body, const char* key, double otherwise, double low, double high) {
  const json* value = find(body, key);
  if (value == nullptr) return otherwise;
  const double number = value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= low && number <= high)) {
    char range[64];
    std::snprintf(range, sizeof range, "a number from %g to %g", low, high);
    refuse(key, range, *value);
  }
  return number;
}

/// What would change the result and is not there.
void refuse_unsupported(const json& body) {
  for (const char* key : {"presence_penalty", "frequency_penalty"}) {
    if (const json* value = find(body, key); value != nullptr && *value != 0)
      refuse(key, "0 (penalties are not supported)", *value);
  }
  for (const char* key : {"suffix", "tools", "functions"}) {
    const json* value = find(body, key);
    const bool is_empty_text = value != nullptr && value->is_string() && value->get_ref<const std::string&>().empty();
    if (value != nullptr && !value->empty() && !is_empty_text) refuse(key, "nothing (it is not supported)", *value);
  }
  if (const json* value = find(body, "logit_bias"); value != nullptr && !value->empty())
    refuse("logit_bias", "nothing (it is not supported)", *value);
  if (const json* value = find(body, "response_format"); value != nullptr && *value != json{{"type", "text"}})
    refuse("response_format", "{\"type\": \"text\"}", *value);
}

std::vector<std::string> stops(const json& body) {
  const json* value = find(body, "stop");
  if (value == nullptr) return {};
  const char* expected = "a text, or a list of at most 16 texts";
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array() || value->size() > kMaxStops) refuse("stop", expected, *value);
  std::vector<std::string> texts;
  for (const json& text : *value) {
    if (!text.is_string()) refuse("stop", expected, *value);
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

/// What both kinds have: sampling and ends.
CompletionRequest common(const json& body, double temperature) {
  CompletionRequest request;
  request.sampler.temperature = real(body, "temperature", temperature, 0, 100);
  request.sampler.top_p = real(body, "top_p", 1, 0, 1);
  request.sampler.top_k = static_cast<std::uint32_t>(whole(body, "top_k", 0, 1U << 30U).value_or(0));
  const json* seed = find(body, "seed");
  request.sampler.seed = seed == nullptr ? std::random_device{}()
                                         : whole(body, "seed", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  request.stop = stops(body);
  return request;
}

/// A choice for every copy of a prompt.
void add_choices(ApiRequest& api, CompletionRequest request, std::vector<std::int32_t> prompt, const std::string& text,
                 std::uint64_t copies) {
  if (api.completions.size() + copies > kMaxPrompts)
    throw Error(ErrorCode::kInvalidArgument,
                "prompt: expected at most " + std::to_string(kMaxPrompts) + " prompts, copies counted");
  api.prompt_tokens += prompt.size();
  request.prompt = std::move(prompt);
  for (std::uint64_t copy = 0; copy < copies; ++copy) {
    api.completions.push_back(request);
    api.prompt_texts.push_back(text);
    ++request.sampler.seed;
  }
}

void read_stream(const json& body, ApiRequest& api) {
  api.stream = boolean(body, "stream");
  if (const json* options = find(body, "stream_options"); options != nullptr) {
    if (!options->is_object()) refuse("stream_options", "an object", *options);
    api.include_usage = boolean(*options, "include_usage");
  }
}

/// Text of a message: a string, or a list of parts of type text.
std::string content_of(const json& message) {
  const json* content = find(message, "content");
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  const char* expected = "a text, or a list of {\"type\": \"text\", \"text\": ...}";
  if (!content->is_array()) refuse("messages[].content", expected, *content);
  std::string text;
  for (const json& part : *content) {
    const json* words = part.is_object() && part.value("type", json("")) == "text" ? find(part, "text") : nullptr;
    if (words == nullptr || !words->is_string()) refuse("messages[].content", expected, part);
    text += words->get<std::string>();
  }
  return text;
}

}  // namespace

ApiRequest read_completion(std::string_view text, const tokenizer::Tokenizer& tokenizer, std::uint32_t length) {
  const json body = parse_body(text);
  refuse_unsupported(body);
  ApiRequest api;
  api.echo = boolean(body, "echo");
  read_stream(body, api);
  CompletionRequest request = common(body, 1);
  request.max_tokens = static_cast<std::uint32_t>(whole(body, "max_tokens", 0, length).value_or(16));
  if (const json* value = find(body, "logprobs"); value != nullptr && *value != false)
    request.log_probabilities = static_cast<std::uint32_t>(whole(body, "logprobs", 0, kMaxTop).value_or(0));
  request.score_prompt = api.echo;
  if (request.max_tokens == 0 && !api.echo) refuse("max_tokens", "at least 1 without echo", 0);
  const std::uint64_t copies = whole(body, "n", 1, kMaxPrompts).value_or(1);
  if (const auto best = whole(body, "best_of", 1, kMaxPrompts); best && *best != copies)
    refuse("best_of", "as many as n", *best);
  const json* prompt = find(body, "prompt");
  const char* expected = "a text, a list of token ids, or a list of either";
  if (prompt == nullptr) refuse("prompt", expected, json());
  const auto add = [&](const json& one) {
    if (one.is_string()) {
      const auto words = one.get<std::string>();
      add_choices(api, request, toolchain::prompt_tokens(tokenizer, words), words, copies);
    } else if (one.is_array() && !one.empty()) {
      std::vector<std::int32_t> ids = token_ids(one, "prompt", tokenizer.vocab_size());
      const std::string words = tokenizer.decode(ids, true);
      add_choices(api, request, std::move(ids), words, copies);
    } else {
      refuse("prompt", expected, one);
    }
  };
  if (prompt->is_array() && !prompt->empty() && !(*prompt)[0].is_number()) {
    for (const json& one : *prompt) add(one);
  } else {
    add(*prompt);
  }
  if (api.stream && request.score_prompt && request.log_probabilities)
    refuse("stream", "false with echo and logprobs", true);
  return api;
}

ApiRequest read_chat(std::string_view text, const tokenizer::Tokenizer& tokenizer, std::uint32_t length) {
  const json body = parse_body(text);
  refuse_unsupported(body);
  ApiRequest api;
  api.is_chat = true;
  read_stream(body, api);
  CompletionRequest request = common(body, 1);
  const char* key = find(body, "max_completion_tokens") != nullptr ? "max_completion_tokens" : "max_tokens";
  request.max_tokens = static_cast<std::uint32_t>(whole(body, key, 1, length).value_or(length));
  const std::uint64_t top = whole(body, "top_logprobs", 0, kMaxTop).value_or(0);
  if (boolean(body, "logprobs")) request.log_probabilities = static_cast<std::uint32_t>(top);
  const json* messages = find(body, "messages");
  const char* expected = "a list of messages with role and content";
  if (messages == nullptr || !messages->is_array() || messages->empty())
    refuse("messages", expected, messages == nullptr ? json() : *messages);
  std::vector<tokenizer::ChatMessage> conversation;
  for (const json& message : *messages) {
    const json* role = message.is_object() ? find(message, "role") : nullptr;
    if (role == nullptr || !role->is_string()) refuse("messages", expected, message);
    conversation.push_back({role->get<std::string>(), content_of(message)});
    toolchain::refuse_control_tokens(tokenizer, conversation.back().content);
  }
  add_choices(api, request, toolchain::chat_tokens(tokenizer, conversation), "",
              whole(body, "n", 1, kMaxPrompts).value_or(1));
  return api;
}

}  // namespace xw::server
