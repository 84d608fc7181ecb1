// Words of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"

namespace xw::tokenizer::jinja {

struct Token {
  enum class Kind : std::uint8_t {
    kText,
    kPrintBegin,
    kPrintEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,
    kInteger,  ///< decimal, without underscores
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;        ///< kString: with escapes resolved
  std::uint32_t line = 0;  ///< from 1
};

/// Cuts a template into text and the tokens of its tags; comments vanish, raw blocks become text, every line ends with a
/// line feed. Ends with kEnd. Throws Error{kUnsupported} naming the line.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source, Budget& budget);

}  // namespace xw::tokenizer::jinja
