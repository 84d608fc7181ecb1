// Filters, tests, functions and methods of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/functions.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/template.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

constexpr std::int64_t kMaxRange = 10000;

[[noreturn]] void unsupported_for(const std::string& what, const Value& value) {
  throw_unsupported(what + " of a " + value.kind_name());
}

const std::string& text_of(const Value& value, const std::string& what) {
  if (!value.is(Kind::kString)) unsupported_for(what, value);
  return value.text;
}

/// Removes characters at the ends: white space, or those of the argument.
std::string strip(const std::string& text, const Arguments& arguments, bool left, bool right) {
  const std::string* set = arguments.values.empty() || arguments.values[0].is(Kind::kNone)
                               ? nullptr
                               : &text_of(arguments.values[0], "strip()");
  const auto goes = [&](std::size_t pos, std::size_t length) {
    if (set != nullptr) return set->find(text.substr(pos, length)) != std::string::npos;
    return is_white_space(utf8_at(text, pos).code_point);
  };
  std::size_t begin = 0;
  std::size_t end = 0;
  bool leading = left;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t length = utf8_at(text, pos).length;
    if (!goes(pos, length)) {
      leading = false;
      end = pos + length;
    } else if (leading) {
      begin = pos + length;
    }
    pos += length;
  }
  if (!right) end = text.size();
  return begin >= end ? std::string() : text.substr(begin, end - begin);
}

std::string change_case(std::string text, bool upper) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) throw_unsupported("changing the case of text beyond ASCII");
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::int64_t length_of(const Value& value) {
  if (value.is(Kind::kList) || value.is(Kind::kObject)) return static_cast<std::int64_t>(value.items.size());
  const std::string& text = text_of(value, "the length");
  std::int64_t count = 0;
  for (std::size_t pos = 0; pos < text.size(); pos += utf8_at(text, pos).length) ++count;
  return count;
}

Value split(const std::string& text, const Arguments& arguments) {
  if (arguments.values.size() != 1) throw_unsupported("split() without exactly one separator");
  const std::string& separator = text_of(arguments.values[0], "split()");
  if (separator.empty()) throw_unsupported("split() by an empty separator");
  std::vector<Value> parts;
  for (std::size_t pos = 0;;) {
    const std::size_t hit = text.find(separator, pos);
    parts.push_back(Value::string(text.substr(pos, hit == std::string::npos ? hit : hit - pos)));
    if (hit == std::string::npos) return Value::list(std::move(parts));
    pos = hit + separator.size();
  }
}

Value replace(const std::string& text, const Arguments& arguments) {
  if (arguments.values.size() != 2) throw_unsupported("replace() without exactly two arguments");
  const std::string& from = text_of(arguments.values[0], "replace()");
  if (from.empty()) throw_unsupported("replace() of an empty text");
  return Value::string(replace_all(text, from, text_of(arguments.values[1], "replace()")));
}

Value join(const Value& value, const Arguments& arguments) {
  if (!value.is(Kind::kList)) unsupported_for("join", value);
  const std::string separator = arguments.values.empty() ? "" : text_of(arguments.values[0], "join");
  std::string text;
  for (std::size_t i = 0; i < value.items.size(); ++i) text += (i == 0 ? "" : separator) + value.items[i].to_text();
  return Value::string(std::move(text));
}

Value pairs_of(const Value& object) {
  std::vector<Value> pairs;
  for (std::size_t i = 0; i < object.keys.size(); ++i)
    pairs.push_back(Value::list({Value::string(object.keys[i]), object.items[i]}));
  return Value::list(std::move(pairs));
}

Value range(const Arguments& arguments) {
  std::vector<std::int64_t> numbers;
  for (const Value& value : arguments.values) {
    if (!value.is(Kind::kInteger)) unsupported_for("range()", value);
    numbers.push_back(value.number);
  }
  if (numbers.empty() || numbers.size() > 2) throw_unsupported("range() without one or two arguments");
  const std::int64_t begin = numbers.size() == 2 ? numbers[0] : 0;
  const std::int64_t end = numbers.back();
  std::vector<Value> values;
  for (std::int64_t i = begin; i < end; ++i) {
    if (values.size() >= static_cast<std::size_t>(kMaxRange))
      throw_unsupported("a range() of more than " + std::to_string(kMaxRange) + " numbers");
    values.push_back(Value::integer(i));
  }
  return Value::list(std::move(values));
}

