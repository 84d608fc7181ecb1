// How values look as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

void append_number(const Value& value, TextBuilder& out) {
  if (value.is(Kind::kFloat)) {
    out.append(float_text(value.as_real()));
  } else {
    out.append(std::to_string(value.as_integer()));
  }
}

/// Python escapes what it does not find printable; of characters beyond ASCII only control characters are known here.
void append_quoted(const std::string& text, TextBuilder& out) {
  const bool double_quotes = text.find('\'') != std::string::npos && text.find('"') == std::string::npos;
  const char quote = double_quotes ? '"' : '\'';
  out.append({&quote, 1});
  std::array<char, 8> escape{};
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    const std::string_view bytes(&text[pos], c.length);
    pos += c.length;
    const auto code = c.code_point;
    if (bytes.front() == quote || code == '\\') {
      out.append("\\");
      out.append(bytes);
    } else if (code == '\n' || code == '\r' || code == '\t') {
      out.append(code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t");
    } else if (c.valid && (code < 0x20 || (code >= 0x7F && code <= 0xA0) || code == 0xAD)) {
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(code));
      out.append(escape.data());
    } else {
      out.append(bytes);
    }
  }
  out.append({&quote, 1});
}

template <typename Range, typename Append>
void append_joined(const Range& range, std::string_view open, std::string_view close, TextBuilder& out, Append append) {
  out.append(open);
  bool first = true;
  for (const auto& item : range) {
    if (!first) out.append(", ");
    first = false;
    append(item);
  }
  out.append(close);
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  const bool negative = text.front() == '-';
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  int exponent = 0;
  const std::string_view power = text.substr(e + 1 + (text[e + 1] == '+' ? 1 : 0));
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  std::string out = negative ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    std::array<char, 16> tail{};
    std::snprintf(tail.data(), tail.size(), "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return out + tail.data();
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

void append_text(const Value& value, TextBuilder& out, Budget& budget) {
  if (value.is(Kind::kUndefined)) return;
  if (value.is(Kind::kString)) return out.append(value.text());
  append_repr(value, out, budget);
}

std::string to_text(const Value& value, Budget& budget) {
  TextBuilder out(budget);
  append_text(value, out, budget);
  return out.take();
}

void append_repr(const Value& value, TextBuilder& out, Budget& budget) {
  budget.step();
  const auto repr = [&](const Value& item) { append_repr(item, out, budget); };
  switch (value.kind()) {
    case Kind::kUndefined:
      return out.append("Undefined");
    case Kind::kNone:
      return out.append("None");
    case Kind::kBool:
      return out.append(value.as_integer() != 0 ? "True" : "False");
    case Kind::kInteger:
    case Kind::kFloat:
      return append_number(value, out);
    case Kind::kString:
      return append_quoted(value.text(), out);
    case Kind::kList:
      return append_joined(value.items(), "[", "]", out, repr);
    case Kind::kTuple:
      return append_joined(value.items(), "(", value.items().size() == 1 ? ",)" : ")", out, repr);
    case Kind::kObject:
      return append_joined(value.members(), "{", "}", out, [&](const Member& member) {
        repr(member.first);
        out.append(": ");
        repr(member.second);
      });
    default:
      throw_unsupported(std::string("printing a ") + value.kind_name());
  }
}

bool is_python_space(std::uint32_t code_point) {
  return is_white_space(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

std::string_view strip(std::string_view text, const std::string* set, bool left, bool right, Budget& budget) {
  // A set of characters, so that the cost is the sum of the lengths and not their product.
  std::unordered_set<std::string_view> characters;
  if (set != nullptr) {
    budget.allocate(set->size() * 64);
    budget.step(set->size());
    for (std::size_t pos = 0; pos < set->size();) {
      const std::size_t length = utf8_at(*set, pos).length;
      characters.insert(std::string_view(*set).substr(pos, length));
      pos += length;
    }
  }
  const auto goes = [&](std::size_t pos, const Utf8Char& c) {
    return set != nullptr ? characters.contains(text.substr(pos, c.length)) : c.valid && is_python_space(c.code_point);
  };
  std::size_t begin = 0;
  while (left && begin < text.size()) {
    budget.step();
    const Utf8Char c = utf8_at(text, begin);
    if (!goes(begin, c)) break;
    begin += c.length;
  }
  std::size_t end = text.size();
  while (right && end > begin) {
    budget.step();
    std::size_t pos = end - 1;  // where the last character begins
    for (std::size_t back = 1; back < 4 && pos > begin && (static_cast<std::uint8_t>(text[pos]) & 0xC0U) == 0x80U;
         ++back)
      --pos;
    if (utf8_at(text, pos).length != end - pos) pos = end - 1;
    if (!goes(pos, utf8_at(text.substr(0, end), pos))) break;
    end = pos;
  }
  return text.substr(begin, end - begin);
}

void append_case(std::string_view text, LetterCase to, TextBuilder& out, std::string_view before) {
  bool after_letter = !before.empty() && is_cased(utf8_at(before, 0).code_point);
  std::string mapped;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    const std::string_view bytes = text.substr(pos, c.length);
    pos += c.length;
    constexpr char32_t kSigma = 0x3A3;
    if (to == LetterCase::kLower && c.code_point == kSigma && c.valid) {
      const bool before_letter = pos < text.size() && is_cased(utf8_at(text, pos).code_point);
      out.append(after_letter && !before_letter ? "\xCF\x82" : "\xCF\x83");
      after_letter = true;
      continue;
    }
    const std::u32string_view points = c.valid ? map_case(c.code_point, to) : std::u32string_view();
    after_letter = c.valid && (!points.empty() || is_cased(c.code_point));
    if (points.empty()) {
      out.append(bytes);
      continue;
    }
    mapped.clear();
    for (const char32_t point : points) append_utf8(mapped, point);
    out.append(mapped);
  }
}

Finder::Finder(std::string_view part, Budget& budget) : part_(part), budget_(budget) {
  if (part.size() < 2) return;
  budget.allocate(part.size() * sizeof(std::uint32_t));
  budget.scan(part.size());
  borders_.resize(part.size());
  for (std::size_t i = 1, matched = 0; i < part.size(); ++i) {
    while (matched > 0 && part[i] != part[matched]) matched = borders_[matched - 1];
    if (part[i] == part[matched]) ++matched;
    borders_[i] = static_cast<std::uint32_t>(matched);
  }
}

std::size_t Finder::find(std::string_view text, std::size_t from) const {
  if (from > text.size()) return std::string_view::npos;
  if (part_.empty()) return from;
  std::size_t found = std::string_view::npos;
  std::size_t i = from;
  if (part_.size() == 1) {
    found = text.find(part_.front(), from);
    i = std::min(found, text.size());
  } else {
    for (std::size_t matched = 0; i < text.size() && found == std::string_view::npos; ++i) {
      while (matched > 0 && text[i] != part_[matched]) matched = borders_[matched - 1];
      if (text[i] == part_[matched]) ++matched;
      if (matched == part_.size()) found = i + 1 - matched;
    }
  }
  budget_.scan(i - from);
  return found;
}

std::int64_t count_characters(std::string_view text, Budget& budget) {
  budget.scan(4 * text.size());
  std::int64_t count = 0;
  for (std::size_t pos = 0; pos < text.size(); pos += utf8_at(text, pos).length) ++count;
  return count;
}

void ObjectBuilder::set(const Value& key, Value value) {
  if (key.is(Kind::kList) || key.is(Kind::kObject))
    throw_unsupported(std::string("a key that is a ") + key.kind_name());
  for (auto& [name, old] : members_) {
    if (equal(name, key, budget_)) {
      old = std::move(value);
      return;
    }
  }
  if (members_.size() == members_.capacity()) {
    const std::size_t wanted = std::max<std::size_t>(4, 2 * members_.capacity());
    budget_.allocate(wanted * sizeof(Member));
    members_.reserve(wanted);
  }
  members_.emplace_back(key, std::move(value));
}

}  // namespace xw::tokenizer::jinja
