// Words of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "host/tokenizer/jinja/text.hpp"
#include "host/tokenizer/jinja/value.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Token::Kind;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\v';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_digit(c);
}

int digit_of(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

/// Every line end (\r\n, \r) as \n, and without the one at the end of the template.
std::string normalized(std::string_view source, Budget& budget) {
  TextBuilder out(budget);
  out.reserve(source.size());
  for (std::size_t pos = 0; pos < source.size();) {
    const std::size_t end = std::min(source.find('\r', pos), source.size());
    out.append(source.substr(pos, end - pos));
    if (end == source.size()) break;
    out.append("\n");
    pos = end + (end + 1 < source.size() && source[end + 1] == '\n' ? 2 : 1);
  }
  std::string text = out.take();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  Lexer(std::string_view source, Budget& budget) : source_(source), budget_(budget) {}

  std::vector<Token> run() {
    while (pos_ < source_.size()) {
      const std::size_t tag = find_tag();
      read_text(tag);
      if (tag < source_.size()) read_tag();
    }
    add(Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) {
    count_lines();
    throw_unsupported(what + " in line " + std::to_string(line_));
  }

  void count_lines() {
    const std::size_t end = std::min(pos_, source_.size());
    line_ += static_cast<std::uint32_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                                   source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    counted_ = end;
  }

  void add(Kind kind, std::string_view text) {
    count_lines();
    budget_.step();
    if (tokens_.size() == tokens_.capacity()) {
      const std::size_t wanted = std::max<std::size_t>(64, 2 * tokens_.capacity());
      budget_.allocate(wanted * sizeof(Token));
      tokens_.reserve(wanted);
    }
    budget_.allocate(text.size());
    tokens_.push_back({kind, std::string(text), line_});
  }

  [[nodiscard]] std::size_t find_tag() const {
    for (std::size_t i = source_.find('{', pos_); i != std::string_view::npos; i = source_.find('{', i + 1)) {
      if (i + 1 == source_.size()) break;
      if (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#') return i;
    }
    return source_.size();
  }

  /// Text up to a tag, less what the tags around it swallow.
  void read_text(std::size_t tag) {
    std::string_view text = source_.substr(pos_, tag - pos_);
    if (swallow_all_) text = strip(text, nullptr, true, false, budget_);
    const bool at_line_start = line_start_ && text.size() == tag - pos_;
    if (tag < source_.size()) text = before_tag(text, tag, at_line_start);
    if (!text.empty()) add(Kind::kText, text);
    pos_ = tag;
    swallow_all_ = false;
    line_start_ = false;
  }

  /// `text` without what the tag behind it takes: all white space, or that before a block alone on its line.
  std::string_view before_tag(std::string_view text, std::size_t tag, bool at_line_start) {
    const char type = source_[tag + 1];
    const char control = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (control == '-') return strip(text, nullptr, false, true, budget_);
    if (type == '{' || control == '+') return text;
    const std::size_t newline = text.rfind('\n');
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    const bool whole_line = newline != std::string_view::npos || at_line_start;
    return whole_line && strip(text.substr(begin), nullptr, true, false, budget_).empty() ? text.substr(0, begin)
                                                                                          : text;
  }

  void read_tag() {
    const char type = source_[pos_ + 1];
    pos_ += 2;
    if (pos_ < source_.size() && (source_[pos_] == '-' || source_[pos_] == '+')) ++pos_;
    if (type == '#') return read_comment();
    if (type == '%' && read_raw()) return;
    const bool is_print = type == '{';
    add(is_print ? Kind::kPrintBegin : Kind::kBlockBegin, "");
    const bool keeps_newline = read_words(is_print ? '}' : '%');
    add(is_print ? Kind::kPrintEnd : Kind::kBlockEnd, "");
    if (!is_print && !keeps_newline) after_block();
  }

  void read_comment() {
    const std::size_t end = source_.find("#}", pos_);
    if (end == std::string_view::npos) fail("a comment without end");
    const char control = end > pos_ ? source_[end - 1] : '\0';
    swallow_all_ = control == '-';
    pos_ = end + 2;
    if (control != '+') after_block();
  }

  /// {% raw %} ... {% endraw %}; the text between is taken as it is. False (and nothing read) for another tag.
  bool read_raw() {
    std::size_t pos = skip_spaces(pos_);
    if (!source_.substr(pos).starts_with("raw")) return false;
    pos = skip_spaces(pos + 3);
    const bool trims = pos < source_.size() && source_[pos] == '-';
    if (!source_.substr(pos + (trims ? 1 : 0)).starts_with("%}")) return false;
    pos_ = pos + (trims ? 3 : 2);
    swallow_all_ = trims;
    line_start_ = false;
    for (std::size_t tag = source_.find("{%", pos_); tag != std::string_view::npos; tag = source_.find("{%", tag + 2)) {
      std::size_t end = tag + 2;
      if (end < source_.size() && (source_[end] == '-' || source_[end] == '+')) ++end;
      end = skip_spaces(end);
      if (!source_.substr(end).starts_with("endraw")) continue;
      end = skip_spaces(end + 6);
      const char control = end < source_.size() ? source_[end] : '\0';
      if (control == '-' || control == '+') ++end;
      if (!source_.substr(end).starts_with("%}")) continue;
      read_text(tag);
      pos_ = end + 2;
      swallow_all_ = control == '-';
      if (control != '+') after_block();
      return true;
    }
    fail("a {% raw %} without {% endraw %}");
  }

  [[nodiscard]] std::size_t skip_spaces(std::size_t pos) const {
    while (pos < source_.size() && is_space(source_[pos])) ++pos;
    return pos;
  }

  /// A newline directly after a block belongs to it.
  void after_block() {
    if (!swallow_all_ && pos_ < source_.size() && source_[pos_] == '\n') {
      ++pos_;
      line_start_ = true;
    }
  }

  [[nodiscard]] bool at_tag_end(char first, std::size_t pos) const {
    return pos + 1 < source_.size() && source_[pos] == first && source_[pos + 1] == '}';
  }

  /// The words of a tag; true if it ends with +%}, which keeps the newline after it.
  bool read_words(char end_char) {
    std::string open;  // brackets: the end of a tag inside them is none
    for (;;) {
      pos_ = skip_spaces(pos_);
      if (pos_ >= source_.size()) fail("a tag without end");
      const char c = source_[pos_];
      if (open.empty() && at_tag_end(end_char, pos_)) {
        pos_ += 2;
        return false;
      }
      if (open.empty() && (c == '-' || (c == '+' && end_char == '%')) && at_tag_end(end_char, pos_ + 1)) {
        swallow_all_ = c == '-';
        pos_ += 3;
        return c == '+';
      }
      if (c == '\'' || c == '"') {
        read_string(c);
      } else if (is_name_start(c)) {
        const std::size_t begin = pos_;
        while (pos_ < source_.size() && is_name_part(source_[pos_])) ++pos_;
        add(Kind::kName, source_.substr(begin, pos_ - begin));
      } else if (is_digit(c)) {
        read_number();
      } else {
        read_operator(open);
      }
    }
  }

  /// Digits with single underscores between them.
  std::string read_digits(int base) {
    std::string digits;
    while (pos_ < source_.size()) {
      const bool separates = source_[pos_] == '_' && pos_ + 1 < source_.size() && digit_of(source_[pos_ + 1]) < base;
      if (!separates && digit_of(source_[pos_]) >= base) break;
      if (!separates) digits += source_[pos_];
      ++pos_;
    }
    return digits;
  }

  void read_number() {
    if (source_[pos_] == '0' && pos_ + 2 < source_.size()) {
      const char letter = static_cast<char>(source_[pos_ + 1] | 0x20);
      const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
      if (base != 0) return read_prefixed(base);
    }
    std::string digits = read_digits(10);
    bool is_real = false;
    const bool after_dot = !tokens_.empty() && tokens_.back().kind == Kind::kOperator && tokens_.back().text == ".";
    if (!after_dot && pos_ + 1 < source_.size() && source_[pos_] == '.' && is_digit(source_[pos_ + 1])) {
      ++pos_;
      digits += "." + read_digits(10);
      is_real = true;
    }
    if (!after_dot && pos_ < source_.size() && (source_[pos_] == 'e' || source_[pos_] == 'E')) {
      std::size_t exponent = pos_ + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
      if (exponent < source_.size() && is_digit(source_[exponent])) {
        digits += source_.substr(pos_, exponent - pos_);
        pos_ = exponent;
        digits += read_digits(10);
        is_real = true;
      }
    }
    add(is_real ? Kind::kFloat : Kind::kInteger, digits);
  }

  void read_prefixed(int base) {
    pos_ += source_[pos_ + 2] == '_' ? 3 : 2;
    const std::string digits = read_digits(base);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (digits.empty() || error != std::errc()) fail("a malformed number");
    add(Kind::kInteger, std::to_string(value));
  }

  void read_operator(std::string& open) {
    static constexpr std::array<std::string_view, 6> kLong = {"==", "!=", "<=", ">=", "//", "**"};
    static constexpr std::string_view kShort = "+-*/%~<>=()[]{},.:|";
    const char c = source_[pos_];
    std::size_t length = 1;
    if (std::ranges::find(kLong, source_.substr(pos_, 2)) != kLong.end()) length = 2;
    if (length == 1 && kShort.find(c) == std::string_view::npos) fail(std::string("the character \"") + c + "\"");
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (!open.ends_with(c)) fail(std::string("an unmatched \"") + c + "\"");
      open.pop_back();
    }
    const std::string_view text = source_.substr(pos_, length);
    pos_ += length;
    add(Kind::kOperator, text);
  }

  void read_string(char quote) {
    std::string text;
    for (++pos_;; ++pos_) {
      if (pos_ >= source_.size()) fail("a string without end");
      const char c = source_[pos_];
      if (c == quote) break;
      if (c != '\\') {
        text += c;
        continue;
      }
      if (++pos_ >= source_.size()) fail("a string without end");
      read_escape(text);
    }
    ++pos_;
    add(Kind::kString, text);
  }

  /// As in Python's texts; leaves pos_ at the last character of the escape.
  void read_escape(std::string& text) {
    const char c = source_[pos_];
    static constexpr std::string_view kLetters = "ntr\\'\"abfv";
    static constexpr std::string_view kMeanings = "\n\t\r\\'\"\a\b\f\v";
    if (const std::size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      text += kMeanings[letter];
    } else if (c == '\n') {
      // a line that goes on
    } else if (c >= '0' && c <= '7') {
      std::uint32_t value = 0;
      std::size_t length = 0;
      while (length < 3 && pos_ + length < source_.size() && source_[pos_ + length] >= '0' &&
             source_[pos_ + length] <= '7') {
        value = value * 8 + static_cast<std::uint32_t>(source_[pos_ + length++] - '0');
      }
      append_utf8(text, value);
      pos_ += length - 1;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      std::uint32_t value = 0;
      for (std::size_t i = 1; i <= digits; ++i) {
        const int digit = pos_ + i < source_.size() ? digit_of(source_[pos_ + i]) : 99;
        if (digit >= 16) fail("a malformed escape sequence");
        value = value * 16 + static_cast<std::uint32_t>(digit);
      }
      if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("an escape sequence that is no character");
      append_utf8(text, value);
      pos_ += digits;
    } else {
      if (c == 'N') fail("a character by name");
      text += '\\';
      text += c;
    }
  }

  std::string_view source_;
  Budget& budget_;
  std::size_t pos_ = 0;
  std::size_t counted_ = 0;  ///< up to where lines have been counted
  std::uint32_t line_ = 1;
  bool swallow_all_ = false;  ///< the tag before ended with "-": white space after it vanishes
  bool line_start_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, Budget& budget) {
  const std::string text = normalized(source, budget);
  return Lexer(text, budget).run();
}

}  // namespace xw::tokenizer::jinja
