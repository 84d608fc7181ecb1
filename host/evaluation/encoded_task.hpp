// Tasks as token ids: made once, for all chips.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/evaluation/perplexity.hpp"
#include "host/evaluation/task.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::evaluation {

/// A request as token ids; its continuation is [context, tokens.size()), empty for one that generates.
struct EncodedRequest {
  std::vector<std::int32_t> tokens;
  std::size_t context = 0;  ///< at least 1
  friend bool operator==(const EncodedRequest&, const EncodedRequest&) = default;
};

/// As lm-evaluation-harness does it: white space at the end of the context goes over to the continuation, whose tokens are
/// those of the whole text behind as many as the context alone has. `bos` (-1: none) stands in front unless the text
/// begins with it; where there is no context at all, BOS or else end-of-sequence is one. Control tokens in texts are
/// recognised. The last token is only predicted: at most `limit` tokens stand before it, and a longer context loses its
/// first ones. Throws Error{kInvalidArgument} naming `place` for a continuation without tokens or of more than `limit`,
/// and where nothing can be a context.
[[nodiscard]] EncodedRequest encode_request(const tokenizer::Tokenizer& tokenizer, const Request& request,
                                            std::int32_t bos, std::uint32_t limit, const std::string& place);
/// A text to be continued by up to `new_tokens` tokens within `limit`, cut at the front.
[[nodiscard]] EncodedRequest encode_prompt(const tokenizer::Tokenizer& tokenizer, const std::string& text,
                                           std::int32_t bos, std::uint32_t limit, std::uint32_t new_tokens,
                                           const std::string& place);

/// Requests of every item of a task.
using EncodedTask = std::vector<std::vector<EncodedRequest>>;
/// `context_length`: of the model. Throws what encode_request() does, Error{kInterrupted}.
[[nodiscard]] EncodedTask encode(const Task& task, const tokenizer::Tokenizer& tokenizer, BosChoice bos,
                                 std::uint32_t context_length);

}  // namespace xw::evaluation