/// selectattr, rejectattr: the objects of a list whose member passes a test (or is true, without one).
Value select(const Value& value, const Arguments& arguments, bool wanted) {
  if (!value.is(Kind::kList) || arguments.values.empty()) throw_unsupported("this form of selectattr");
  const std::string& key = text_of(arguments.values[0], "selectattr");
  Arguments rest;
  for (std::size_t i = 2; i < arguments.values.size(); ++i) rest.values.push_back(arguments.values[i]);
  std::vector<Value> kept;
  for (const Value& item : value.items) {
    const Value* found = item.find(key);
    const Value tested = found != nullptr ? *found : Value::undefined(key);
    const bool passes = arguments.values.size() < 2
                            ? tested.is_true()
                            : apply_test(text_of(arguments.values[1], "selectattr"), tested, rest);
    if (passes == wanted) kept.push_back(item);
  }
  return Value::list(std::move(kept));
}

bool contains(const Value& container, const Value& item) {
  if (container.is(Kind::kString)) return container.text.find(text_of(item, "\"in\" a string")) != std::string::npos;
  if (container.is(Kind::kList))
    return std::ranges::any_of(container.items, [&](const Value& value) { return equal(value, item); });
  if (container.is(Kind::kObject)) return item.is(Kind::kString) && container.find(item.text) != nullptr;
  unsupported_for("\"in\"", container);
}

Value arithmetic(const std::string& op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "//" || op == "%") {  // rounds down
    if (b == 0 || b == -1) throw_unsupported("division by " + std::to_string(b));
    const std::int64_t quotient = a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
    result = op == "//" ? quotient : a - quotient * b;
    return Value::integer(result);
  }
  const bool overflow = op == "+"   ? __builtin_add_overflow(a, b, &result)
                        : op == "-" ? __builtin_sub_overflow(a, b, &result)
                        : op == "*" ? __builtin_mul_overflow(a, b, &result)
                                    : true;
  if (overflow) throw_unsupported("the operator " + op + " of these integers");
  return Value::integer(result);
}

bool compare(const std::string& op, const Value& left, const Value& right) {
  int order = 0;
  if (left.is(Kind::kInteger) && right.is(Kind::kInteger)) {
    order = left.number < right.number ? -1 : left.number > right.number ? 1 : 0;
  } else if (left.is(Kind::kString) && right.is(Kind::kString)) {
    order = left.text.compare(right.text);
  } else {
    throw_unsupported("the operator " + op + " between a " + left.kind_name() + " and a " + right.kind_name());
  }
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  return op == "<=" ? order <= 0 : order >= 0;
}

}  // namespace

