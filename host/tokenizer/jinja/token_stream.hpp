// Tokens one after the other, and what both halves of the parser need.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/lexer.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, Budget& budget) : tokens_(std::move(tokens)), budget_(budget) {}

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  const Token& take() { return tokens_[std::min(next_++, tokens_.size() - 1)]; }
  void skip(std::size_t count) { next_ += count; }
  [[nodiscard]] std::size_t position() const { return next_; }

  [[nodiscard]] bool is(Token::Kind kind) const { return peek().kind == kind; }
  [[nodiscard]] bool is_word(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::kName && peek(ahead).text == text;
  }
  [[nodiscard]] bool is_operator(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::kOperator && peek(ahead).text == text;
  }
  bool accept_word(std::string_view text) {
    const bool hit = is_word(text);
    if (hit) ++next_;
    return hit;
  }
  bool accept(std::string_view text) {
    const bool hit = is_operator(text);
    if (hit) ++next_;
    return hit;
  }
  void expect(std::string_view text) {
    if (!accept(text)) fail(text);
  }
  void expect(Token::Kind kind) {
    if (!is(kind)) fail("the end of the tag");
    ++next_;
  }
  std::string expect_name() {
    if (!is(Token::Kind::kName)) fail("a name");
    return take().text;
  }
  /// Throws: what stands here instead of `expected`.
  [[noreturn]] void fail(std::string_view expected) const {
    std::string what = is(Token::Kind::kEnd) ? "the end" : "\"" + peek().text.substr(0, 40) + "\"";
    what.append(" where ").append(expected).append(" is expected in line ").append(std::to_string(peek().line));
    throw_unsupported(what);
  }

  [[nodiscard]] Budget& budget() const { return budget_; }

  /// Bounds recursion while it lives.
  class Level {
   public:
    explicit Level(TokenStream& stream) : depth_(stream.depth_) {
      if (depth_ >= kMaxDepth) throw_unsupported("nesting deeper than " + std::to_string(kMaxDepth));
      ++depth_;
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    static constexpr int kMaxDepth = 200;
    int& depth_;
  };

 private:
  std::vector<Token> tokens_;
  Budget& budget_;
  std::size_t next_ = 0;
  int depth_ = 0;
};

}  // namespace xw::tokenizer::jinja
