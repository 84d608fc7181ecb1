// Methods of texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/filters.hpp"
#include "host/tokenizer/jinja/methods.hpp"
#include "host/tokenizer/jinja/text.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

template <bool Left, bool Right>
Value strip_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "strip()", {"chars"});
  const bool given = p[0] != nullptr && !p[0]->is(Kind::kNone);
  return text_value(strip(self.text(), given ? &p.text(0) : nullptr, Left, Right, budget), budget);
}

/// Splits at white space, from the left or the right, at most `limit` times (negative: always).
Value split_at_spaces(std::string_view text, std::int64_t limit, bool from_right, Budget& budget) {
  budget.scan(4 * text.size());
  std::vector<std::pair<std::size_t, std::size_t>> words;
  std::size_t begin = std::string_view::npos;
  for (std::size_t pos = 0; pos <= text.size();) {
    const bool ends = pos == text.size();
    const Utf8Char c = ends ? Utf8Char{} : utf8_at(text, pos);
    const bool is_space = ends || (c.valid && is_python_space(c.code_point));
    if (is_space && begin != std::string_view::npos) {
      budget.allocate(3 * sizeof(words[0]));
      words.emplace_back(begin, pos);
      begin = std::string_view::npos;
    } else if (!is_space && begin == std::string_view::npos) {
      begin = pos;
    }
    pos += c.length;
  }
  if (limit >= 0 && words.size() > static_cast<std::size_t>(limit)) {  // the rest is one part, to the end of the text
    const auto kept = static_cast<std::size_t>(limit);
    if (from_right) {
      const std::size_t rest = words.size() - 1 - kept;
      words[rest].first = 0;
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(rest));
    } else {
      words[kept].second = text.size();
      words.resize(kept + 1);
    }
  }
  ListBuilder parts(budget);
  parts.reserve(words.size());
  for (const auto& [first, last] : words) parts.push(text_value(text.substr(first, last - first), budget));
  return parts.list();
}

/// Places of a separator, from the left.
std::vector<std::size_t> places_of(std::string_view text, std::string_view separator, Budget& budget) {
  if (separator.empty()) throw_unsupported("split() by an empty separator");
  const Finder finder(separator, budget);
  std::vector<std::size_t> places;
  for (std::size_t pos = finder.find(text, 0); pos != std::string_view::npos;
       pos = finder.find(text, pos + separator.size())) {
    budget.allocate(3 * sizeof(std::size_t));
    budget.step();
    places.push_back(pos);
  }
  return places;
}

/// The last places of a separator that a search from the right finds, in their order.
std::vector<std::size_t> places_from_right(std::string_view text, std::string_view separator, Budget& budget) {
  budget.allocate(text.size() + separator.size());
  const std::string reversed_text(text.rbegin(), text.rend());
  const std::string reversed_separator(separator.rbegin(), separator.rend());
  std::vector<std::size_t> places = places_of(reversed_text, reversed_separator, budget);
  std::ranges::reverse(places);
  for (std::size_t& place : places) place = text.size() - place - separator.size();
  return places;
}

template <bool FromRight>
Value split(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "split()", {"sep", "maxsplit"});
  const std::string& text = self.text();
  const std::int64_t limit = p.integer(1, -1);
  if (p[0] == nullptr || p[0]->is(Kind::kNone)) return split_at_spaces(text, limit, FromRight, budget);
  const std::string& separator = p.text(0);
  std::vector<std::size_t> places =
      FromRight ? places_from_right(text, separator, budget) : places_of(text, separator, budget);
  if (limit >= 0 && places.size() > static_cast<std::size_t>(limit)) {
    const auto extra = static_cast<std::ptrdiff_t>(places.size() - static_cast<std::size_t>(limit));
    if (FromRight) {
      places.erase(places.begin(), places.begin() + extra);
    } else {
      places.erase(places.end() - extra, places.end());
    }
  }
  ListBuilder parts(budget);
  parts.reserve(places.size() + 1);
  std::size_t begin = 0;
  for (const std::size_t place : places) {
    parts.push(text_value(std::string_view(text).substr(begin, place - begin), budget));
    begin = place + separator.size();
  }
  parts.push(text_value(std::string_view(text).substr(begin), budget));
  return parts.list();
}

template <bool FromRight>
Value partition(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "partition()", {"sep"}, 1);
  const std::string& text = self.text();
  const std::string& separator = p.text(0);
  const std::vector<std::size_t> places =
      FromRight ? places_from_right(text, separator, budget) : places_of(text, separator, budget);
  ListBuilder parts(budget);
  const std::string_view whole = text;
  if (places.empty()) {
    parts.push(text_value(FromRight ? "" : whole, budget));
    parts.push(text_value("", budget));
    parts.push(text_value(FromRight ? whole : "", budget));
  } else {
    const std::size_t place = FromRight ? places.back() : places.front();
    parts.push(text_value(whole.substr(0, place), budget));
    parts.push(text_value(separator, budget));
    parts.push(text_value(whole.substr(place + separator.size()), budget));
  }
  return parts.tuple();
}

