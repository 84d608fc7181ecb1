// Filters of texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/filters.hpp"
#include "host/tokenizer/jinja/percent_format.hpp"
#include "host/tokenizer/jinja/text.hpp"
#include "host/tokenizer/unicode/letter_case.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

Value trim(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "trim", {"chars"});
  const std::string text = to_text(value, budget);
  const bool given = p[0] != nullptr && !p[0]->is(Kind::kNone);
  return text_value(strip(text, given ? &p.text(0) : nullptr, true, true, budget), budget);
}

template <Value (*Change)(std::string_view, Budget&)>
Value changed(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "a filter of the case of letters", {});
  return Change(to_text(value, budget), budget);
}

/// Every word in lower case with a first letter in upper case; words start after white space and -({[<.
Value title(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "title", {});
  const std::string text = to_text(value, budget);
  budget.scan(4 * text.size());
  TextBuilder out(budget);
  bool separator = true;  // of the run that ends here; a run is one item
  bool first = true;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    const bool is_separator =
        c.valid &&
        (is_python_space(c.code_point) ||
         std::string_view("-({[<").find(static_cast<char>(c.code_point)) != std::string_view::npos) &&
        (c.code_point < 0x80 || is_python_space(c.code_point));
    if (is_separator != separator) first = true;
    separator = is_separator;
    append_case(std::string_view(text).substr(pos, c.length), first ? LetterCase::kUpper : LetterCase::kLower, out);
    first = false;
    pos += c.length;
  }
  return out.value();
}

Value replace_filter(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "replace", {"old", "new", "count"}, 2);
  return replace(to_text(value, budget), to_text(*p[0], budget), to_text(*p[1], budget), p.integer(2, -1), budget);
}

Value indent(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "indent", {"width", "first", "blank"});
  const std::string text = to_text(value, budget);
  TextBuilder indention(budget);
  if (p[0] != nullptr && p[0]->is(Kind::kString)) {
    indention.append(p[0]->text());
  } else {
    indention.repeat(" ", static_cast<std::size_t>(std::max<std::int64_t>(p.integer(0, 4), 0)));
  }
  const bool blank = p.truth(2, false);
  TextBuilder out(budget);
  if (p.truth(1, false)) out.append(indention.text());
  budget.allocate(text.size() + 1);
  const std::vector<Value> lines = split_lines(text + "\n", false, budget);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n");
    if (i > 0 && (blank || !lines[i].text().empty())) out.append(indention.text());
    out.append(lines[i].text());
  }
  return out.value();
}

Value format(const Value& value, const Arguments& arguments, Budget& budget) {
  if (!arguments.values.empty() && !arguments.keywords.empty()) throw_unsupported("format with two kinds of arguments");
  return format_percent(to_text(value, budget), arguments, budget);
}

Value escape(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "escape", {});
  const std::string text = to_text(value, budget);
  TextBuilder out(budget);
  for (const char& c : text) {
    static constexpr std::string_view kSpecial = "&<>'\"";
    static constexpr std::array<std::string_view, 5> kNames = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const std::size_t special = kSpecial.find(c);
    out.append(special == std::string_view::npos ? std::string_view(&c, 1) : kNames[special]);
  }
  return out.value();
}

Value center(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "center", {"width"});
  const std::string text = to_text(value, budget);
  const std::int64_t missing = std::max<std::int64_t>(p.integer(0, 80) - count_characters(text, budget), 0);
  const std::int64_t left = missing / 2 + (missing & p.integer(0, 80) & 1);  // as CPython rounds
  TextBuilder out(budget);
  out.repeat(" ", static_cast<std::size_t>(left));
  out.append(text);
  out.repeat(" ", static_cast<std::size_t>(missing - left));
  return out.value();
}

/// The first `count` characters.
std::string_view head(std::string_view text, std::int64_t count) {
  std::size_t end = 0;
  for (std::int64_t i = 0; i < count && end < text.size(); ++i) end += utf8_at(text, end).length;
  return text.substr(0, end);
}

