// Words of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xw::tokenizer::jinja {

struct Token {
  enum class Kind { kText, kPrintBegin, kPrintEnd, kBlockBegin, kBlockEnd, kName, kString, kInteger, kOperator, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  ///< kString: with escapes resolved
};

/// Cuts a template into text and the tokens of its tags; comments vanish. Ends with kEnd.
/// Throws Error{kUnsupported} naming the line.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

}  // namespace xw::tokenizer::jinja
