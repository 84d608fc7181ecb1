// Filters, tests, functions and methods of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

/// Arguments of a call, without the value a filter, test or method belongs to.
struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> keywords;
};

// All throw Error{kUnsupported} for unknown names and for values of kinds that they do not take.
[[nodiscard]] Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
[[nodiscard]] bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
[[nodiscard]] Value call_method(const std::string& name, const Value& value, const Arguments& arguments);
/// raise_exception throws Error{kInvalidArgument} with the template's message.
[[nodiscard]] Value call_function(const std::string& name, Arguments arguments);
[[nodiscard]] bool is_function(const std::string& name);
[[nodiscard]] Value apply_operator(const std::string& op, const Value& left, const Value& right);

}  // namespace xw::tokenizer::jinja
