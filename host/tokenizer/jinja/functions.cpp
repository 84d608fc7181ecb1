// Arguments of calls, and the global functions of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/functions.hpp"

#include <algorithm>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/text.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

constexpr std::uint64_t kMaxRange = 100'000;  // as in Jinja's sandbox

Value range(const Arguments& arguments, Budget& budget) {
  std::vector<std::int64_t> numbers;
  for (const Value& value : arguments.values) {
    if (!value.is_integral()) unsupported_for("range()", value);
    numbers.push_back(value.as_integer());
  }
  if (numbers.empty() || numbers.size() > 3 || !arguments.keywords.empty()) {
    throw_unsupported("range() without one to three numbers");
  }
  const std::int64_t begin = numbers.size() > 1 ? numbers[0] : 0;
  const std::int64_t end = numbers.size() > 1 ? numbers[1] : numbers[0];
  const std::int64_t step = numbers.size() > 2 ? numbers[2] : 1;
  if (step == 0) throw_unsupported("a range() with step 0");
  const bool empty = step > 0 ? begin >= end : begin <= end;
  // In unsigned arithmetic: the distance of two 64-bit integers may not fit a signed one.
  const auto distance = step > 0 ? static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(begin)
                                 : static_cast<std::uint64_t>(begin) - static_cast<std::uint64_t>(end);
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = empty ? 0 : (distance - 1) / stride + 1;
  if (count > kMaxRange) throw_unsupported("a range() of more than " + std::to_string(kMaxRange) + " numbers");
  ListBuilder list(budget);
  list.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t number = static_cast<std::uint64_t>(begin) + i * static_cast<std::uint64_t>(step);
    list.push(Value::integer(static_cast<std::int64_t>(number)));
  }
  return list.list();
}

/// dict() and namespace(): members of a first argument (an object or pairs), then the keyword arguments.
std::vector<Member> members_of(const std::string& name, const Arguments& arguments, Budget& budget) {
  ObjectBuilder object(budget);
  if (arguments.values.size() > 1) throw_unsupported(name + "() of more than one value");
  if (!arguments.values.empty()) {
    const Value& first = arguments.values[0];
    if (first.is(Kind::kObject)) {
      for (const auto& [key, value] : first.members()) object.set(key, value);
    } else {
      for (const Value& pair : iterate(first, budget)) {
        if (!pair.is_sequence() || pair.items().size() != 2) throw_unsupported(name + "() of values that are no pairs");
        object.set(pair.items()[0], pair.items()[1]);
      }
    }
  }
  for (const auto& [key, value] : arguments.keywords) object.set(text_value(key, budget), value);
  return object.take();
}

}  // namespace

Parameters::Parameters(const Arguments& arguments, const std::string& what,
                       std::initializer_list<std::string_view> names, std::size_t required)
    : what_(what), values_(names.size()) {
  if (arguments.values.size() > names.size()) {
    throw_unsupported(what + " with more than " + std::to_string(names.size()) + " arguments");
  }
  for (std::size_t i = 0; i < arguments.values.size(); ++i) values_[i] = &arguments.values[i];
  for (const auto& [name, value] : arguments.keywords) {
    const auto* const it = std::ranges::find(names, name);
    if (it == names.end() || values_[static_cast<std::size_t>(it - names.begin())] != nullptr) {
      throw_unsupported(what + " with the argument \"" + name.substr(0, 40) + "\"");
    }
    values_[static_cast<std::size_t>(it - names.begin())] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) throw_unsupported(what + " without \"" + std::string(names.begin()[i]) + "\"");
  }
}

const std::string& Parameters::text(std::size_t index) const {
  static const std::string kEmpty;
  return values_[index] != nullptr ? text_of(*values_[index], what_) : kEmpty;
}

std::int64_t Parameters::integer(std::size_t index, std::int64_t absent) const {
  if (values_[index] == nullptr || values_[index]->is(Kind::kNone)) return absent;
  if (!values_[index]->is_integral()) unsupported_for(what_, *values_[index]);
  return values_[index]->as_integer();
}

bool Parameters::truth(std::size_t index, bool absent) const {
  return values_[index] != nullptr ? values_[index]->is_true() : absent;
}

bool is_function(std::string_view name) {
  return name == "raise_exception" || name == "namespace" || name == "dict" || name == "range";
}

Value call_function(const std::string& name, const Arguments& arguments, Budget& budget) {
  if (name == "raise_exception") {
    const std::string reason = arguments.values.empty() ? "(no reason given)" : to_text(arguments.values[0], budget);
    throw Error(ErrorCode::kInvalidArgument, "the chat template refuses the conversation: " + reason);
  }
  if (name == "range") return range(arguments, budget);
  std::vector<Member> members = members_of(name, arguments, budget);
  budget.allocate(kValueOverhead);
  if (name == "dict") return Value::object(std::move(members));
  if (name == "namespace") return Value::name_space(std::move(members));
  throw_unsupported("the function \"" + name + "\"");
}

const std::string& text_of(const Value& value, const std::string& what) {
  if (!value.is(Kind::kString)) unsupported_for(what, value);
  return value.text();
}

void unsupported_for(const std::string& what, const Value& value) {
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  throw_unsupported(what + " of a " + value.kind_name());
}

}  // namespace xw::tokenizer::jinja
