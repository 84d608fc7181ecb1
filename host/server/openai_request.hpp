// Bodies of requests of OpenAI's HTTP interface.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/server/completion.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::server {

inline constexpr std::size_t kMaxBody = std::size_t{8} << 20;  ///< bytes
inline constexpr std::size_t kMaxPrompts = 256;                ///< of one request, copies counted
inline constexpr std::size_t kMaxStops = 16;
inline constexpr std::uint32_t kMaxTop = 20;  ///< likeliest tokens that can be asked for

/// A request of /v1/completions or /v1/chat/completions.
struct ApiRequest {
  std::vector<CompletionRequest> completions;  ///< a choice each: copies of the first prompt, then of the next
  std::vector<std::string> prompt_texts;       ///< of every choice, for echo
  std::uint64_t prompt_tokens = 0;             ///< of all prompts; the copies of one count once
  bool is_chat = false, stream = false, echo = false;
  bool include_usage = false;  ///< in a stream
};

/// Reads the body of /v1/completions: prompt (text, token ids, or a list of either), max_tokens (16), temperature (1), top_p, top_k,
/// seed, n, stop, echo, logprobs, stream, stream_options. `length`: tokens that a sequence can have. Texts become tokens as those of
/// `crossweave run --prompt` do. Unknown keys are overlooked as other servers do; those that would change the result and are not
/// supported (suffix, penalties, logit_bias, best_of) are refused unless they say nothing. Throws Error{kInvalidArgument} naming the key,
/// what was expected and found.
[[nodiscard]] ApiRequest read_completion(std::string_view body, const tokenizer::Tokenizer& tokenizer,
                                         std::uint32_t length);
/// Reads the body of /v1/chat/completions: messages, max_tokens or max_completion_tokens (as many as there is room for), logprobs,
/// top_logprobs, and the above without prompt and echo. Throws also what the chat template throws.
[[nodiscard]] ApiRequest read_chat(std::string_view body, const tokenizer::Tokenizer& tokenizer, std::uint32_t length);

}  // namespace xw::server
