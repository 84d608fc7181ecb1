// The part of the Jinja template language that chat templates are written in.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// A node of an expression; `kind` says what `text`, `literal` and `operands` mean. Operands may be null (slices).
struct Expression {
  enum class Kind {
    kLiteral,    ///< literal
    kName,       ///< text
    kList,       ///< operands
    kObject,     ///< operands: key, value, key, value, ...
    kMember,     ///< operands[0].text
    kIndex,      ///< operands[0][operands[1]]
    kSlice,      ///< operands[0][operands[1]:operands[2]:operands[3]]
    kCall,       ///< operands[0](operands[1..], keyword arguments)
    kFilter,     ///< operands[0] | text(operands[1..], keyword arguments)
    kTest,       ///< operands[0] is text(operands[1..])
    kUnary,      ///< text is "not" or "-"
    kBinary,     ///< text is the operator
    kCondition,  ///< operands[0] if operands[1] else operands[2] (may be null)
  };
  Kind kind = Kind::kLiteral;
  std::string text;
  Value literal;
  std::vector<ExpressionPtr> operands;
  std::vector<std::pair<std::string, ExpressionPtr>> keywords;
  int height = 1;  ///< of the tree below; bounded by the parser
};

struct Node;
using Nodes = std::vector<Node>;

/// A statement.
struct Node {
  enum class Kind {
    kText,   ///< text
    kPrint,  ///< expression
    kIf,     ///< branches: (condition or null for else, body)
    kFor,    ///< names in expression [if filter]: body, else alternative
    kSet,    ///< names = expression, or name.member = expression, or (no expression) the text of body
  };
  Kind kind = Kind::kText;
  std::string text;  ///< kText; kSet: the member of a namespace, or empty
  std::vector<std::string> names;
  ExpressionPtr expression, filter;
  Nodes body, alternative;
  std::vector<std::pair<ExpressionPtr, Nodes>> branches;
};

/// A parsed template. Blocks swallow the newline after them and the spaces before them on their line
/// (trim_blocks, lstrip_blocks), as Hugging Face's chat templates expect.
class Template {
 public:
  /// Throws Error{kUnsupported} for what is not understood.
  explicit Template(std::string_view source);
  /// Renders with the members of `context` as variables. Throws Error{kUnsupported} for what is not understood or
  /// exceeds the limits, Error{kInvalidArgument} where the template calls raise_exception or uses an undefined value.
  [[nodiscard]] std::string render(const Value& context) const;

 private:
  Nodes nodes_;
};

/// Throws Error{kUnsupported}: "chat template: <what> is not supported; supported are ...".
[[noreturn]] void throw_unsupported(const std::string& what);

}  // namespace xw::tokenizer::jinja
