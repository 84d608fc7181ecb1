// Syntax trees of templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// A node of an expression; `kind` says what `text`, `literal` and `operands` mean. Operands may be null (slices).
struct Expression {
  enum class Kind {
    kLiteral,        ///< literal
    kName,           ///< text
    kList,           ///< operands
    kTuple,          ///< operands
    kObject,         ///< operands: key, value, key, value, ...
    kMember,         ///< operands[0].text
    kIndex,          ///< operands[0][operands[1]]
    kSlice,          ///< operands[0][operands[1]:operands[2]:operands[3]]
    kCall,           ///< operands[0](operands[1..], keywords, spreads)
    kFilter,         ///< operands[0] | text(operands[1..], keywords, spreads); operands[0] null: of a block
    kTest,           ///< operands[0] is text(operands[1..], keywords, spreads)
    kNot,            ///< not operands[0]
    kSign,           ///< text is "-" or "+"
    kAnd,            ///< operands[0] and operands[1]
    kOr,             ///< operands[0] or operands[1]
    kArithmetic,     ///< operands[0] text operands[1]
    kComparison,     ///< operands[0] operators[0] operands[1] operators[1] operands[2] ...
    kConcatenation,  ///< the texts of the operands
    kCondition,      ///< operands[0] if operands[1] else operands[2] (may be null)
  };
  Kind kind = Kind::kLiteral;
  std::string text;
  Value literal;
  std::vector<ExpressionPtr> operands;
  std::vector<std::string_view> operators;                      ///< kComparison
  std::vector<std::pair<std::string, ExpressionPtr>> keywords;  ///< of calls
  ExpressionPtr spread, keyword_spread;                         ///< of calls: *list, **object
  int height = 1;                                               ///< of the tree below; bounded by the parser
};

/// What {% set %} and {% for %} give values to: a name, a member of a namespace, or several targets.
struct Target {
  std::string name, member;
  std::vector<Target> parts;
};

struct Node;
using Nodes = std::vector<Node>;

/// Parameters of a macro or of the caller in {% call %}.
struct Signature {
  std::string name;                                               ///< of the macro
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  ///< with their defaults, or null
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

/// A statement.
struct Node {
  enum class Kind {
    kText,    ///< text
    kPrint,   ///< expression
    kIf,      ///< branches: (condition or null for else, body)
    kFor,     ///< target in expression [if filter]: body, else alternative
    kSet,     ///< target = expression; or the text of body, filtered by `expression` if that is not null
    kWith,    ///< target = expression pairs of `assignments`, then body in a scope of its own
    kScope,   ///< body in a scope of its own (generation, block)
    kFilter,  ///< the text of body, filtered by `expression`
    kMacro,   ///< signature, body
    kCall,    ///< expression (a call) with body as caller with `signature`
    kBreak,
    kContinue,
    kUnsupported,  ///< throws when it is reached: what `text` says
  };
  Kind kind = Kind::kText;
  bool is_recursive = false;  ///< kFor
  std::string text;
  Target target;
  ExpressionPtr expression, filter;
  Nodes body, alternative;
  std::vector<std::pair<ExpressionPtr, Nodes>> branches;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Signature signature;
};

/// Parses a template. Throws Error{kUnsupported} for what is no template and for one that exceeds the budget.
[[nodiscard]] Nodes parse(std::string_view source, Budget& budget);

}  // namespace xw::tokenizer::jinja
