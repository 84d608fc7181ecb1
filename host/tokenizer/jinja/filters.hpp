// The filters of chat templates, by what they work on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "host/tokenizer/jinja/functions.hpp"

namespace xw::tokenizer::jinja {

using Filter = Value (*)(const Value& value, const Arguments& arguments, Budget& budget);
struct NamedFilter {
  std::string_view name;
  Filter filter;
};

[[nodiscard]] std::span<const NamedFilter> text_filters();
[[nodiscard]] std::span<const NamedFilter> number_filters();
[[nodiscard]] std::span<const NamedFilter> list_filters();

// Shared with methods of texts.
[[nodiscard]] Value replace(const std::string& text, const std::string& from, const std::string& to, std::int64_t count,
                            Budget& budget);
[[nodiscard]] Value upper(std::string_view text, Budget& budget);
[[nodiscard]] Value lower(std::string_view text, Budget& budget);
/// Lower case with the first character in title case.
[[nodiscard]] Value capitalize(std::string_view text, Budget& budget);
/// As Python's str.splitlines().
[[nodiscard]] std::vector<Value> split_lines(std::string_view text, bool keep_ends, Budget& budget);

}  // namespace xw::tokenizer::jinja
