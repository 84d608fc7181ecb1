// Values as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

struct JsonStyle {
  bool ensure_ascii = false;
  bool pretty = false;  ///< one member a line, indented
  std::string indent;   ///< of one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
/// Python's json.dumps(). Throws Error{kUnsupported} for undefined values, functions, loops and namespaces.
void append_json(const Value& value, const JsonStyle& style, TextBuilder& out, Budget& budget);

}  // namespace xw::tokenizer::jinja
