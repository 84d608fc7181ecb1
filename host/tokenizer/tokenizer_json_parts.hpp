// The parts of a Hugging Face tokenizer.json that surround its vocabulary.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

using Json = nlohmann::json;
using TokenIdsByText = std::unordered_map<std::string, TokenId>;

/// Parses JSON text; throws Error{kFormat} with the place of a mistake.
[[nodiscard]] Json parse_json(std::string_view text, const std::string& origin);
/// Member `key` of an object, or null if it is absent (or `object` is no object).
[[nodiscard]] const Json& member(const Json& object, const char* key);
/// Typed members; throw Error{kFormat} naming `place` and the key if the type is another.
[[nodiscard]] std::string string_member(const Json& object, const char* key, const std::string& place);
[[nodiscard]] bool bool_member(const Json& object, const char* key, bool absent, const std::string& place);

/// Reads "normalizer" and "pre_tokenizer" into the algorithm, the split regexes and the space prefix.
/// Throws Error{kUnsupported} listing what is supported.
void read_text_pipeline(const Json& root, TokenizerData& data, const std::string& origin);
/// Reads "post_processor": which special tokens surround a text.
void read_post_processor(const Json& root, const TokenIdsByText& ids, TokenizerData& data, const std::string& origin);
/// Reads tokenizer_config.json: special tokens, add_bos_token, chat template.
void read_tokenizer_config(const Json& config, const TokenIdsByText& ids, TokenizerData& data,
                           const std::string& origin);

}  // namespace xw::tokenizer
