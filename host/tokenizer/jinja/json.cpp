// Values as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

#include "host/tokenizer/jinja/text.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

void append_json_text(std::string_view text, bool ensure_ascii, TextBuilder& out) {
  out.append("\"");
  std::array<char, 16> escape{};
  const auto escaped = [&](std::uint32_t unit) {
    std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(unit));
    out.append(escape.data());
  };
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    static constexpr std::string_view kShort = "\"\\\n\r\t\f\b";
    static constexpr std::string_view kLetters = "\"\\nrtfb";
    const std::size_t letter = c.length == 1 ? kShort.find(text[pos]) : std::string_view::npos;
    if (letter != std::string_view::npos) {
      out.append("\\");
      out.append(kLetters.substr(letter, 1));
    } else if (c.valid && c.code_point < 0x20) {
      escaped(c.code_point);
    } else if (ensure_ascii && c.code_point >= 0x10000) {
      escaped(0xD800 + ((c.code_point - 0x10000) >> 10));
      escaped(0xDC00 + ((c.code_point - 0x10000) & 0x3FF));
    } else if (ensure_ascii && c.code_point >= 0x7F) {
      escaped(c.code_point);
    } else {
      out.append(text.substr(pos, c.length));
    }
    pos += c.length;
  }
  out.append("\"");
}

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, TextBuilder& out, Budget& budget) : style_(style), out_(out), budget_(budget) {}

  void write(const Value& value, std::size_t level) {
    budget_.step();
    switch (value.kind()) {
      case Kind::kNone:
        return out_.append("null");
      case Kind::kBool:
        return out_.append(value.as_integer() != 0 ? "true" : "false");
      case Kind::kInteger:
        return out_.append(std::to_string(value.as_integer()));
      case Kind::kFloat:
        return write_real(value.as_real());
      case Kind::kString:
        return append_json_text(value.text(), style_.ensure_ascii, out_);
      case Kind::kList:
      case Kind::kTuple:
        return write_all(value.items(), "[", "]", level, [&](const Value& item) { write(item, level + 1); });
      case Kind::kObject:
        return write_object(value, level);
      default:
        throw_unsupported(std::string("JSON of a ") + value.kind_name());
    }
  }

 private:
  void write_real(double value) {
    if (std::isnan(value)) return out_.append("NaN");
    if (std::isinf(value)) return out_.append(value > 0 ? "Infinity" : "-Infinity");
    out_.append(float_text(value));
  }

  void new_line(std::size_t level) {
    if (!style_.pretty) return;
    out_.append("\n");
    out_.repeat(style_.indent, level);
  }

  template <typename Range, typename Write>
  void write_all(const Range& range, std::string_view open, std::string_view close, std::size_t level, Write one) {
    out_.append(open);
    bool first = true;
    for (const auto& item : range) {
      if (!first) out_.append(style_.item_separator);
      first = false;
      new_line(level + 1);
      one(item);
    }
    if (!first) new_line(level);
    out_.append(close);
  }

  void write_key(const Value& key) {
    if (key.is(Kind::kString)) return append_json_text(key.text(), style_.ensure_ascii, out_);
    if (!key.is_number() && !key.is(Kind::kNone))
      throw_unsupported(std::string("JSON with a key that is a ") + key.kind_name());
    out_.append("\"");
    write(key, 0);
    out_.append("\"");
  }

  void write_object(const Value& value, std::size_t level) {
    std::vector<const Member*> members;
    budget_.allocate(2 * value.members().size() * sizeof(const Member*));  // a stable sort has a buffer
    members.reserve(value.members().size());
    for (const Member& member : value.members()) members.push_back(&member);
    if (style_.sort_keys) {
      std::stable_sort(members.begin(), members.end(),
                       [&](const Member* a, const Member* b) { return compare(a->first, b->first, budget_) < 0; });
    }
    write_all(members, "{", "}", level, [&](const Member* member) {
      write_key(member->first);
      out_.append(style_.key_separator);
      write(member->second, level + 1);
    });
  }

  const JsonStyle& style_;
  TextBuilder& out_;
  Budget& budget_;
};

}  // namespace

void append_json(const Value& value, const JsonStyle& style, TextBuilder& out, Budget& budget) {
  JsonWriter(style, out, budget).write(value, 0);
}

}  // namespace xw::tokenizer::jinja
