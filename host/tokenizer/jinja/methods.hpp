// The methods of chat templates, by what they belong to.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "host/tokenizer/jinja/functions.hpp"

namespace xw::tokenizer::jinja {

using Method = Value (*)(const Value& self, const Arguments& arguments, Budget& budget);
struct NamedMethod {
  std::string_view name;
  Method method;
};

[[nodiscard]] std::span<const NamedMethod> text_methods();

}  // namespace xw::tokenizer::jinja
