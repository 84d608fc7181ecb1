// Finds and applies filters; those of numbers and of any value.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/filters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/json.hpp"
#include "host/tokenizer/jinja/operators.hpp"
#include "host/tokenizer/jinja/text.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

/// Digits that may have single underscores between them, as Python allows.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
      continue;
    }
    const auto is_digit = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return std::nullopt;
  }
  return digits;
}

/// A number as Python's int(text, base) reads it; nothing if it is none.
std::optional<std::int64_t> parse_integer(std::string_view text, int base, Budget& budget) {
  text = strip(text, nullptr, true, true, budget);
  budget.scan(text.size());
  budget.allocate(4 * text.size());  // copies below, while they grow
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.size() > 2 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    const int prefixed = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (prefixed != 0 && (base == prefixed || base == 0)) {
      base = prefixed;
      text.remove_prefix(text[2] == '_' ? 3 : 2);
    }
  }
  if (base == 0) base = 10;
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), magnitude, base);
  if (end != digits->data() + digits->size()) return std::nullopt;
  const std::uint64_t limit = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
  if (error == std::errc::result_out_of_range || magnitude > limit)
    throw_unsupported("an integer of more than 64 bits");
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

/// A number as Python's float(text) reads it; nothing if it is none.
std::optional<double> parse_real(std::string_view text, Budget& budget) {
  text = strip(text, nullptr, true, true, budget);
  budget.scan(text.size());
  budget.allocate(8 * text.size());  // copies below, while they grow
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  std::string lower;
  for (const char c : *digits) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  const std::string_view bare = std::string_view(lower).substr(lower.front() == '-' || lower.front() == '+' ? 1 : 0);
  const bool named = bare == "inf" || bare == "infinity" || bare == "nan";
  if (!named && bare.find_first_not_of("0123456789.e+-") != std::string_view::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(lower.c_str(), &end);
  if (end != lower.c_str() + lower.size()) return std::nullopt;
  return value;
}

std::int64_t truncate(double value) {
  if (!(std::abs(value) < 9.2e18)) throw_unsupported("an integer of more than 64 bits");
  return static_cast<std::int64_t>(value);
}

Value to_int(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "int", {"default", "base"});
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  const Value absent = p[0] != nullptr ? *p[0] : Value::integer(0);
  if (value.is_integral()) return Value::integer(value.as_integer());
  if (value.is(Kind::kFloat))
    return std::isfinite(value.as_real()) ? Value::integer(truncate(value.as_real())) : absent;
  if (!value.is(Kind::kString)) return absent;
  const std::int64_t base = p.integer(1, 10);
  if (base != 0 && (base < 2 || base > 36)) throw_unsupported("int with the base " + std::to_string(base));
  if (const auto number = parse_integer(value.text(), static_cast<int>(base), budget)) return Value::integer(*number);
  const auto real = parse_real(value.text(), budget);
  return real && std::isfinite(*real) ? Value::integer(truncate(*real)) : absent;
}

Value to_float(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "float", {"default"});
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  if (value.is_number()) return Value::real(value.as_real());
  if (value.is(Kind::kString)) {
    if (const auto number = parse_real(value.text(), budget)) return Value::real(*number);
  }
  return p[0] != nullptr ? *p[0] : Value::real(0);
}

Value absolute(const Value& value, const Arguments& arguments, Budget&) {
  const Parameters p(arguments, "abs", {});
  if (!value.is_number()) unsupported_for("the filter \"abs\"", value);
  return apply_sign(value.as_real() < 0, value);
}

