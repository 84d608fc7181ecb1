// Tests of chat templates: what stands after `is`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/functions.hpp"
#include "host/tokenizer/jinja/operators.hpp"
#include "host/tokenizer/jinja/text.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;
using Test = bool (*)(const Value&, const Value* argument, Budget&);

struct Entry {
  std::string_view name;
  int num_arguments;
  Test test;
};

bool divides(const Value& value, std::int64_t divisor, std::int64_t remainder) {
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  if (value.is(Kind::kFloat))
    return std::fmod(value.as_real(), static_cast<double>(divisor)) == static_cast<double>(remainder);
  if (!value.is_integral()) unsupported_for("a test of the parity", value);
  if (divisor == 0) throw_unsupported("division by 0");
  if (divisor == -1) return remainder == 0;
  return std::abs(value.as_integer() % divisor) == remainder;
}

bool all_cased(const Value& value, bool upper, Budget& budget) {
  const std::string of_other = value.is(Kind::kString) ? std::string() : to_text(value, budget);
  const std::string& text = value.is(Kind::kString) ? value.text() : of_other;
  bool cased = false;
  for (const char c : text) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_lower = c >= 'a' && c <= 'z';
    if (upper ? is_lower : is_upper) return false;
    cased = cased || is_upper || is_lower;
  }
  return cased;
}

template <char First, char Second>
bool comparison(const Value& value, const Value* argument, Budget& budget) {
  static constexpr std::array<char, 3> kOperator = {First, Second, '\0'};
  return apply_comparison(kOperator.data(), value, *argument, budget);
}

bool is_iterable(const Value& value) {
  return value.is(Kind::kUndefined) || value.is(Kind::kString) || value.is_sequence() || value.is(Kind::kObject) ||
         value.is(Kind::kLoop);
}

/// Jinja's undefined values have the method that it looks for, though a call raises an error.
bool is_callable(const Value& value) {
  return value.is(Kind::kFunction) || value.is(Kind::kLoop) || value.is(Kind::kUndefined);
}

constexpr std::array kTests = {
    Entry{"defined", 0, [](const Value& v, const Value*, Budget&) { return !v.is(Kind::kUndefined); }},
    Entry{"undefined", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kUndefined); }},
    Entry{"none", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kNone); }},
    Entry{"string", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kString); }},
    Entry{"mapping", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kObject); }},
    Entry{"boolean", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kBool); }},
    Entry{"integer", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kInteger); }},
    Entry{"float", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kFloat); }},
    Entry{"number", 0, [](const Value& v, const Value*, Budget&) { return v.is_number(); }},
    Entry{"true", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kBool) && v.is_true(); }},
    Entry{"false", 0, [](const Value& v, const Value*, Budget&) { return v.is(Kind::kBool) && !v.is_true(); }},
    Entry{"callable", 0, [](const Value& v, const Value*, Budget&) { return is_callable(v); }},
    Entry{"iterable", 0, [](const Value& v, const Value*, Budget&) { return is_iterable(v); }},
    Entry{"sequence", 0, [](const Value& v, const Value*, Budget&) { return is_iterable(v) && !v.is(Kind::kLoop); }},
    Entry{"odd", 0, [](const Value& v, const Value*, Budget&) { return divides(v, 2, 1); }},
    Entry{"even", 0, [](const Value& v, const Value*, Budget&) { return divides(v, 2, 0); }},
    Entry{"lower", 0, [](const Value& v, const Value*, Budget& budget) { return all_cased(v, false, budget); }},
    Entry{"upper", 0, [](const Value& v, const Value*, Budget& budget) { return all_cased(v, true, budget); }},
    Entry{"escaped", 0, [](const Value&, const Value*, Budget&) { return false; }},
    Entry{"divisibleby", 1,
          [](const Value& v, const Value* a, Budget&) {
            if (!a->is_integral()) unsupported_for("divisibility by a value", *a);
            return divides(v, a->as_integer(), 0);
          }},
    Entry{"sameas", 1, [](const Value& v, const Value* a, Budget&) { return v.is_same(*a); }},
    Entry{"in", 1, [](const Value& v, const Value* a, Budget& budget) { return contains(*a, v, budget); }},
    Entry{"filter", 0,
          [](const Value& v, const Value*, Budget&) { return is_filter(text_of(v, "the test \"filter\"")); }},
    Entry{"test", 0, [](const Value& v, const Value*, Budget&) { return is_test(text_of(v, "the test \"test\"")); }},
    Entry{"==", 1, comparison<'=', '='>},
    Entry{"eq", 1, comparison<'=', '='>},
    Entry{"equalto", 1, comparison<'=', '='>},
    Entry{"!=", 1, comparison<'!', '='>},
    Entry{"ne", 1, comparison<'!', '='>},
    Entry{">", 1, comparison<'>', '\0'>},
    Entry{"gt", 1, comparison<'>', '\0'>},
    Entry{"greaterthan", 1, comparison<'>', '\0'>},
    Entry{">=", 1, comparison<'>', '='>},
    Entry{"ge", 1, comparison<'>', '='>},
    Entry{"<", 1, comparison<'<', '\0'>},
    Entry{"lt", 1, comparison<'<', '\0'>},
    Entry{"lessthan", 1, comparison<'<', '\0'>},
    Entry{"<=", 1, comparison<'<', '='>},
    Entry{"le", 1, comparison<'<', '='>},
};

const Entry* find_test(std::string_view name) {
  const auto* const it = std::ranges::find(kTests, name, &Entry::name);
  return it == kTests.end() ? nullptr : it;
}

}  // namespace

bool is_test(std::string_view name) {
  return find_test(name) != nullptr;
}

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments, Budget& budget) {
  budget.step();
  const Entry* test = find_test(name);
  if (test == nullptr) throw_unsupported("the test \"" + name.substr(0, 40) + "\"");
  const auto given = static_cast<int>(arguments.values.size() + arguments.keywords.size());
  if (given != test->num_arguments || !arguments.keywords.empty()) {
    throw_unsupported("the test \"" + name + "\" with " + std::to_string(given) + " arguments");
  }
  if (value.is(Kind::kString)) budget.scan(value.text().size());
  return test->test(value, arguments.values.empty() ? nullptr : arguments.values.data(), budget);
}

}  // namespace xw::tokenizer::jinja
