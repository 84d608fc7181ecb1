// Parses expressions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/tokenizer/jinja/syntax.hpp"
#include "host/tokenizer/jinja/token_stream.hpp"

namespace xw::tokenizer::jinja {

/// Recursive descent with Jinja's precedence, lowest first: if, or, and, not, comparisons, + -, ~, * / // %, **, signs,
/// members and calls, filters and tests. All throw Error{kUnsupported}.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  /// One expression.
  ExpressionPtr parse();
  /// Expressions separated by commas: a tuple, or the expression itself if there is no comma.
  ExpressionPtr parse_tuple();
  /// Without a condition at its end, so that `if` can follow (of {% for %}).
  ExpressionPtr parse_iterated();
  /// A name, a member of a namespace, or several of them.
  Target parse_target();
  /// name(arguments) | name ...: filters of what a block yields; the innermost has no operand.
  ExpressionPtr parse_filters_of_block();
  /// Parameters of a macro up to the closing bracket; the opening one has been read.
  void parse_parameters(Signature& signature);

  /// Whose body is being read: names that it uses are noted in all of them.
  std::vector<Signature*> macros;

 private:
  using Kind = Expression::Kind;

  ExpressionPtr make(Kind kind, std::string text = {}, ExpressionPtr a = nullptr, ExpressionPtr b = nullptr);
  ExpressionPtr literal(Value value);
  void attach(Expression& parent, ExpressionPtr child);
  static void bound_height(Expression& parent, const ExpressionPtr& child);
  ExpressionPtr note_name(std::string name);

  bool at_tuple_end() const;
  ExpressionPtr finish_tuple(ExpressionPtr first, bool with_condition);
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_number();
  ExpressionPtr parse_postfix(ExpressionPtr value);
  ExpressionPtr parse_subscript(ExpressionPtr value);
  ExpressionPtr parse_subscribed(ExpressionPtr value);
  void parse_arguments(Expression& call);
  ExpressionPtr parse_filter(ExpressionPtr value);
  ExpressionPtr parse_test(ExpressionPtr value);
  ExpressionPtr parse_filters(ExpressionPtr value);
  std::string parse_dotted_name();
  Target parse_single_target();

  TokenStream& tokens_;
};

}  // namespace xw::tokenizer::jinja
