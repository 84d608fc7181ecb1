// Parses chat templates by recursive descent; the precedence is Jinja's.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "host/tokenizer/jinja/lexer.hpp"
#include "host/tokenizer/jinja/template.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Expression::Kind;
using TokenKind = Token::Kind;

constexpr int kMaxDepth = 64;
constexpr int kMaxHeight = 256;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Nodes parse_template() {
    Nodes nodes = parse_nodes({});
    if (token().kind != TokenKind::kEnd) throw_unsupported("an unmatched {% " + token_text(1) + " %}");
    return nodes;
  }

 private:
  /// Bounds recursion.
  class Level {
   public:
    explicit Level(int& depth) : depth_(depth) {
      if (++depth_ > kMaxDepth) throw_unsupported("nesting deeper than " + std::to_string(kMaxDepth));
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  [[nodiscard]] const Token& token(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] std::string token_text(std::size_t ahead) const { return token(ahead).text.substr(0, 40); }
  [[nodiscard]] bool is_word(std::string_view text, std::size_t ahead = 0) const {
    return token(ahead).kind == TokenKind::kName && token(ahead).text == text;
  }
  [[nodiscard]] bool is_operator(std::string_view text) const {
    return token().kind == TokenKind::kOperator && token().text == text;
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
  [[noreturn]] void fail_at_token(std::string_view expected) const {
    std::string what = token_text(0);
    what.append(" where ").append(expected).append(" is expected");
    throw_unsupported(what);
  }
  void expect(std::string_view text) {
    if (!accept(text)) fail_at_token(text);
  }
  void expect(TokenKind kind) {
    if (token().kind != kind) fail_at_token("the end of the tag");
    ++next_;
  }
  std::string expect_name() {
    if (token().kind != TokenKind::kName) fail_at_token("a name");
    return tokens_[next_++].text;
  }

  /// Statements up to a block that starts with one of `ends` (not consumed).
  Nodes parse_nodes(std::initializer_list<std::string_view> ends) {
    const Level level(depth_);
    Nodes nodes;
    for (;;) {
      switch (token().kind) {
        case TokenKind::kText: {
          Node& node = nodes.emplace_back();
          node.text = tokens_[next_++].text;
          break;
        }
        case TokenKind::kPrintBegin: {
          ++next_;
          Node& node = nodes.emplace_back();
          node.kind = Node::Kind::kPrint;
          node.expression = parse_expression();
          expect(TokenKind::kPrintEnd);
          break;
        }
        case TokenKind::kBlockBegin:
          if (std::ranges::find(ends, token(1).text) != ends.end()) return nodes;
          if (!parse_block(nodes)) return nodes;
          break;
        default:
          return nodes;
      }
    }
  }

  bool parse_block(Nodes& nodes) {
    if (is_word("if", 1)) {
      next_ += 2;
      nodes.push_back(parse_if());
    } else if (is_word("for", 1)) {
      next_ += 2;
      nodes.push_back(parse_for());
    } else if (is_word("set", 1)) {
      next_ += 2;
      nodes.push_back(parse_set());
    } else if (is_word("macro", 1)) {
      next_ += 2;
      skip_macro();
    } else if (token(1).text.starts_with("end") || is_word("else", 1) || is_word("elif", 1)) {
      return false;
    } else {
      throw_unsupported("{% " + token_text(1) + " %}");
    }
    return true;
  }

  Nodes parse_body(std::initializer_list<std::string_view> ends) {
    expect(TokenKind::kBlockEnd);
    Nodes nodes = parse_nodes(ends);
    if (token().kind != TokenKind::kBlockBegin || std::ranges::find(ends, token(1).text) == ends.end()) {
      throw_unsupported("a block without {% " + std::string(*(ends.end() - 1)) + " %}");
    }
    ++next_;  // the caller reads the word
    return nodes;
  }

  Node parse_if() {
    Node node;
    node.kind = Node::Kind::kIf;
    bool has_else = false;
    ExpressionPtr condition = parse_expression();
    for (;;) {
      Nodes body = has_else ? parse_body({"endif"}) : parse_body({"elif", "else", "endif"});
      node.branches.emplace_back(std::move(condition), std::move(body));
      const std::string word = expect_name();
      if (word == "endif") break;
      has_else = word == "else";
      condition = has_else ? nullptr : parse_expression();
    }
    expect(TokenKind::kBlockEnd);
    return node;
  }

  Node parse_for() {
    Node node;
    node.kind = Node::Kind::kFor;
    do node.names.push_back(expect_name());
    while (accept(","));
    if (!accept_word("in")) throw_unsupported("{% for %} without \"in\"");
    node.expression = parse_or();
    if (accept_word("if")) node.filter = parse_expression();
    node.body = parse_body({"else", "endfor"});
    if (expect_name() == "else") {
      node.alternative = parse_body({"endfor"});
      ++next_;
    }
    expect(TokenKind::kBlockEnd);
    return node;
  }

  Node parse_set() {
    Node node;
    node.kind = Node::Kind::kSet;
    do node.names.push_back(expect_name());
    while (accept(","));
    if (node.names.size() == 1 && accept(".")) node.text = expect_name();
    if (accept("=")) {
      node.expression = parse_expression();
    } else {
      if (node.names.size() != 1 || !node.text.empty()) throw_unsupported("this form of {% set %}");
      node.body = parse_body({"endset"});
      ++next_;
    }
    expect(TokenKind::kBlockEnd);
    return node;
  }

  /// Macros may be defined (often for tools); calling one is an unknown function.
  void skip_macro() {
    while (token().kind != TokenKind::kEnd && token().kind != TokenKind::kBlockEnd) ++next_;
    parse_body({"endmacro"});
    ++next_;
    expect(TokenKind::kBlockEnd);
  }

  static ExpressionPtr make(Kind kind, std::string text, ExpressionPtr a = nullptr, ExpressionPtr b = nullptr) {
    auto node = std::make_unique<Expression>();
    node->kind = kind;
    node->text = std::move(text);
    if (a != nullptr) attach(*node, std::move(a));
    if (b != nullptr) attach(*node, std::move(b));
    return node;
  }
  static void bound_height(Expression& parent, const ExpressionPtr& child) {
    if (child != nullptr) parent.height = std::max(parent.height, child->height + 1);
    if (parent.height > kMaxHeight)
      throw_unsupported("an expression of more than " + std::to_string(kMaxHeight) + " levels");
  }
  /// Adds an operand (null: left out).
  static void attach(Expression& parent, ExpressionPtr child) {
    bound_height(parent, child);
    parent.operands.push_back(std::move(child));
  }
  static ExpressionPtr literal(Value value) {
    auto node = std::make_unique<Expression>();
    node->literal = std::move(value);
    return node;
  }

  ExpressionPtr parse_expression() {
    const Level level(depth_);
    ExpressionPtr value = parse_or();
    while (accept_word("if")) {
      ExpressionPtr node = make(Kind::kCondition, "", std::move(value), parse_or());
      attach(*node, accept_word("else") ? parse_expression() : nullptr);
      value = std::move(node);
    }
    return value;
  }
  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (accept_word("or")) left = make(Kind::kBinary, "or", std::move(left), parse_and());
    return left;
  }
  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (accept_word("and")) left = make(Kind::kBinary, "and", std::move(left), parse_not());
    return left;
  }
  ExpressionPtr parse_not() {
    const Level level(depth_);
    if (is_word("not") && !is_word("in", 1)) {
      ++next_;
      return make(Kind::kUnary, "not", parse_not());
    }
    return parse_comparison();
  }
  ExpressionPtr parse_comparison() {
    ExpressionPtr left = parse_sum();
    for (;;) {
      std::string op;
      for (const std::string_view candidate : {"==", "!=", "<", ">", "<=", ">="}) {
        if (is_operator(candidate)) op = candidate;
      }
      if (!op.empty()) {
        ++next_;
      } else if (accept_word("in")) {
        op = "in";
      } else if (is_word("not") && is_word("in", 1)) {
        next_ += 2;
        op = "not in";
      } else {
        return left;
      }
      left = make(Kind::kBinary, op, std::move(left), parse_sum());
    }
  }
  ExpressionPtr parse_sum() {
    ExpressionPtr left = parse_concatenation();
    for (;;) {
      const bool plus = is_operator("+");
      if (!plus && !is_operator("-")) return left;
      ++next_;
      left = make(Kind::kBinary, plus ? "+" : "-", std::move(left), parse_concatenation());
    }
  }
  ExpressionPtr parse_concatenation() {
    ExpressionPtr left = parse_product();
    while (accept("~")) left = make(Kind::kBinary, "~", std::move(left), parse_product());
    return left;
  }
  ExpressionPtr parse_product() {
    ExpressionPtr left = parse_unary(true);
    for (;;) {
      if (!is_operator("*") && !is_operator("/") && !is_operator("//") && !is_operator("%")) return left;
      std::string op = tokens_[next_++].text;
      left = make(Kind::kBinary, std::move(op), std::move(left), parse_unary(true));
    }
  }
  ExpressionPtr parse_unary(bool with_filters) {
    const Level level(depth_);
    ExpressionPtr value = accept("-") ? make(Kind::kUnary, "-", parse_unary(false)) : parse_postfix(parse_primary());
    return with_filters ? parse_filters(std::move(value)) : std::move(value);
  }

  ExpressionPtr parse_primary() {
    const Level level(depth_);
    if (token().kind == TokenKind::kString) {
      std::string text;
      while (token().kind == TokenKind::kString) text += tokens_[next_++].text;
      return literal(Value::string(std::move(text)));
    }
    if (token().kind == TokenKind::kInteger) {
      const std::string& digits = tokens_[next_++].text;
      std::int64_t number = 0;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc())
        throw_unsupported("the number " + digits.substr(0, 40));
      return literal(Value::integer(number));
    }
    if (token().kind == TokenKind::kName) {
      const std::string& name = tokens_[next_++].text;
      if (name == "true" || name == "True") return literal(Value::boolean(true));
      if (name == "false" || name == "False") return literal(Value::boolean(false));
      if (name == "none" || name == "None") return literal(Value::none());
      return make(Kind::kName, name);
    }
    if (accept("(")) {
      ExpressionPtr value = parse_expression();
      expect(")");
      return value;
    }
    if (accept("[")) {
      ExpressionPtr list = make(Kind::kList, "");
      while (!accept("]")) {
        attach(*list, parse_expression());
        if (!is_operator("]")) expect(",");
      }
      return list;
    }
    if (accept("{")) {
      ExpressionPtr object = make(Kind::kObject, "");
      while (!accept("}")) {
        attach(*object, parse_expression());
        expect(":");
        attach(*object, parse_expression());
        if (!is_operator("}")) expect(",");
      }
      return object;
    }
    fail_at_token("a value");
  }

  ExpressionPtr parse_postfix(ExpressionPtr value) {
    for (int length = 0;; ++length) {
      if (length > kMaxDepth) throw_unsupported("a chain of more than " + std::to_string(kMaxDepth) + " members");
      if (accept(".")) {
        value = make(Kind::kMember, expect_name(), std::move(value));
      } else if (accept("[")) {
        value = parse_subscript(std::move(value));
      } else if (accept("(")) {
        value = make(Kind::kCall, "", std::move(value));
        parse_arguments(*value);
      } else {
        return value;
      }
    }
  }

  ExpressionPtr parse_subscript(ExpressionPtr value) {
    ExpressionPtr first = is_operator(":") ? nullptr : parse_expression();
    if (accept("]")) return make(Kind::kIndex, "", std::move(value), std::move(first));
    ExpressionPtr slice = make(Kind::kSlice, "", std::move(value));
    attach(*slice, std::move(first));
    for (int i = 0; i < 2; ++i) {
      const bool given = accept(":") && !is_operator(":") && !is_operator("]");
      attach(*slice, given ? parse_expression() : nullptr);
    }
    expect("]");
    return slice;
  }

  void parse_arguments(Expression& call) {
    while (!accept(")")) {
      const bool is_keyword =
          token().kind == TokenKind::kName && token(1).kind == TokenKind::kOperator && token(1).text == "=";
      if (is_keyword) {
        std::string name = expect_name();
        ++next_;
        ExpressionPtr value = parse_expression();
        bound_height(call, value);
        call.keywords.emplace_back(std::move(name), std::move(value));
      } else {
        attach(call, parse_expression());
      }
      if (!is_operator(")")) expect(",");
    }
  }

  ExpressionPtr parse_filters(ExpressionPtr value) {
    for (int length = 0;; ++length) {
      if (length > kMaxDepth) throw_unsupported("a chain of more than " + std::to_string(kMaxDepth) + " filters");
      if (accept("|")) {
        value = make(Kind::kFilter, expect_name(), std::move(value));
        if (accept("(")) parse_arguments(*value);
      } else if (accept_word("is")) {
        const bool negated = accept_word("not");
        value = make(Kind::kTest, expect_name(), std::move(value));
        if (accept("(")) {
          parse_arguments(*value);
        } else if (token().kind == TokenKind::kString || token().kind == TokenKind::kInteger) {
          attach(*value, parse_primary());
        }
        if (negated) value = make(Kind::kUnary, "not", std::move(value));
      } else {
        return value;
      }
    }
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
};

}  // namespace

Template::Template(std::string_view source) : nodes_(Parser(tokenize(source)).parse_template()) {}

}  // namespace xw::tokenizer::jinja