Value round_number(const Value& value, const Arguments& arguments, Budget&) {
  const Parameters p(arguments, "round", {"precision", "method"});
  if (!value.is_number()) unsupported_for("the filter \"round\"", value);
  const std::int64_t precision = p.integer(0, 0);
  const std::string method = p[1] != nullptr ? p.text(1) : "common";
  if (std::abs(precision) > 300) throw_unsupported("round with the precision " + std::to_string(precision));
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil") return Value::real(std::ceil(value.as_real() * scale) / scale);
  if (method == "floor") return Value::real(std::floor(value.as_real() * scale) / scale);
  if (method != "common") throw_unsupported("the method of round \"" + method.substr(0, 40) + "\"");
  if (value.is_integral() && precision >= 0) return Value::integer(value.as_integer());
  if (precision < 0) {
    const double rounded = std::nearbyint(value.as_real() * scale) / scale;
    return value.is_integral() ? Value::integer(truncate(rounded)) : Value::real(rounded);
  }
  std::array<char, 700> digits{};  // correctly rounded, ties to even, as Python does it
  std::snprintf(digits.data(), digits.size(), "%.*f", static_cast<int>(precision), value.as_real());
  return Value::real(std::strtod(digits.data(), nullptr));
}

Value default_value(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "default", {"default_value", "boolean"});
  const bool missing = value.is(Kind::kUndefined) || (p.truth(1, false) && !value.is_true());
  if (!missing) return value;
  return p[0] != nullptr ? *p[0] : text_value("", budget);
}

Value length(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "length", {});
  return Value::integer(length_of(value, budget));
}

Value json(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = p.truth(0, false);
  style.sort_keys = p.truth(3, false);
  if (p[1] != nullptr && !p[1]->is(Kind::kNone)) {
    style.pretty = true;
    style.item_separator = ",";
    if (p[1]->is(Kind::kString)) {
      style.indent = p[1]->text();
      budget.allocate(style.indent.size());
    } else {
      const std::int64_t width = p.integer(1, 0);
      if (width > 256) throw_unsupported("tojson with an indent of " + std::to_string(width));
      style.indent.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
  }
  if (p[2] != nullptr && !p[2]->is(Kind::kNone)) {
    if (!p[2]->is_sequence() || p[2]->items().size() != 2) unsupported_for("tojson with separators", *p[2]);
    style.item_separator = text_of(p[2]->items()[0], "separators of tojson");
    style.key_separator = text_of(p[2]->items()[1], "separators of tojson");
  }
  TextBuilder out(budget);
  append_json(value, style, out, budget);
  return out.value();
}

Value attribute(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "attr", {"name"}, 1);
  if (value.is(Kind::kObject)) return undefined_value(p.text(0), budget);  // attributes, not items
  return get_attribute(value, p.text(0), budget);
}

Value pairs(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "items", {});
  if (value.is(Kind::kUndefined)) return ListBuilder(budget).list();
  if (!value.is(Kind::kObject)) unsupported_for("the items", value);
  return call_method("items", value, {}, budget);
}

Value to_string(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "string", {});
  if (value.is(Kind::kString)) return value;
  TextBuilder out(budget);
  append_text(value, out, budget);
  return out.value();
}

constexpr std::array kNumberFilters = {
    NamedFilter{"abs", absolute},       NamedFilter{"attr", attribute},        NamedFilter{"count", length},
    NamedFilter{"d", default_value},    NamedFilter{"default", default_value}, NamedFilter{"float", to_float},
    NamedFilter{"int", to_int},         NamedFilter{"items", pairs},           NamedFilter{"length", length},
    NamedFilter{"round", round_number}, NamedFilter{"safe", to_string},        NamedFilter{"string", to_string},
    NamedFilter{"tojson", json},
};

Filter find_filter(std::string_view name) {
  for (const auto filters : {number_filters(), text_filters(), list_filters()}) {
    const auto it = std::ranges::find(filters, name, &NamedFilter::name);
    if (it != filters.end()) return it->filter;
  }
  return nullptr;
}

}  // namespace

std::span<const NamedFilter> number_filters() {
  return kNumberFilters;
}

bool is_filter(std::string_view name) {
  return find_filter(name) != nullptr;
}

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments, Budget& budget) {
  budget.step();
  const Filter filter = find_filter(name);
  if (filter == nullptr) throw_unsupported("the filter \"" + name.substr(0, 40) + "\"");
  return filter(value, arguments, budget);
}

}  // namespace xw::tokenizer::jinja
