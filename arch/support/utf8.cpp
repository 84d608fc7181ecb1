// Strict UTF-8.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/utf8.hpp"

#include <algorithm>

namespace xw {
namespace {

/// How a sequence starts: its length (0: not a lead byte), the bits of the lead byte and the range of the second byte.
struct Lead {
  std::size_t length = 0;
  std::uint32_t bits = 0;
  std::uint8_t second_min = 0x80;
  std::uint8_t second_max = 0xBF;
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {1, byte, 0, 0};
  if (byte < 0xC2) return {};  // continuation bytes and overlong forms
  if (byte < 0xE0) return {2, byte & 0x1FU, 0x80, 0xBF};
  if (byte < 0xF0) {
    const std::uint8_t min = byte == 0xE0 ? 0xA0 : 0x80;
    const std::uint8_t max = byte == 0xED ? 0x9F : 0xBF;  // no surrogates
    return {3, byte & 0x0FU, min, max};
  }
  if (byte < 0xF5) {
    const std::uint8_t min = byte == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t max = byte == 0xF4 ? 0x8F : 0xBF;  // not above U+10FFFF
    return {4, byte & 0x07U, min, max};
  }
  return {};
}

bool fits(const Lead& lead, std::size_t index, std::uint8_t byte) {
  if (index == 1) return byte >= lead.second_min && byte <= lead.second_max;
  return byte >= 0x80 && byte <= 0xBF;
}

}  // namespace

Utf8Char utf8_at(std::string_view text, std::size_t pos) {
  const auto first = static_cast<std::uint8_t>(text[pos]);
  const Lead lead = lead_of(first);
  const Utf8Char broken{first, 1, false};
  if (lead.length == 0 || text.size() - pos < lead.length) return broken;
  std::uint32_t code_point = lead.bits;
  for (std::size_t i = 1; i < lead.length; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[pos + i]);
    if (!fits(lead, i, byte)) return broken;
    code_point = (code_point << 6) | (byte & 0x3FU);
  }
  return {code_point, lead.length, true};
}

void append_utf8(std::string& text, std::uint32_t code_point) {
  const auto push = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xC0U | (code_point >> 6));
    push(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    push(0xE0U | (code_point >> 12));
    push(0x80U | ((code_point >> 6) & 0x3FU));
    push(0x80U | (code_point & 0x3FU));
  } else {
    push(0xF0U | (code_point >> 18));
    push(0x80U | ((code_point >> 12) & 0x3FU));
    push(0x80U | ((code_point >> 6) & 0x3FU));
    push(0x80U | (code_point & 0x3FU));
  }
}

std::size_t valid_prefix_length(std::string_view text, std::size_t pos) {
  std::size_t end = pos;
  while (end < text.size()) {
    if (static_cast<std::uint8_t>(text[end]) < 0x80) {
      ++end;
      continue;
    }
    const Utf8Char c = utf8_at(text, end);
    if (!c.valid) break;
    end += c.length;
  }
  return end - pos;
}

std::size_t incomplete_suffix_length(std::string_view text) {
  const std::size_t longest = std::min<std::size_t>(3, text.size());
  for (std::size_t n = longest; n >= 1; --n) {
    const std::string_view tail = text.substr(text.size() - n);
    const Lead lead = lead_of(static_cast<std::uint8_t>(tail[0]));
    if (lead.length <= n) continue;
    bool good = true;
    for (std::size_t i = 1; i < n; ++i) good = good && fits(lead, i, static_cast<std::uint8_t>(tail[i]));
    if (good) return n;
  }
  return 0;
}

}  // namespace xw
