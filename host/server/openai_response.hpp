// Answers of OpenAI's HTTP interface.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/server/openai_request.hpp"

namespace xw::server {

/// What all answers of one request have in common.
struct AnswerHead {
  std::string id;            ///< "cmpl-..." or "chatcmpl-..."
  std::string model;         ///< as the server calls it
  std::int64_t created = 0;  ///< seconds since 1970
};

/// A choice, whole or as far as it is known.
struct Choice {
  std::size_t index = 0;
  std::string text;
  std::vector<TokenScore> scores;
  std::optional<FinishReason> finish;
  bool is_first = false;  ///< of a stream's parts
};

struct Usage {
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
};

/// A token as text: its bytes, or "bytes:\\xHH..." where they are not UTF-8 of their own. Control tokens as they are written.
[[nodiscard]] std::string token_text(const tokenizer::Tokenizer& tokenizer, std::int32_t token);

/// The body of an answer that is given at once.
[[nodiscard]] nlohmann::ordered_json answer_json(const AnswerHead& head, const ApiRequest& request,
                                                 const std::vector<Choice>& choices, const Usage& usage,
                                                 const tokenizer::Tokenizer& tokenizer);
/// A part of a stream.
[[nodiscard]] nlohmann::ordered_json part_json(const AnswerHead& head, const ApiRequest& request, const Choice& choice,
                                               const tokenizer::Tokenizer& tokenizer);
/// The last part of a stream that asked for it.
[[nodiscard]] nlohmann::ordered_json usage_part_json(const AnswerHead& head, const ApiRequest& request,
                                                     const Usage& usage);
/// {"error": {"message", "type", "code"}}; `status`: of HTTP.
[[nodiscard]] nlohmann::ordered_json error_json(const std::string& message, int status);

}  // namespace xw::server
