// Python's formatting with %.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/percent_format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/text.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

constexpr std::size_t kMaxWidth = 100'000;  // of one printed field

/// One conversion of a format: %[(name)][flags][width][.precision]letter.
struct Conversion {
  std::optional<std::string> name;
  std::string flags;
  std::optional<std::size_t> width, precision;
  char letter = '\0';
  [[nodiscard]] bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

class PercentFormatter {
 public:
  PercentFormatter(const std::string& format, const Arguments& arguments, Budget& budget)
      : format_(format), arguments_(arguments), budget_(budget), out_(budget) {}

  Value run() {
    while (pos_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', pos_), format_.size());
      out_.append(std::string_view(format_).substr(pos_, percent - pos_));
      pos_ = percent;
      if (pos_ < format_.size()) convert();
    }
    if (!named_ && next_ < arguments_.values.size() && arguments_.keywords.empty()) {
      throw_unsupported("a format with fewer places than arguments");
    }
    return out_.value();
  }

 private:
  char peek() const {
    if (pos_ >= format_.size()) throw_unsupported("a format that ends after %");
    return format_[pos_];
  }

  std::optional<std::size_t> read_number() {
    std::optional<std::size_t> number;
    while (peek() >= '0' && peek() <= '9') {
      number = number.value_or(0) * 10 + static_cast<std::size_t>(format_[pos_++] - '0');
      if (*number > kMaxWidth) throw_unsupported("a field wider than " + std::to_string(kMaxWidth));
    }
    return number;
  }

  void convert() {
    ++pos_;
    Conversion c;
    if (peek() == '(') {
      const std::size_t end = format_.find(')', pos_);
      if (end == std::string::npos) throw_unsupported("a format with an open name");
      c.name = format_.substr(pos_ + 1, end - pos_ - 1);
      pos_ = end + 1;
    }
    while (std::string_view("-+ #0").find(peek()) != std::string_view::npos) c.flags += format_[pos_++];
    c.width = read_number();
    if (peek() == '.') {
      ++pos_;
      c.precision = read_number().value_or(0);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++pos_;
    c.letter = peek();
    ++pos_;
    if (c.letter == '%') return out_.append("%");
    print(c, argument(c));
  }

  Value argument(const Conversion& c) {
    if (c.name) {
      named_ = true;
      for (const auto& [key, value] : arguments_.keywords) {
        budget_.step();
        if (key == *c.name) return value;
      }
      throw_unsupported("a format that names \"" + c.name->substr(0, 40) + "\", which is not given");
    }
    if (next_ >= arguments_.values.size()) throw_unsupported("a format with more places than arguments");
    return arguments_.values[next_++];
  }

  void print(const Conversion& c, const Value& value) {
    TextBuilder body(budget_);
    if (c.letter == 's' || c.letter == 'r' || c.letter == 'a') {
      if (c.letter == 's') {
        append_text(value, body, budget_);
      } else {
        append_repr(value, body, budget_);
      }
      std::string text = body.take();
      if (c.precision) {
        std::size_t end = 0;
        for (std::size_t i = 0; i < *c.precision && end < text.size(); ++i) end += utf8_at(text, end).length;
        text.resize(end);
      }
      return pad(c, text, "");
    }
    if (c.letter == 'c') return pad(c, character(value), "");
    if (!value.is_number()) unsupported_for(std::string("the format %") + c.letter, value);
    const std::string number = number_text(c, value);
    const bool signed_text = number.front() == '-' || number.front() == '+' || number.front() == ' ';
    pad(c, number.substr(signed_text ? 1 : 0), number.substr(0, signed_text ? 1 : 0));
  }

  static std::string character(const Value& value) {
    if (value.is(Kind::kString)) return value.text();
    if (!value.is_integral() || value.as_integer() < 0 || value.as_integer() > 0x10FFFF) {
      unsupported_for("the format %c", value);
    }
    std::string text;
    append_utf8(text, static_cast<std::uint32_t>(value.as_integer()));
    return text;
  }

  static std::string number_text(const Conversion& c, const Value& value) {
    std::array<char, 512> buffer{};
    std::string format = "%";
    for (const char flag : {'+', ' ', '#'}) {
      if (c.has(flag)) format += flag;
    }
    const auto digits = static_cast<int>(std::min<std::size_t>(c.precision.value_or(6), 100));
    switch (c.letter) {
      case 'd':
      case 'i':
      case 'u': {
        const double real = value.as_real();
        if (value.is(Kind::kFloat) && !(std::abs(real) < 9e18)) unsupported_for("the format %d", value);
        const std::int64_t number = value.is(Kind::kFloat) ? static_cast<std::int64_t>(real) : value.as_integer();
        std::snprintf(buffer.data(), buffer.size(), (format + ".*lld").c_str(),
                      static_cast<int>(std::min<std::size_t>(c.precision.value_or(1), 100)),
                      static_cast<long long>(number));
        return buffer.data();
      }
      case 'x':
      case 'X':
      case 'o': {
        if (!value.is_integral()) unsupported_for(std::string("the format %") + c.letter, value);
        const std::int64_t number = value.as_integer();
        const auto magnitude = number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
        const char* prefix = !c.has('#') ? "" : c.letter == 'o' ? "0o" : c.letter == 'x' ? "0x" : "0X";
        std::snprintf(buffer.data(), buffer.size(),
                      c.letter == 'o'   ? "%s%s%llo"
                      : c.letter == 'x' ? "%s%s%llx"
                                        : "%s%s%llX",
                      number < 0   ? "-"
                      : c.has('+') ? "+"
                                   : "",
                      prefix, static_cast<unsigned long long>(magnitude));
        return buffer.data();
      }
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        std::snprintf(buffer.data(), buffer.size(), (format + ".*" + c.letter).c_str(), digits, value.as_real());
        return buffer.data();
      default:
        throw_unsupported(std::string("the format %") + c.letter);
    }
  }

  void pad(const Conversion& c, const std::string& text, const std::string& sign) {
    const auto length = static_cast<std::size_t>(count_characters(text, budget_)) + sign.size();
    const std::size_t missing = c.width.value_or(0) > length ? *c.width - length : 0;
    const bool is_number = std::string_view("sracSRAC").find(c.letter) == std::string_view::npos;
    if (c.has('-')) {
      out_.append(sign);
      out_.append(text);
      out_.repeat(" ", missing);
    } else if (c.has('0') && is_number) {
      out_.append(sign);
      out_.repeat("0", missing);
      out_.append(text);
    } else {
      out_.repeat(" ", missing);
      out_.append(sign);
      out_.append(text);
    }
  }

  const std::string& format_;
  const Arguments& arguments_;
  Budget& budget_;
  TextBuilder out_;
  std::size_t pos_ = 0;
  std::size_t next_ = 0;
  bool named_ = false;
};

}  // namespace

Value format_percent(const std::string& format, const Arguments& arguments, Budget& budget) {
  return PercentFormatter(format, arguments, budget).run();
}

}  // namespace xw::tokenizer::jinja
