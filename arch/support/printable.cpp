// Escapes what a terminal would obey.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/printable.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

#include "arch/support/utf8.hpp"

namespace xw {
namespace {

[[nodiscard]] bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

/// Characters that are not seen, or that change how others are seen.
[[nodiscard]] bool is_deceptive(std::uint32_t code_point) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr std::array<Range, 10> kRanges = {{
      {0x061C, 0x061C},    // Arabic letter mark
      {0x180E, 0x180E},    // Mongolian vowel separator
      {0x200B, 0x200B},    // zero-width space
      {0x200E, 0x200F},    // left-to-right and right-to-left marks
      {0x2028, 0x202E},    // separators of lines and paragraphs, bidirectional embeddings and overrides
      {0x2060, 0x206F},    // word joiner, invisible operators, bidirectional isolates
      {0xFEFF, 0xFEFF},    // byte order mark
      {0xFFF9, 0xFFFB},    // interlinear annotations
      {0x1D173, 0x1D17A},  // invisible musical controls
      {0xE0000, 0xE007F},  // tags
  }};
  for (const Range& range : kRanges) {
    if (code_point >= range.first && code_point <= range.last) return true;
  }
  return false;
}

void append_escaped(std::string& result, const char* format, std::uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(value));
  result += text.data();
}

[[nodiscard]] std::string escaped(std::string_view text, bool keep_lines) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    if (!c.valid) {
      append_escaped(result, "\\x%02x", c.code_point);
    } else if (keep_lines && (c.code_point == '\n' || c.code_point == '\t')) {
      result += text[pos];
    } else if (c.code_point == '\n') {
      result += "\\n";
    } else if (c.code_point == '\r') {
      result += "\\r";
    } else if (c.code_point == '\t') {
      result += "\\t";
    } else if (is_control(c.code_point)) {
      append_escaped(result, "\\x%02x", c.code_point);
    } else if (is_deceptive(c.code_point)) {
      append_escaped(result, "\\u{%x}", c.code_point);
    } else {
      result += text.substr(pos, c.length);
    }
    pos += c.length;
  }
  return result;
}

}  // namespace

std::string as_utf8(std::string_view text) {
  std::string result;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t good = valid_prefix_length(text, pos);
    result += text.substr(pos, good);
    pos += good;
    if (pos < text.size()) append_escaped(result, "\\x%02x", static_cast<unsigned char>(text[pos++]));
  }
  return result;
}

std::string printable_json(std::string_view document) {
  std::string result;
  result.reserve(document.size());
  for (std::size_t pos = 0; pos < document.size();) {
    const Utf8Char c = utf8_at(document, pos);
    const bool is_escaped = c.code_point >= 0x7F && (is_control(c.code_point) || is_deceptive(c.code_point));
    if (!is_escaped) {
      result += document.substr(pos, c.length);
    } else if (c.code_point < 0x10000) {
      append_escaped(result, "\\u%04x", c.code_point);
    } else {
      append_escaped(result, "\\u%04x", 0xD800 + ((c.code_point - 0x10000) >> 10));
      append_escaped(result, "\\u%04x", 0xDC00 + ((c.code_point - 0x10000) & 0x3FF));
    }
    pos += c.length;
  }
  return result;
}

std::string printable(std::string_view text) {
  return escaped(text, false);
}

std::string printable_lines(std::string_view text) {
  return escaped(text, true);
}

}  // namespace xw
