// Tasks as token ids.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/encoded_task.hpp"

#include <algorithm>
#include <string_view>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/utf8.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {
namespace {

using Tokens = std::vector<std::int32_t>;

/// Token ids with `bos` in front, once.
Tokens encode_text(const tokenizer::Tokenizer& tokenizer, std::string_view text, std::int32_t bos) {
  Tokens tokens = tokenizer.encode(text, false, true);
  if (bos >= 0 && (tokens.empty() || tokens.front() != bos)) tokens.insert(tokens.begin(), bos);
  return tokens;
}

[[noreturn]] void fail(const std::string& place, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, place + ": " + what);
}

}  // namespace

EncodedRequest encode_request(const tokenizer::Tokenizer& tokenizer, const Request& request, std::int32_t bos,
                              std::uint32_t limit, const std::string& place) {
  const std::size_t end = trimmed_end(request.context);
  const Tokens context = encode_text(tokenizer, std::string_view(request.context).substr(0, end), bos);
  EncodedRequest result;
  result.tokens = encode_text(tokenizer, request.context + request.continuation, bos);
  result.context = context.size();
  if (context.empty()) {
    const tokenizer::TokenizerData& data = tokenizer.data();
    const std::int32_t start = data.bos >= 0 ? data.bos : data.eos;
    if (start < 0) fail(place, "the context is empty, and the tokenizer has no token that could be one");
    if (result.tokens.empty() || result.tokens.front() != start) result.tokens.insert(result.tokens.begin(), start);
    result.context = 1;
  }
  if (result.tokens.size() <= result.context) {
    fail(place, "the continuation '" + request.continuation + "' adds no token to its context");
  }
  const std::size_t length = result.tokens.size() - result.context;
  if (length > limit) {
    fail(place, "the continuation has " + std::to_string(length) + " tokens, the context of the model " +
                    std::to_string(limit));
  }
  if (result.tokens.size() > std::size_t{limit} + 1) {
    const std::size_t cut = result.tokens.size() - (std::size_t{limit} + 1);
    result.tokens.erase(result.tokens.begin(), result.tokens.begin() + static_cast<std::ptrdiff_t>(cut));
    result.context -= cut;
  }
  return result;
}

EncodedRequest encode_prompt(const tokenizer::Tokenizer& tokenizer, const std::string& text, std::int32_t bos,
                             std::uint32_t limit, std::uint32_t new_tokens, const std::string& place) {
  if (new_tokens >= limit) {
    fail(place, "expected fewer new tokens than the context of the model, " + std::to_string(limit) + ", found " +
                    std::to_string(new_tokens));
  }
  EncodedRequest result{encode_text(tokenizer, text, bos), 0};
  if (result.tokens.empty() && tokenizer.data().bos >= 0) result.tokens.push_back(tokenizer.data().bos);
  if (result.tokens.empty()) fail(place, "the context is empty, and the tokenizer has no token to begin with");
  const std::size_t room = limit - new_tokens;
  if (result.tokens.size() > room) {
    result.tokens.erase(result.tokens.begin(), result.tokens.end() - static_cast<std::ptrdiff_t>(room));
  }
  result.context = result.tokens.size();
  return result;
}

EncodedTask encode(const Task& task, const tokenizer::Tokenizer& tokenizer, BosChoice choice,
                   std::uint32_t context_length) {
  const std::int32_t bos = bos_token(tokenizer, choice);
  EncodedTask result;
  result.reserve(task.items.size());
  for (const TaskItem& item : task.items) {
    throw_if_interrupted();
    std::vector<EncodedRequest>& requests = result.emplace_back();
    for (const Request& request : item.requests) {
      if (task.kind == TaskKind::kGeneration) {
        requests.push_back(
            encode_prompt(tokenizer, request.context, bos, context_length, item.generation.max_tokens, item.place));
      } else {
        requests.push_back(encode_request(tokenizer, request, bos, context_length, item.place));
      }
    }
  }
  return result;
}

}  // namespace xw::evaluation