Value apply_operator(const std::string& op, const Value& left, const Value& right) {
  if (op == "==") return Value::boolean(equal(left, right));
  if (op == "!=") return Value::boolean(!equal(left, right));
  if (op == "in") return Value::boolean(contains(right, left));
  if (op == "not in") return Value::boolean(!contains(right, left));
  if (op == "~") return Value::string(left.to_text() + right.to_text());
  if (op == "<" || op == ">" || op == "<=" || op == ">=") return Value::boolean(compare(op, left, right));
  if (left.is(Kind::kUndefined) || right.is(Kind::kUndefined)) {
    throw Error(ErrorCode::kInvalidArgument,
                "chat template: \"" + (left.is(Kind::kUndefined) ? left.text : right.text) + "\" is undefined");
  }
  if (op == "+" && left.is(Kind::kString) && right.is(Kind::kString)) return Value::string(left.text + right.text);
  if (op == "+" && left.is(Kind::kList) && right.is(Kind::kList)) {
    Value sum = left;
    sum.items.insert(sum.items.end(), right.items.begin(), right.items.end());
    return sum;
  }
  if (left.is(Kind::kInteger) && right.is(Kind::kInteger)) return arithmetic(op, left.number, right.number);
  throw_unsupported("the operator " + op + " between a " + left.kind_name() + " and a " + right.kind_name());
}

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  if (name == "trim") {
    return Value::string(strip(value.is(Kind::kUndefined) ? std::string() : value.to_text(), arguments, true, true));
  }
  if (name == "length" || name == "count") return Value::integer(length_of(value));
  if (name == "upper" || name == "lower") return Value::string(change_case(text_of(value, name), name == "upper"));
  if (name == "string") return Value::string(value.to_text());
  if (name == "selectattr" || name == "rejectattr") return select(value, arguments, name == "selectattr");
  if (name == "join") return join(value, arguments);
  if (name == "replace") return replace(text_of(value, name), arguments);
  if (name == "list" && value.is(Kind::kList)) return value;
  if (name == "items" && value.is(Kind::kObject)) return pairs_of(value);
  if (name == "default" || name == "d") {
    const bool also_false = arguments.values.size() > 1 && arguments.values[1].is_true();
    const bool missing = value.is(Kind::kUndefined) || (also_false && !value.is_true());
    if (!missing) return value;
    return arguments.values.empty() ? Value::string("") : arguments.values[0];
  }
  if ((name == "first" || name == "last") && value.is(Kind::kList)) {
    if (value.items.empty()) return Value::undefined(name);
    return name == "first" ? value.items.front() : value.items.back();
  }
  throw_unsupported("the filter \"" + name + "\" of a " + value.kind_name());
}

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  if (name == "defined") return !value.is(Kind::kUndefined);
  if (name == "undefined") return value.is(Kind::kUndefined);
  if (name == "none") return value.is(Kind::kNone);
  if (name == "string") return value.is(Kind::kString);
  if (name == "mapping") return value.is(Kind::kObject);
  if (name == "iterable" || name == "sequence")
    return value.is(Kind::kString) || value.is(Kind::kList) || value.is(Kind::kObject);
  if (name == "boolean") return value.is(Kind::kBool);
  if (name == "integer") return value.is(Kind::kInteger);
  if (name == "number") return value.is(Kind::kInteger) || value.is(Kind::kBool);
  if (name == "true" || name == "false") return value.is(Kind::kBool) && value.is_true() == (name == "true");
  if ((name == "equalto" || name == "eq") && arguments.values.size() == 1) return equal(value, arguments.values[0]);
  if ((name == "odd" || name == "even") && value.is(Kind::kInteger)) return (value.number % 2 != 0) == (name == "odd");
  throw_unsupported("the test \"" + name + "\" of a " + value.kind_name());
}

Value call_method(const std::string& name, const Value& value, const Arguments& arguments) {
  if (value.is(Kind::kString)) {
    if (name == "strip") return Value::string(strip(value.text, arguments, true, true));
    if (name == "lstrip") return Value::string(strip(value.text, arguments, true, false));
    if (name == "rstrip") return Value::string(strip(value.text, arguments, false, true));
    if (name == "upper" || name == "lower") return Value::string(change_case(value.text, name == "upper"));
    if (name == "split") return split(value.text, arguments);
    if (name == "replace") return replace(value.text, arguments);
    if ((name == "startswith" || name == "endswith") && arguments.values.size() == 1) {
      const std::string& part = text_of(arguments.values[0], name);
      return Value::boolean(name == "startswith" ? value.text.starts_with(part) : value.text.ends_with(part));
    }
  }
  if (value.is(Kind::kObject)) {
    if (name == "items") return pairs_of(value);
    if (name == "get" && !arguments.values.empty()) {
      const Value* found = value.find(text_of(arguments.values[0], name));
      if (found != nullptr) return *found;
      return arguments.values.size() > 1 ? arguments.values[1] : Value::none();
    }
  }
  throw_unsupported("the method \"" + name + "\" of a " + value.kind_name());
}

bool is_function(const std::string& name) {
  return name == "raise_exception" || name == "namespace" || name == "dict" || name == "range";
}

Value call_function(const std::string& name, Arguments arguments) {
  if (name == "raise_exception") {
    const std::string reason = arguments.values.empty() ? "(no reason given)" : arguments.values[0].to_text();
    throw Error(ErrorCode::kInvalidArgument, "the chat template refuses the conversation: " + reason);
  }
  if (name == "namespace" || name == "dict") return Value::object(std::move(arguments.keywords));
  if (name == "range") return range(arguments);
  throw_unsupported("the function \"" + name + "\"");
}

}  // namespace xw::tokenizer::jinja
