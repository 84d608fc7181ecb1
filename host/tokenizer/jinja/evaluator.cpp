// Evaluates expressions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/evaluator.hpp"

#include <optional>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/operators.hpp"
#include "host/tokenizer/jinja/text.hpp"

namespace xw::tokenizer::jinja {

using Kind = Expression::Kind;
using ValueKind = Value::Kind;

Arguments Evaluator::arguments_of(const Expression& node, const Scope& scope) {
  Arguments arguments;
  budget_.allocate((node.operands.size() + node.keywords.size()) * (sizeof(Value) + 64));
  for (std::size_t i = 1; i < node.operands.size(); ++i) arguments.values.push_back(evaluate(*node.operands[i], scope));
  for (const auto& [name, value] : node.keywords) {
    budget_.allocate(name.size());
    arguments.keywords.emplace_back(name, evaluate(*value, scope));
  }
  if (node.spread != nullptr) {
    const std::vector<Value> more = iterate(evaluate(*node.spread, scope), budget_);
    budget_.allocate(more.size() * sizeof(Value));
    arguments.values.insert(arguments.values.end(), more.begin(), more.end());
  }
  if (node.keyword_spread != nullptr) {
    const Value object = evaluate(*node.keyword_spread, scope);
    if (!object.is(ValueKind::kObject)) unsupported_for("arguments by the names", object);
    for (const auto& [key, value] : object.members()) {
      const std::string& name = text_of(key, "the name of an argument");
      budget_.allocate(2 * sizeof(arguments.keywords[0]) + name.size());
      arguments.keywords.emplace_back(name, value);
    }
  }
  return arguments;
}

Value Evaluator::filtered(const Expression& node, const Value& value, const Scope& scope) {
  const Level level(depth_);
  const Value inner = node.operands[0] != nullptr ? filtered(*node.operands[0], value, scope) : value;
  return apply_filter(node.text, inner, arguments_of(node, scope), budget_);
}

Value Evaluator::call_value(const Expression& callee, const Arguments& arguments, const Scope& scope) {
  if (callee.kind == Kind::kName && find(callee.text, scope) == nullptr && is_function(callee.text)) {
    return call_function(callee.text, arguments, budget_);
  }
  if (callee.kind == Kind::kMember) {  // without making a value of the method
    const Value self = evaluate(*callee.operands[0], scope);
    if (self.is(ValueKind::kUndefined)) throw_undefined(self);
    if (is_method(self, callee.text)) return call_method(callee.text, self, arguments, budget_);
    return call(get_attribute(self, callee.text, budget_), callee.text, arguments);
  }
  return call(evaluate(callee, scope), callee.text, arguments);
}

Value Evaluator::call(const Value& function, const std::string& name, const Arguments& arguments) {
  if (function.is(ValueKind::kLoop)) return call_loop(function, arguments);
  if (!function.is(ValueKind::kFunction)) {
    throw_unsupported("the function \"" + name.substr(0, 40) + "\"");
  }
  const Function& target = function.as_function();
  switch (target.kind) {
    case Function::Kind::kGlobal:
      return call_function(target.name, arguments, budget_);
    case Function::Kind::kMethod:
      return call_method(target.name, target.self, arguments, budget_);
    case Function::Kind::kMacro:
      break;
  }
  return run_macro(*target.macro, arguments);
}

Value Evaluator::evaluate(const Expression& node, const Scope& scope) {
  const Level level(depth_);
  budget_.step();
  switch (node.kind) {
    case Kind::kLiteral:
      return node.literal;
    case Kind::kName:
      return evaluate_name(node, scope);
    case Kind::kList:
    case Kind::kTuple:
      return evaluate_list(node, scope);
    case Kind::kObject:
      return evaluate_object(node, scope);
    case Kind::kMember:
      return get_attribute(evaluate(*node.operands[0], scope), node.text, budget_);
    case Kind::kIndex:
      return evaluate_index(node, scope);
    case Kind::kSlice:
      return evaluate_slice(node, scope);
    case Kind::kCall:
      return call_value(*node.operands[0], arguments_of(node, scope), scope);
    case Kind::kFilter:
      return evaluate_filter(node, scope);
    case Kind::kTest:
      return evaluate_test(node, scope);
    case Kind::kNot:
      return Value::boolean(!evaluate(*node.operands[0], scope).is_true());
    case Kind::kSign:
      return apply_sign(node.text == "-", evaluate(*node.operands[0], scope));
    case Kind::kAnd:
    case Kind::kOr:
      return evaluate_logic(node, scope);
    case Kind::kArithmetic:
      return evaluate_arithmetic(node, scope);
    case Kind::kComparison:
      return evaluate_comparison(node, scope);
    case Kind::kConcatenation:
      return evaluate_concatenation(node, scope);
    case Kind::kCondition:
      return evaluate_condition(node, scope);
  }
  return {};
}

Value Evaluator::evaluate_name(const Expression& node, const Scope& scope) {
  if (const Value* value = find(node.text, scope)) return *value;
  budget_.allocate(kValueOverhead + node.text.size());
  if (is_function(node.text)) return Value::function({Function::Kind::kGlobal, node.text, {}, nullptr});
  return Value::undefined(node.text);
}

Value Evaluator::evaluate_list(const Expression& node, const Scope& scope) {
  ListBuilder list(budget_);
  list.reserve(node.operands.size());
  for (const ExpressionPtr& operand : node.operands) list.push(evaluate(*operand, scope));
  return node.kind == Kind::kTuple ? list.tuple() : list.list();
}

Value Evaluator::evaluate_object(const Expression& node, const Scope& scope) {
  ObjectBuilder object(budget_);
  for (std::size_t i = 0; i + 1 < node.operands.size(); i += 2) {
    const Value key = evaluate(*node.operands[i], scope);
    object.set(key, evaluate(*node.operands[i + 1], scope));
  }
  return object.object();
}

Value Evaluator::evaluate_index(const Expression& node, const Scope& scope) {
  const Value value = evaluate(*node.operands[0], scope);
  return get_item(value, evaluate(*node.operands[1], scope), budget_);
}

Value Evaluator::evaluate_slice(const Expression& node, const Scope& scope) {
  const Value value = evaluate(*node.operands[0], scope);
  std::optional<Value> parts[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (node.operands[i + 1] != nullptr) parts[i] = evaluate(*node.operands[i + 1], scope);
  }
  const auto part = [&](std::size_t i) { return parts[i] ? &*parts[i] : nullptr; };
  return get_slice(value, part(0), part(1), part(2), budget_);
}

Value Evaluator::evaluate_filter(const Expression& node, const Scope& scope) {
  const Value value = evaluate(*node.operands[0], scope);
  return apply_filter(node.text, value, arguments_of(node, scope), budget_);
}

Value Evaluator::evaluate_test(const Expression& node, const Scope& scope) {
  const Value value = evaluate(*node.operands[0], scope);
  return Value::boolean(apply_test(node.text, value, arguments_of(node, scope), budget_));
}

Value Evaluator::evaluate_logic(const Expression& node, const Scope& scope) {
  Value left = evaluate(*node.operands[0], scope);
  return left.is_true() == (node.kind == Kind::kOr) ? left : evaluate(*node.operands[1], scope);
}

Value Evaluator::evaluate_arithmetic(const Expression& node, const Scope& scope) {
  const Value left = evaluate(*node.operands[0], scope);
  return apply_operator(node.text, left, evaluate(*node.operands[1], scope), budget_);
}

Value Evaluator::evaluate_comparison(const Expression& node, const Scope& scope) {
  Value left = evaluate(*node.operands[0], scope);
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    Value right = evaluate(*node.operands[i + 1], scope);
    if (!apply_comparison(node.operators[i], left, right, budget_)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Evaluator::evaluate_concatenation(const Expression& node, const Scope& scope) {
  TextBuilder out(budget_);
  for (const ExpressionPtr& operand : node.operands) append_text(evaluate(*operand, scope), out, budget_);
  return out.value();
}

Value Evaluator::evaluate_condition(const Expression& node, const Scope& scope) {
  if (evaluate(*node.operands[1], scope).is_true()) return evaluate(*node.operands[0], scope);
  if (node.operands[2] != nullptr) return evaluate(*node.operands[2], scope);
  return undefined_value("if without else", budget_);
}

const Value* Evaluator::find(std::string_view name, const Scope& scope) {
  for (const Scope* s = &scope; s != nullptr; s = s->parent) {
    budget_.step();
    if (const auto it = s->variables.find(name); it != s->variables.end()) return &it->second;
  }
  return nullptr;
}

}  // namespace xw::tokenizer::jinja
