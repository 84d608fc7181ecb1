// Parses what follows a value: members, calls, filters and tests; also targets and parameters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/expression_parser.hpp"

#include <string>
#include <utility>

#include "host/tokenizer/jinja/builders.hpp"

namespace xw::tokenizer::jinja {
namespace {

using TokenKind = Token::Kind;

constexpr int kMaxChain = 128;  // members, calls, filters in a row

}  // namespace

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr value) {
  for (int length = 0;; ++length) {
    if (length > kMaxChain) throw_unsupported("a chain of more than " + std::to_string(kMaxChain) + " members");
    if (tokens_.accept(".")) {
      if (tokens_.is(TokenKind::kInteger)) {
        value = make(Kind::kIndex, "", std::move(value), parse_number());
      } else {
        value = make(Kind::kMember, tokens_.expect_name(), std::move(value));
      }
    } else if (tokens_.accept("[")) {
      value = parse_subscript(std::move(value));
    } else if (tokens_.accept("(")) {
      value = make(Kind::kCall, "", std::move(value));
      parse_arguments(*value);
    } else {
      return value;
    }
  }
}

/// One part of a subscript: an index or a slice.
ExpressionPtr ExpressionParser::parse_subscribed(ExpressionPtr value) {
  ExpressionPtr first = tokens_.is_operator(":") ? nullptr : parse();
  if (!tokens_.is_operator(":")) return make(Kind::kIndex, "", std::move(value), std::move(first));
  ExpressionPtr slice = make(Kind::kSlice, "", std::move(value));
  attach(*slice, std::move(first));
  for (int i = 0; i < 2; ++i) {
    const bool given = tokens_.accept(":") && !tokens_.is_operator(":") && !tokens_.is_operator("]");
    attach(*slice, given ? parse() : nullptr);
  }
  return slice;
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr value) {
  ExpressionPtr node = parse_subscribed(std::move(value));
  tokens_.expect("]");
  return node;
}

void ExpressionParser::parse_arguments(Expression& call) {
  while (!tokens_.accept(")")) {
    ExpressionPtr* spread = tokens_.is_operator("*")    ? &call.spread
                            : tokens_.is_operator("**") ? &call.keyword_spread
                                                        : nullptr;
    if (spread != nullptr) {
      if (*spread != nullptr) tokens_.fail("one argument of this kind");
      tokens_.skip(1);
      *spread = parse();
      bound_height(call, *spread);
    } else if (tokens_.is(TokenKind::kName) && tokens_.is_operator("=", 1)) {
      std::string name = tokens_.expect_name();
      tokens_.skip(1);
      ExpressionPtr value = parse();
      bound_height(call, value);
      tokens_.budget().allocate(sizeof(call.keywords[0]) + name.size());
      call.keywords.emplace_back(std::move(name), std::move(value));
    } else {
      if (!call.keywords.empty() || call.spread != nullptr) tokens_.fail("an argument with a name");
      attach(call, parse());
    }
    if (!tokens_.is_operator(")")) tokens_.expect(",");
  }
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = tokens_.expect_name();
  while (tokens_.accept(".")) name += "." + tokens_.expect_name();
  return name;
}

ExpressionPtr ExpressionParser::parse_filter(ExpressionPtr value) {
  ExpressionPtr node = make(Kind::kFilter, parse_dotted_name());
  attach(*node, std::move(value));
  if (tokens_.accept("(")) parse_arguments(*node);
  return node;
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr value) {
  const bool negated = tokens_.accept_word("not");
  ExpressionPtr node = make(Kind::kTest, parse_dotted_name(), std::move(value));
  const Token& next = tokens_.peek();
  const bool starts_value = next.kind == TokenKind::kString || next.kind == TokenKind::kInteger ||
                            next.kind == TokenKind::kFloat || tokens_.is_operator("[") || tokens_.is_operator("{");
  const bool is_name = next.kind == TokenKind::kName && next.text != "else" && next.text != "or" &&
                       next.text != "and" && next.text != "is" && next.text != "if" && next.text != "in" &&
                       next.text != "not";
  if (tokens_.accept("(")) {
    parse_arguments(*node);
  } else if (starts_value || is_name) {
    attach(*node, parse_postfix(parse_primary()));
  }
  return negated ? make(Kind::kNot, "", std::move(node)) : std::move(node);
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr value) {
  for (int length = 0;; ++length) {
    if (length > kMaxChain) throw_unsupported("a chain of more than " + std::to_string(kMaxChain) + " filters");
    if (tokens_.accept("|")) {
      value = parse_filter(std::move(value));
    } else if (tokens_.accept_word("is")) {
      value = parse_test(std::move(value));
    } else if (tokens_.accept("(")) {
      value = make(Kind::kCall, "", std::move(value));
      parse_arguments(*value);
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filters_of_block() {
  ExpressionPtr value = parse_filter(nullptr);
  for (int length = 0; tokens_.accept("|"); ++length) {
    if (length > kMaxChain) throw_unsupported("a chain of more than " + std::to_string(kMaxChain) + " filters");
    value = parse_filter(std::move(value));
  }
  return value;
}

Target ExpressionParser::parse_single_target() {
  const TokenStream::Level level(tokens_);
  tokens_.budget().allocate(sizeof(Target) + 64);
  if (tokens_.accept("(")) {
    Target target = parse_target();
    tokens_.expect(")");
    return target;
  }
  Target target;
  target.name = tokens_.expect_name();
  if (tokens_.accept(".")) target.member = tokens_.expect_name();
  return target;
}

Target ExpressionParser::parse_target() {
  Target first = parse_single_target();
  if (!tokens_.is_operator(",")) return first;
  Target all;
  all.parts.push_back(std::move(first));
  while (tokens_.accept(",")) {
    if (at_tuple_end()) break;
    all.parts.push_back(parse_single_target());
  }
  return all;
}

void ExpressionParser::parse_parameters(Signature& signature) {
  while (!tokens_.accept(")")) {
    std::string name = tokens_.expect_name();
    tokens_.budget().allocate(sizeof(signature.parameters[0]) + name.size());
    ExpressionPtr absent = tokens_.accept("=") ? parse() : nullptr;
    if (absent == nullptr && !signature.parameters.empty() && signature.parameters.back().second != nullptr) {
      tokens_.fail("a default value");
    }
    signature.parameters.emplace_back(std::move(name), std::move(absent));
    if (!tokens_.is_operator(")")) tokens_.expect(",");
  }
}

}  // namespace xw::tokenizer::jinja
