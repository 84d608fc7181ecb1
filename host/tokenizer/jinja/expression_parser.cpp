// Parses expressions: operators by their precedence, literals.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/expression_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "host/tokenizer/jinja/builders.hpp"

namespace xw::tokenizer::jinja {
namespace {

using TokenKind = Token::Kind;

constexpr int kMaxHeight = 256;

}  // namespace

ExpressionPtr ExpressionParser::make(Kind kind, std::string text, ExpressionPtr a, ExpressionPtr b) {
  tokens_.budget().step();
  tokens_.budget().allocate(sizeof(Expression) + text.size() + 4 * sizeof(ExpressionPtr));
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->text = std::move(text);
  if (a != nullptr) attach(*node, std::move(a));
  if (b != nullptr) attach(*node, std::move(b));
  return node;
}

ExpressionPtr ExpressionParser::literal(Value value) {
  ExpressionPtr node = make(Kind::kLiteral);
  node->literal = std::move(value);
  return node;
}

void ExpressionParser::bound_height(Expression& parent, const ExpressionPtr& child) {
  if (child != nullptr) parent.height = std::max(parent.height, child->height + 1);
  if (parent.height > kMaxHeight) {
    throw_unsupported("an expression of more than " + std::to_string(kMaxHeight) + " levels");
  }
}

/// Adds an operand (null: left out).
void ExpressionParser::attach(Expression& parent, ExpressionPtr child) {
  bound_height(parent, child);
  parent.operands.push_back(std::move(child));
}

/// A name; what a macro uses without declaring it, it can be given.
ExpressionPtr ExpressionParser::note_name(std::string name) {
  for (Signature* macro : macros) {
    macro->uses_caller = macro->uses_caller || name == "caller";
    macro->uses_varargs = macro->uses_varargs || name == "varargs";
    macro->uses_kwargs = macro->uses_kwargs || name == "kwargs";
  }
  return make(Kind::kName, std::move(name));
}

ExpressionPtr ExpressionParser::parse() {
  const TokenStream::Level level(tokens_);
  ExpressionPtr value = parse_or();
  while (tokens_.accept_word("if")) {
    ExpressionPtr node = make(Kind::kCondition, "", std::move(value), parse_or());
    attach(*node, tokens_.accept_word("else") ? parse() : nullptr);
    value = std::move(node);
  }
  return value;
}

bool ExpressionParser::at_tuple_end() const {
  return tokens_.is(TokenKind::kPrintEnd) || tokens_.is(TokenKind::kBlockEnd) || tokens_.is_operator(")") ||
         tokens_.is_operator("=") || tokens_.is_word("in") || tokens_.is_word("recursive") || tokens_.is_word("if");
}

ExpressionPtr ExpressionParser::finish_tuple(ExpressionPtr first, bool with_condition) {
  if (!tokens_.is_operator(",")) return first;
  ExpressionPtr tuple = make(Kind::kTuple, "", std::move(first));
  while (tokens_.accept(",")) {
    if (at_tuple_end()) break;
    attach(*tuple, with_condition ? parse() : parse_or());
  }
  return tuple;
}

ExpressionPtr ExpressionParser::parse_tuple() {
  return finish_tuple(parse(), true);
}

ExpressionPtr ExpressionParser::parse_iterated() {
  const TokenStream::Level level(tokens_);
  return finish_tuple(parse_or(), false);
}

ExpressionPtr ExpressionParser::parse_or() {
  ExpressionPtr left = parse_and();
  while (tokens_.accept_word("or")) left = make(Kind::kOr, "", std::move(left), parse_and());
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  ExpressionPtr left = parse_not();
  while (tokens_.accept_word("and")) left = make(Kind::kAnd, "", std::move(left), parse_not());
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  const TokenStream::Level level(tokens_);
  if (tokens_.is_word("not") && !tokens_.is_word("in", 1)) {
    tokens_.skip(1);
    return make(Kind::kNot, "", parse_not());
  }
  return parse_comparison();
}

ExpressionPtr ExpressionParser::parse_comparison() {
  static constexpr std::array<std::string_view, 6> kOperators = {"==", "!=", "<", ">", "<=", ">="};
  ExpressionPtr first = parse_sum();
  ExpressionPtr chain;
  for (;;) {
    std::string_view op;
    for (const std::string_view candidate : kOperators) {
      if (tokens_.is_operator(candidate)) op = candidate;
    }
    if (!op.empty()) {
      tokens_.skip(1);
    } else if (tokens_.accept_word("in")) {
      op = "in";
    } else if (tokens_.is_word("not") && tokens_.is_word("in", 1)) {
      tokens_.skip(2);
      op = "not in";
    } else {
      return chain != nullptr ? std::move(chain) : std::move(first);
    }
    if (chain == nullptr) chain = make(Kind::kComparison, "", std::move(first));
    chain->operators.push_back(op);
    attach(*chain, parse_sum());
  }
}

ExpressionPtr ExpressionParser::parse_sum() {
  ExpressionPtr left = parse_concatenation();
  while (tokens_.is_operator("+") || tokens_.is_operator("-")) {
    std::string op = tokens_.take().text;
    left = make(Kind::kArithmetic, std::move(op), std::move(left), parse_concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concatenation() {
  ExpressionPtr first = parse_product();
  if (!tokens_.is_operator("~")) return first;
  ExpressionPtr all = make(Kind::kConcatenation, "", std::move(first));
  while (tokens_.accept("~")) attach(*all, parse_product());
  return all;
}

ExpressionPtr ExpressionParser::parse_product() {
  ExpressionPtr left = parse_power();
  while (tokens_.is_operator("*") || tokens_.is_operator("/") || tokens_.is_operator("//") ||
         tokens_.is_operator("%")) {
    std::string op = tokens_.take().text;
    left = make(Kind::kArithmetic, std::move(op), std::move(left), parse_power());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_power() {
  ExpressionPtr left = parse_unary(true);
  while (tokens_.accept("**")) left = make(Kind::kArithmetic, "**", std::move(left), parse_unary(true));
  return left;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const TokenStream::Level level(tokens_);
  ExpressionPtr value;
  if (tokens_.is_operator("-") || tokens_.is_operator("+")) {
    std::string sign = tokens_.take().text;
    value = make(Kind::kSign, std::move(sign), parse_unary(false));
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::parse_name() {
  std::string name = tokens_.take().text;
  if (name == "true" || name == "True") return literal(Value::boolean(true));
  if (name == "false" || name == "False") return literal(Value::boolean(false));
  if (name == "none" || name == "None") return literal(Value::none());
  return note_name(std::move(name));
}

ExpressionPtr ExpressionParser::parse_number() {
  const Token& token = tokens_.take();
  if (token.kind == TokenKind::kFloat) return literal(Value::real(std::strtod(token.text.c_str(), nullptr)));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
  if (error != std::errc()) throw_unsupported("the number " + token.text.substr(0, 40));
  return literal(Value::integer(number));
}

ExpressionPtr ExpressionParser::parse_primary() {
  const TokenStream::Level level(tokens_);
  switch (tokens_.peek().kind) {
    case TokenKind::kName:
      return parse_name();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return parse_number();
    case TokenKind::kString: {
      TextBuilder text(tokens_.budget());
      while (tokens_.is(TokenKind::kString)) text.append(tokens_.take().text);
      return literal(text.value());
    }
    default:
      break;
  }
  if (tokens_.accept("(")) {
    if (tokens_.accept(")")) return make(Kind::kTuple);
    ExpressionPtr value = parse_tuple();
    tokens_.expect(")");
    return value;
  }
  if (tokens_.accept("[")) {
    ExpressionPtr list = make(Kind::kList);
    while (!tokens_.accept("]")) {
      attach(*list, parse());
      if (!tokens_.is_operator("]")) tokens_.expect(",");
    }
    return list;
  }
  if (tokens_.accept("{")) {
    ExpressionPtr object = make(Kind::kObject);
    while (!tokens_.accept("}")) {
      attach(*object, parse());
      tokens_.expect(":");
      attach(*object, parse());
      if (!tokens_.is_operator("}")) tokens_.expect(",");
    }
    return object;
  }
  tokens_.fail("a value");
}

}  // namespace xw::tokenizer::jinja