Value truncate(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "truncate", {"length", "killwords", "end", "leeway"});
  const std::string text = to_text(value, budget);
  const std::string end = p[2] != nullptr ? p.text(2) : "...";
  const std::int64_t room = p.integer(0, 255) - count_characters(end, budget);
  if (room < 0 || p.integer(3, 5) < 0) throw_unsupported("truncate to less than its end");
  if (count_characters(text, budget) - p.integer(3, 5) <= p.integer(0, 255)) return text_value(text, budget);
  std::string_view kept = head(text, room);
  if (!p.truth(1, false)) kept = kept.substr(0, kept.rfind(' '));
  TextBuilder out(budget);
  out.append(kept);
  out.append(end);
  return out.value();
}

Value word_count(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "wordcount", {});
  const std::string text = to_text(value, budget);
  budget.scan(4 * text.size());
  std::int64_t count = 0;
  bool inside = false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) throw_unsupported("wordcount of text beyond ASCII");
    const bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    count += is_word && !inside ? 1 : 0;
    inside = is_word;
  }
  return Value::integer(count);
}

Value url_encode(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "urlencode", {});
  if (!value.is(Kind::kString) && !value.is_number()) unsupported_for("the filter \"urlencode\"", value);
  TextBuilder out(budget);
  for (const char c : to_text(value, budget)) {
    const bool is_safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         std::string_view("_.-~/").find(c) != std::string_view::npos;
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    const std::array<char, 3> escaped = {'%', kHex[byte >> 4], kHex[byte & 15]};
    out.append(is_safe ? std::string_view(&c, 1) : std::string_view(escaped.data(), 3));
  }
  return out.value();
}

constexpr std::array kTextFilters = {
    NamedFilter{"capitalize", changed<capitalize>},
    NamedFilter{"center", center},
    NamedFilter{"e", escape},
    NamedFilter{"escape", escape},
    NamedFilter{"forceescape", escape},
    NamedFilter{"format", format},
    NamedFilter{"indent", indent},
    NamedFilter{"lower", changed<lower>},
    NamedFilter{"replace", replace_filter},
    NamedFilter{"title", title},
    NamedFilter{"trim", trim},
    NamedFilter{"truncate", truncate},
    NamedFilter{"upper", changed<upper>},
    NamedFilter{"urlencode", url_encode},
    NamedFilter{"wordcount", word_count},
};

Value with_case(std::string_view text, LetterCase first, LetterCase rest, Budget& budget) {
  budget.scan(4 * text.size());
  TextBuilder out(budget);
  out.reserve(text.size());
  const std::size_t head_length = text.empty() ? 0 : utf8_at(text, 0).length;
  append_case(text.substr(0, head_length), first, out);
  append_case(text.substr(head_length), rest, out, text.substr(0, head_length));
  return out.value();
}

}  // namespace

std::span<const NamedFilter> text_filters() {
  return kTextFilters;
}

Value replace(const std::string& text, const std::string& from, const std::string& to, std::int64_t count,
              Budget& budget) {
  TextBuilder out(budget);
  const Finder finder(from, budget);
  std::size_t pos = 0;
  for (std::int64_t done = 0; done != count; ++done) {
    budget.step();
    std::size_t hit = finder.find(text, pos);
    if (from.empty()) {  // before every character and at the end
      if (done > 0) hit = pos < text.size() ? pos + utf8_at(text, pos).length : std::string::npos;
    }
    if (hit == std::string::npos) break;
    out.append(std::string_view(text).substr(pos, hit - pos));
    out.append(to);
    pos = hit + from.size();
  }
  out.append(std::string_view(text).substr(pos));
  return out.value();
}

Value upper(std::string_view text, Budget& budget) {
  return with_case(text, LetterCase::kUpper, LetterCase::kUpper, budget);
}

Value lower(std::string_view text, Budget& budget) {
  return with_case(text, LetterCase::kLower, LetterCase::kLower, budget);
}

Value capitalize(std::string_view text, Budget& budget) {
  return with_case(text, LetterCase::kTitle, LetterCase::kLower, budget);
}

std::vector<Value> split_lines(std::string_view text, bool keep_ends, Budget& budget) {
  ListBuilder lines(budget);
  budget.scan(4 * text.size());
  const auto is_end = [](std::uint32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  std::size_t begin = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    std::size_t next = pos + c.length;
    if (c.valid && is_end(c.code_point)) {
      if (c.code_point == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push(text_value(text.substr(begin, (keep_ends ? next : pos) - begin), budget));
      begin = next;
    }
    pos = next;
  }
  if (begin < text.size()) lines.push(text_value(text.substr(begin), budget));
  return lines.take();
}

}  // namespace xw::tokenizer::jinja