/// A text or a tuple of them.
template <bool AtStart>
Value has_part(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, AtStart ? "startswith()" : "endswith()", {"part"}, 1);
  const auto has = [&](const Value& value) {
    const std::string& part = text_of(value, "startswith()");
    budget.scan(part.size());
    return AtStart ? self.text().starts_with(part) : self.text().ends_with(part);
  };
  if (p[0]->is(Kind::kTuple)) return Value::boolean(std::ranges::any_of(p[0]->items(), has));
  return Value::boolean(has(*p[0]));
}

template <bool FromRight, bool Throws>
Value find(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "find()", {"part"}, 1);
  const std::string& part = p.text(0);
  std::size_t place = std::string::npos;
  if (part.empty()) {
    place = FromRight ? self.text().size() : 0;
  } else if (FromRight) {
    const std::vector<std::size_t> places = places_from_right(self.text(), part, budget);
    if (!places.empty()) place = places.back();
  } else {
    place = Finder(part, budget).find(self.text(), 0);
  }
  if (place == std::string::npos && Throws) throw_unsupported("index() of a part that is not there");
  if (place == std::string::npos) return Value::integer(-1);
  return Value::integer(count_characters(std::string_view(self.text()).substr(0, place), budget));
}

Value count(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "count()", {"part"}, 1);
  if (p.text(0).empty()) return Value::integer(count_characters(self.text(), budget) + 1);
  return Value::integer(static_cast<std::int64_t>(places_of(self.text(), p.text(0), budget).size()));
}

Value replace_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "replace()", {"old", "new", "count"}, 2);
  return replace(self.text(), p.text(0), p.text(1), p.integer(2, -1), budget);
}

template <bool Prefix>
Value remove_part(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "removeprefix()", {"part"}, 1);
  std::string_view text = self.text();
  const std::string& part = p.text(0);
  if (Prefix && text.starts_with(part)) text.remove_prefix(part.size());
  if (!Prefix && text.ends_with(part)) text.remove_suffix(part.size());
  return text_value(text, budget);
}

Value split_lines_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "splitlines()", {"keepends"});
  std::vector<Value> lines = split_lines(self.text(), p.truth(0, false), budget);
  budget.allocate(kValueOverhead);
  return Value::list(std::move(lines));
}

Value join_method(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "join()", {"items"}, 1);
  TextBuilder out(budget);
  bool first = true;
  for (const Value& item : iterate(*p[0], budget)) {
    if (!first) out.append(self.text());
    first = false;
    out.append(text_of(item, "join()"));
  }
  return out.value();
}

/// ljust, rjust, zfill; widths in characters.
template <int Side>
Value justify(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "ljust()", {"width", "fillchar"}, 1);
  const std::int64_t missing = p.integer(0, 0) - count_characters(self.text(), budget);
  const std::string fill = p[1] != nullptr ? p.text(1) : " ";
  if (count_characters(fill, budget) != 1) throw_unsupported("padding with more or less than one character");
  TextBuilder out(budget);
  if (Side > 0 && missing > 0) out.repeat(fill, static_cast<std::size_t>(missing));
  out.append(self.text());
  if (Side < 0 && missing > 0) out.repeat(fill, static_cast<std::size_t>(missing));
  return out.value();
}

Value zero_fill(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "zfill()", {"width"}, 1);
  const std::int64_t missing = p.integer(0, 0) - count_characters(self.text(), budget);
  std::string_view text = self.text();
  TextBuilder out(budget);
  if (text.starts_with('-') || text.starts_with('+')) {
    out.append(text.substr(0, 1));
    text.remove_prefix(1);
  }
  if (missing > 0) out.repeat("0", static_cast<std::size_t>(missing));
  out.append(text);
  return out.value();
}

template <const char* Filter>
Value by_filter(const Value& self, const Arguments& arguments, Budget& budget) {
  return apply_filter(Filter, self, arguments, budget);
}
constexpr char kUpperName[] = "upper", kLowerName[] = "lower", kCapitalizeName[] = "capitalize",
               kCenterName[] = "center";

/// Letters after anything that is no letter in upper case, others in lower case (not as the filter of this name does).
Value title(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "title()", {});
  const std::string_view text = self.text();
  budget.scan(4 * text.size());
  TextBuilder out(budget);
  bool inside = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    append_case(text.substr(pos, c.length), inside ? LetterCase::kLower : LetterCase::kTitle, out);
    inside = c.valid && is_cased(c.code_point);
    pos += c.length;
  }
  return out.value();
}

enum class CharacterClass { kDigit, kAlpha, kAlphaNumeric, kSpace, kUpper, kLower };

