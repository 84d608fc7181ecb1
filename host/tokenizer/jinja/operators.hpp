// Arithmetic of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

/// + - * / // % ** as in Python, with integers of 64 bits: overflow is Error{kUnsupported}.
[[nodiscard]] Value apply_operator(std::string_view op, const Value& left, const Value& right, Budget& budget);
/// == != < > <= >= in "not in".
[[nodiscard]] bool apply_comparison(std::string_view op, const Value& left, const Value& right, Budget& budget);
/// -value, +value.
[[nodiscard]] Value apply_sign(bool negative, const Value& value);
}  // namespace xw::tokenizer::jinja
