// Upper, lower and title case of characters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/unicode/letter_case.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace xw::tokenizer {
namespace {

struct CaseMapping {
  char32_t code_point;
  char32_t to[3];  ///< ends with zeros
};

#include "host/tokenizer/unicode/letter_case_tables.inc"

std::span<const CaseMapping> table_of(LetterCase to) {
  switch (to) {
    case LetterCase::kUpper:
      return kUpper;
    case LetterCase::kLower:
      return kLower;
    case LetterCase::kTitle:
      break;
  }
  return kTitle;
}

}  // namespace

std::u32string_view map_case(char32_t code_point, LetterCase to) {
  if (code_point < 0x80) {
    const bool is_upper = code_point >= U'A' && code_point <= U'Z';
    const bool is_lower = code_point >= U'a' && code_point <= U'z';
    if (to == LetterCase::kLower ? !is_upper : !is_lower) return {};
    thread_local char32_t letter = 0;
    letter = code_point ^ 0x20U;
    return {&letter, 1};
  }
  const std::span<const CaseMapping> table = table_of(to);
  const auto it = std::ranges::lower_bound(table, code_point, {}, &CaseMapping::code_point);
  if (it == table.end() || it->code_point != code_point) return {};
  const char32_t* const end = std::find(it->to, std::end(it->to), U'\0');
  return {it->to, static_cast<std::size_t>(end - it->to)};
}

bool is_cased(char32_t code_point) {
  return !map_case(code_point, LetterCase::kUpper).empty() || !map_case(code_point, LetterCase::kLower).empty();
}

}  // namespace xw::tokenizer
