// The tokenizer over HTTP, as vLLM has it: clients count and cut tokens without having the tokenizer themselves.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::server {

/// Of GET /tokenizer_info: special tokens as texts, null where there is none, and the chat template. `length`: tokens that a sequence can have.
[[nodiscard]] nlohmann::ordered_json tokenizer_info_json(const tokenizer::Tokenizer& tokenizer, std::uint32_t length);
/// Of POST /tokenize {"prompt": text, "add_special_tokens": true}: {"tokens", "count", "max_model_len"}. Control tokens in the text are recognised.
/// Throws Error{kInvalidArgument} naming the key, what was expected and found.
[[nodiscard]] nlohmann::ordered_json tokenize_json(std::string_view body, const tokenizer::Tokenizer& tokenizer,
                                                   std::uint32_t length);
/// Of POST /detokenize {"tokens": ids}: {"prompt"}, control tokens as they are written. Throws like tokenize_json.
[[nodiscard]] nlohmann::ordered_json detokenize_json(std::string_view body, const tokenizer::Tokenizer& tokenizer);

}  // namespace xw::server