/// isdigit() and its like, of ASCII texts (white space of any text).
template <CharacterClass Class>
Value all_are(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "isdigit() and its like", {});
  const std::string& text = self.text();
  budget.scan(4 * text.size());
  bool cased = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    pos += c.length;
    const std::uint32_t code = c.code_point;
    const bool digit = code >= '0' && code <= '9';
    const bool low = code >= 'a' && code <= 'z';
    const bool high = code >= 'A' && code <= 'Z';
    if (Class != CharacterClass::kSpace && code >= 0x80) throw_unsupported("the kind of characters beyond ASCII");
    cased = cased || low || high;
    switch (Class) {
      case CharacterClass::kDigit:
        if (!digit) return Value::boolean(false);
        break;
      case CharacterClass::kAlpha:
        if (!low && !high) return Value::boolean(false);
        break;
      case CharacterClass::kAlphaNumeric:
        if (!digit && !low && !high) return Value::boolean(false);
        break;
      case CharacterClass::kSpace:
        if (!c.valid || !is_python_space(code)) return Value::boolean(false);
        break;
      case CharacterClass::kUpper:
        if (low) return Value::boolean(false);
        break;
      case CharacterClass::kLower:
        if (high) return Value::boolean(false);
        break;
    }
  }
  const bool needs_case = Class == CharacterClass::kUpper || Class == CharacterClass::kLower;
  return Value::boolean(needs_case ? cased : !text.empty());
}

/// str.format() with places {}, {0} and {name}, without format specifications.
Value format(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::string& text = self.text();
  TextBuilder out(budget);
  std::size_t next = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t brace = std::min(text.find_first_of("{}", pos), text.size());
    out.append(std::string_view(text).substr(pos, brace - pos));
    if (brace == text.size()) break;
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      out.append(std::string_view(text).substr(brace, 1));
      pos = brace + 2;
      continue;
    }
    const std::size_t end = text[brace] == '{' ? text.find('}', brace) : std::string::npos;
    if (end == std::string::npos) throw_unsupported("format() with a single brace");
    const std::string field = text.substr(brace + 1, end - brace - 1);
    pos = end + 1;
    budget.step();
    if (field.find_first_of(":!.[{") != std::string::npos)
      throw_unsupported("format() with the field {" + field.substr(0, 40) + "}");
    const bool is_index = field.size() < 10 && field.find_first_not_of("0123456789") == std::string::npos;
    if (is_index) {
      const std::size_t index = field.empty() ? next++ : std::stoull(field);
      if (index >= arguments.values.size()) throw_unsupported("format() with more places than arguments");
      append_text(arguments.values[index], out, budget);
      continue;
    }
    const auto it = std::ranges::find(arguments.keywords, field, &std::pair<std::string, Value>::first);
    if (it == arguments.keywords.end()) throw_unsupported("format() without \"" + field.substr(0, 40) + "\"");
    append_text(it->second, out, budget);
  }
  return out.value();
}

constexpr std::array kTextMethods = {
    NamedMethod{"capitalize", by_filter<kCapitalizeName>},
    NamedMethod{"center", by_filter<kCenterName>},
    NamedMethod{"count", count},
    NamedMethod{"endswith", has_part<false>},
    NamedMethod{"find", find<false, false>},
    NamedMethod{"format", format},
    NamedMethod{"index", find<false, true>},
    NamedMethod{"isalnum", all_are<CharacterClass::kAlphaNumeric>},
    NamedMethod{"isalpha", all_are<CharacterClass::kAlpha>},
    NamedMethod{"isdecimal", all_are<CharacterClass::kDigit>},
    NamedMethod{"isdigit", all_are<CharacterClass::kDigit>},
    NamedMethod{"islower", all_are<CharacterClass::kLower>},
    NamedMethod{"isnumeric", all_are<CharacterClass::kDigit>},
    NamedMethod{"isspace", all_are<CharacterClass::kSpace>},
    NamedMethod{"isupper", all_are<CharacterClass::kUpper>},
    NamedMethod{"join", join_method},
    NamedMethod{"ljust", justify<-1>},
    NamedMethod{"lower", by_filter<kLowerName>},
    NamedMethod{"lstrip", strip_method<true, false>},
    NamedMethod{"partition", partition<false>},
    NamedMethod{"removeprefix", remove_part<true>},
    NamedMethod{"removesuffix", remove_part<false>},
    NamedMethod{"replace", replace_method},
    NamedMethod{"rfind", find<true, false>},
    NamedMethod{"rindex", find<true, true>},
    NamedMethod{"rjust", justify<1>},
    NamedMethod{"rpartition", partition<true>},
    NamedMethod{"rsplit", split<true>},
    NamedMethod{"rstrip", strip_method<false, true>},
    NamedMethod{"split", split<false>},
    NamedMethod{"splitlines", split_lines_method},
    NamedMethod{"startswith", has_part<true>},
    NamedMethod{"strip", strip_method<true, true>},
    NamedMethod{"title", title},
    NamedMethod{"upper", by_filter<kUpperName>},
    NamedMethod{"zfill", zero_fill},
};

}  // namespace

std::span<const NamedMethod> text_methods() {
  return kTextMethods;
}

}  // namespace xw::tokenizer::jinja
