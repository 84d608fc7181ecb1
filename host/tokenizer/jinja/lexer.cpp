// Words of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/lexer.hpp"

#include <algorithm>
#include <array>

#include "host/tokenizer/jinja/template.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {
    if (source_.ends_with('\n')) source_.remove_suffix(1);  // one newline at the end does not count
  }

  std::vector<Token> run() {
    while (pos_ < source_.size()) {
      const std::size_t tag = find_tag();
      read_text(tag);
      if (tag < source_.size()) read_tag();
    }
    tokens_.push_back({Token::Kind::kEnd, ""});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const auto line =
        1 + std::count(source_.begin(), source_.begin() + static_cast<std::ptrdiff_t>(std::min(pos_, source_.size())),
                       '\n');
    throw_unsupported(what + " in line " + std::to_string(line));
  }

  [[nodiscard]] std::size_t find_tag() const {
    for (std::size_t i = pos_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) return i;
    }
    return source_.size();
  }

  /// Text up to a tag, less what the tags around it swallow.
  void read_text(std::size_t tag) {
    std::string_view text = source_.substr(pos_, tag - pos_);
    if (swallow_all_) {
      while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    }
    const bool at_line_start = line_start_ && text.size() == tag - pos_;
    if (tag < source_.size()) {
      const char type = source_[tag + 1];
      const char control = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      if (control == '-') {
        while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
      } else if (type != '{' && control != '+') {
        const std::size_t newline = text.rfind('\n');
        const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
        const bool whole_line = newline != std::string_view::npos || at_line_start;
        if (whole_line && std::ranges::all_of(text.substr(begin), is_space)) text = text.substr(0, begin);
      }
    }
    if (!text.empty()) tokens_.push_back({Token::Kind::kText, std::string(text)});
    pos_ = tag;
    swallow_all_ = false;
    line_start_ = false;
  }

  void read_tag() {
    const char type = source_[pos_ + 1];
    pos_ += 2;
    if (pos_ < source_.size() && (source_[pos_] == '-' || (source_[pos_] == '+' && type != '{'))) ++pos_;
    if (type == '#') {
      const std::size_t end = source_.find("#}", pos_);
      if (end == std::string_view::npos) fail("a comment without end");
      swallow_all_ = end > pos_ && source_[end - 1] == '-';
      pos_ = end + 2;
      after_block();
      return;
    }
    const bool is_print = type == '{';
    tokens_.push_back({is_print ? Token::Kind::kPrintBegin : Token::Kind::kBlockBegin, ""});
    read_words(is_print ? '}' : '%');
    tokens_.push_back({is_print ? Token::Kind::kPrintEnd : Token::Kind::kBlockEnd, ""});
    if (!is_print) after_block();
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

  void read_words(char end_char) {
    int depth = 0;
    for (;;) {
      while (pos_ < source_.size() && is_space(source_[pos_])) ++pos_;
      if (pos_ >= source_.size()) fail("a tag without end");
      const char c = source_[pos_];
      if (depth == 0 && at_tag_end(end_char, pos_)) {
        pos_ += 2;
        return;
      }
      if (depth == 0 && (c == '-' || (c == '+' && end_char == '%')) && at_tag_end(end_char, pos_ + 1)) {
        swallow_all_ = c == '-';
        pos_ += 3;
        return;
      }
      if (c == '\'' || c == '"') {
        read_string(c);
      } else if (is_name_start(c)) {
        read_while(Token::Kind::kName, [](char x) { return is_name_start(x) || is_digit(x); });
      } else if (is_digit(c)) {
        read_while(Token::Kind::kInteger, is_digit);
      } else {
        depth += (c == '{' || c == '(' || c == '[') ? 1 : 0;
        depth -= (c == '}' || c == ')' || c == ']') ? 1 : 0;
        read_operator();
      }
    }
  }

  template <typename Predicate>
  void read_while(Token::Kind kind, Predicate predicate) {
    const std::size_t begin = pos_;
    while (pos_ < source_.size() && predicate(source_[pos_])) ++pos_;
    tokens_.push_back({kind, std::string(source_.substr(begin, pos_ - begin))});
  }

  void read_operator() {
    static constexpr std::array<std::string_view, 5> kLong = {"==", "!=", "<=", ">=", "//"};
    static constexpr std::string_view kShort = "+-*/%~<>=()[]{},.:|";
    std::size_t length = 1;
    if (std::ranges::find(kLong, source_.substr(pos_, 2)) != kLong.end()) length = 2;
    if (length == 1 && kShort.find(source_[pos_]) == std::string_view::npos)
      fail(std::string("the character \"") + source_[pos_] + "\"");
    tokens_.push_back({Token::Kind::kOperator, std::string(source_.substr(pos_, length))});
    pos_ += length;
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
    tokens_.push_back({Token::Kind::kString, text});
  }

  void read_escape(std::string& text) {
    const char c = source_[pos_];
    static constexpr std::string_view kLetters = "ntr\\'\"";
    static constexpr std::string_view kMeanings = "\n\t\r\\'\"";
    if (const std::size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      text += kMeanings[letter];
    } else if (c == 'x' || c == 'u') {
      const std::size_t digits = c == 'x' ? 2 : 4;
      std::uint32_t value = 0;
      for (std::size_t i = 1; i <= digits; ++i) {
        const int digit = pos_ + i < source_.size() ? hex_digit(source_[pos_ + i]) : -1;
        if (digit < 0) fail("a malformed escape sequence");
        value = value * 16 + static_cast<std::uint32_t>(digit);
      }
      append_utf8(text, value);
      pos_ += digits;
    } else {
      text += '\\';
      text += c;
    }
  }

  std::string_view source_;
  std::size_t pos_ = 0;
  bool swallow_all_ = false;  ///< the tag before ended with "-": white space after it vanishes
  bool line_start_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace xw::tokenizer::jinja
