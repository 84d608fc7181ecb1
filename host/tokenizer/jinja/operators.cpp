// Arithmetic of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/operators.hpp"

#include <cmath>
#include <limits>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/percent_format.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

[[noreturn]] void throw_operands(std::string_view op, const Value& left, const Value& right) {
  throw_unsupported("the operator " + std::string(op) + " between a " + left.kind_name() + " and a " +
                    right.kind_name());
}

[[noreturn]] void throw_overflow(std::string_view op) {
  throw_unsupported("the operator " + std::string(op) + " of integers whose result has more than 64 bits");
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  if (exponent > 64 && base != 0 && base != 1 && base != -1) throw_overflow("**");
  if (exponent > 64) exponent = 64 + exponent % 2;  // of 0, 1 and -1 only the parity matters
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(result, base, &result)) throw_overflow("**");
  }
  return result;
}

Value integer_operator(std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "/") {
    if (b == 0) throw_unsupported("division by 0");
    return Value::real(static_cast<double>(a) / static_cast<double>(b));
  }
  if (op == "//" || op == "%") {  // rounds down
    if (b == 0) throw_unsupported("division by 0");
    if (b == -1) {
      if (op == "%") return Value::integer(0);
      if (__builtin_sub_overflow(0, a, &result)) throw_overflow(op);
      return Value::integer(result);
    }
    const std::int64_t quotient = a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
    return Value::integer(op == "//" ? quotient : a - quotient * b);
  }
  if (op == "**") {
    if (b < 0) return Value::real(std::pow(static_cast<double>(a), static_cast<double>(b)));
    return Value::integer(power(a, b));
  }
  const bool overflow = op == "+"   ? __builtin_add_overflow(a, b, &result)
                        : op == "-" ? __builtin_sub_overflow(a, b, &result)
                                    : __builtin_mul_overflow(a, b, &result);
  if (overflow) throw_overflow(op);
  return Value::integer(result);
}

Value real_operator(std::string_view op, double a, double b) {
  if ((op == "/" || op == "//" || op == "%") && b == 0) throw_unsupported("division by 0");
  if (op == "+") return Value::real(a + b);
  if (op == "-") return Value::real(a - b);
  if (op == "*") return Value::real(a * b);
  if (op == "/") return Value::real(a / b);
  if (op == "**") return Value::real(std::pow(a, b));
  double remainder = std::fmod(a, b);
  if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
  if (op == "%") return Value::real(remainder);
  return Value::real(std::floor((a - remainder) / b + 0.5));
}

Value repeat(const Value& value, std::int64_t count, Budget& budget) {
  const std::size_t times = count < 0 ? 0 : static_cast<std::size_t>(count);
  if (value.is(Kind::kString)) {
    TextBuilder out(budget);
    out.repeat(value.text(), times);
    return out.value();
  }
  const std::vector<Value>& items = value.items();
  if (!items.empty() && times > std::numeric_limits<std::size_t>::max() / sizeof(Value) / items.size()) {
    budget.allocate(std::numeric_limits<std::uint64_t>::max());  // throws
  }
  ListBuilder list(budget);
  list.reserve(items.size() * times);
  if (!items.empty()) {
    for (std::size_t i = 0; i < times; ++i) list.append(items);
  }
  return value.is(Kind::kTuple) ? list.tuple() : list.list();
}

Value concatenate(const Value& left, const Value& right, Budget& budget) {
  if (left.is(Kind::kString)) {
    TextBuilder out(budget);
    out.reserve(left.text().size() + right.text().size());
    out.append(left.text());
    out.append(right.text());
    return out.value();
  }
  ListBuilder list(budget);
  list.reserve(left.items().size() + right.items().size());
  list.append(left.items());
  list.append(right.items());
  return left.is(Kind::kTuple) ? list.tuple() : list.list();
}

Arguments percent_arguments(const Value& value, Budget& budget) {
  Arguments arguments;
  if (value.is(Kind::kTuple)) {
    budget.allocate(value.items().size() * sizeof(Value));
    arguments.values = value.items();
  } else {
    arguments.values.push_back(value);
  }
  if (value.is(Kind::kObject)) {
    for (const auto& [key, item] : value.members()) {
      budget.allocate(sizeof(Member) + 64);
      budget.step();
      if (!key.is(Kind::kString)) continue;
      budget.allocate(key.text().size());
      budget.scan(key.text().size());
      arguments.keywords.emplace_back(key.text(), item);
    }
  }
  return arguments;
}

}  // namespace

Value apply_operator(std::string_view op, const Value& left, const Value& right, Budget& budget) {
  if (left.is(Kind::kUndefined)) throw_undefined(left);
  if (op == "%" && left.is(Kind::kString)) return format_percent(left.text(), percent_arguments(right, budget), budget);
  if (right.is(Kind::kUndefined)) throw_undefined(right);
  if (left.is_integral() && right.is_integral()) return integer_operator(op, left.as_integer(), right.as_integer());
  if (left.is_number() && right.is_number()) return real_operator(op, left.as_real(), right.as_real());
  const auto repeats = [](const Value& value) { return value.is(Kind::kString) || value.is_sequence(); };
  if (op == "*" && repeats(left) && right.is_integral()) return repeat(left, right.as_integer(), budget);
  if (op == "*" && left.is_integral() && repeats(right)) return repeat(right, left.as_integer(), budget);
  if (op == "+" && left.kind() == right.kind() && repeats(left)) return concatenate(left, right, budget);
  throw_operands(op, left, right);
}

bool apply_comparison(std::string_view op, const Value& left, const Value& right, Budget& budget) {
  if (op == "==") return equal(left, right, budget);
  if (op == "!=") return !equal(left, right, budget);
  if (op == "in") return contains(right, left, budget);
  if (op == "not in") return !contains(right, left, budget);
  const int order = compare(left, right, budget);
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  return op == "<=" ? order <= 0 : order >= 0;
}

Value apply_sign(bool negative, const Value& value) {
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  if (value.is(Kind::kFloat)) return Value::real(negative ? -value.as_real() : value.as_real());
  if (!value.is_integral()) unsupported_for("the sign", value);
  return negative ? integer_operator("-", 0, value.as_integer()) : Value::integer(value.as_integer());
}

}  // namespace xw::tokenizer::jinja
