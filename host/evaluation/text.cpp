// Numbers as text, and white space of texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/text.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include "arch/support/utf8.hpp"

namespace xw::evaluation {
namespace {

[[nodiscard]] bool is_space(std::uint32_t code_point) {
  if (code_point <= 0x20) return (code_point >= 0x09 && code_point <= 0x0D) || code_point >= 0x1C;
  if (code_point >= 0x2000 && code_point <= 0x200A) return true;
  switch (code_point) {
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string to_fixed(double value, int decimals) {
  std::array<char, 400> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, decimals).ptr;
  return {buffer.data(), end};
}

std::size_t trimmed_end(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t begin = end - 1;  // of the last character
    while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
    const Utf8Char last = utf8_at(text, begin);
    if (!last.valid || begin + last.length != end || !is_space(last.code_point)) break;
    end = begin;
  }
  return end;
}

std::string_view trimmed(std::string_view text) {
  text = text.substr(0, trimmed_end(text));
  while (!text.empty()) {
    const Utf8Char first = utf8_at(text, 0);
    if (!first.valid || !is_space(first.code_point)) break;
    text.remove_prefix(first.length);
  }
  return text;
}

}  // namespace xw::evaluation
