// How values look as text: str() and repr(); what texts are made of.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/value.hpp"
#include "host/tokenizer/unicode/letter_case.hpp"

namespace xw::tokenizer::jinja {

/// As Python prints it; undefined is "". Throws Error{kUnsupported} for functions, loops and namespaces.
void append_text(const Value& value, TextBuilder& out, Budget& budget);
[[nodiscard]] std::string to_text(const Value& value, Budget& budget);
/// Python's repr(): texts in quotes.
void append_repr(const Value& value, TextBuilder& out, Budget& budget);
/// A double as Python prints it: the shortest digits that give it back.
[[nodiscard]] std::string float_text(double value);

/// Python's str.isspace() of a character.
[[nodiscard]] bool is_python_space(std::uint32_t code_point);
/// `text` without white space (or, if `set` is not null, without the characters of `set`) at its ends.
[[nodiscard]] std::string_view strip(std::string_view text, const std::string* set, bool left, bool right,
                                     Budget& budget);
/// `text` in another case; `before` stands before it (whether a sigma ends a word depends on that).
void append_case(std::string_view text, LetterCase to, TextBuilder& out, std::string_view before = {});
/// Finds a text in others in linear time, whatever both are (Knuth, Morris, Pratt).
class Finder {
 public:
  /// `part` must outlive the finder.
  Finder(std::string_view part, Budget& budget);
  /// The first place at or after `from`, or npos. An empty part is found at `from`.
  [[nodiscard]] std::size_t find(std::string_view text, std::size_t from) const;

 private:
  std::string_view part_;
  Budget& budget_;
  std::vector<std::uint32_t> borders_;
};
/// Number of characters.
[[nodiscard]] std::int64_t count_characters(std::string_view text, Budget& budget);

}  // namespace xw::tokenizer::jinja
