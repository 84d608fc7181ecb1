// Values of the chat template language.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/value.hpp"

#include <algorithm>
#include <cmath>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/functions.hpp"

namespace xw::tokenizer::jinja {

struct Value::Items {
  std::vector<Value> values;
  int depth = 1;
  bool holds_changeable = false;
};

struct Value::Members {
  std::vector<Member> values;
  int depth = 1;
  bool holds_changeable = false;
};

namespace {

void check_depth(int depth) {
  if (depth > kMaxNesting) throw_unsupported("a value that nests deeper than " + std::to_string(kMaxNesting));
}

int sign(double difference) {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

/// Numbers of any kind; integers that a double cannot hold keep their order.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer() ? 1 : 0;
  }
  return sign(a.as_real() - b.as_real());
}

bool equal_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.as_integer() == b.as_integer();
  return a.as_real() == b.as_real();
}

}  // namespace

Value Value::undefined(std::string_view name) {
  Value value;
  value.data_ = std::make_shared<const std::string>(name);
  return value;
}

Value Value::none() {
  Value value;
  value.kind_ = Kind::kNone;
  return value;
}

Value Value::boolean(bool truth) {
  Value value;
  value.kind_ = Kind::kBool;
  value.integer_ = truth ? 1 : 0;
  return value;
}

Value Value::integer(std::int64_t number) {
  Value value;
  value.kind_ = Kind::kInteger;
  value.integer_ = number;
  return value;
}

Value Value::real(double number) {
  Value value;
  value.kind_ = Kind::kFloat;
  value.real_ = number;
  return value;
}

Value Value::string(std::string text) {
  Value value;
  value.kind_ = Kind::kString;
  value.data_ = std::make_shared<const std::string>(std::move(text));
  return value;
}

Value Value::list(std::vector<Value> values) {
  auto items = std::make_shared<Items>();
  for (const Value& item : values) {
    items->depth = std::max(items->depth, item.depth() + 1);
    items->holds_changeable = items->holds_changeable || item.holds_changeable();
  }
  check_depth(items->depth);
  items->values = std::move(values);
  Value value;
  value.kind_ = Kind::kList;
  value.data_ = std::move(items);
  return value;
}

Value Value::tuple(std::vector<Value> values) {
  Value value = list(std::move(values));
  value.kind_ = Kind::kTuple;
  return value;
}

Value Value::object(std::vector<Member> members) {
  auto data = std::make_shared<Members>();
  for (const auto& [key, item] : members) {
    data->depth = std::max({data->depth, key.depth() + 1, item.depth() + 1});
    data->holds_changeable = data->holds_changeable || item.holds_changeable();
  }
  check_depth(data->depth);
  data->values = std::move(members);
  Value value;
  value.kind_ = Kind::kObject;
  value.data_ = std::move(data);
  return value;
}

Value Value::object(std::vector<std::pair<std::string, Value>> members) {
  std::vector<Member> values;
  values.reserve(members.size());
  for (auto& [key, value] : members) values.emplace_back(string(std::move(key)), std::move(value));
  return object(std::move(values));
}

Value Value::name_space(std::vector<Member> members) {
  Value value = object(std::move(members));
  value.kind_ = Kind::kNamespace;
  return value;
}

Value Value::function(Function function) {
  Value value;
  value.kind_ = Kind::kFunction;
  value.data_ = std::make_shared<const Function>(std::move(function));
  return value;
}

Value Value::loop(std::shared_ptr<LoopState> state) {
  Value value;
  value.kind_ = Kind::kLoop;
  value.data_ = std::move(state);
  return value;
}

bool Value::is_true() const {
  switch (kind_) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInteger:
      return integer_ != 0;
    case Kind::kFloat:
      return real_ != 0;
    case Kind::kString:
      return !text().empty();
    case Kind::kList:
    case Kind::kTuple:
      return !items().empty();
    case Kind::kObject:
      return !members().empty();
    case Kind::kNamespace:
    case Kind::kLoop:
    case Kind::kFunction:
      return true;
  }
  return false;
}

double Value::as_real() const {
  return kind_ == Kind::kFloat ? real_ : static_cast<double>(integer_);
}

const std::string& Value::text() const {
  static const std::string kEmpty;
  return data_ != nullptr ? *static_cast<const std::string*>(data_.get()) : kEmpty;
}

const std::vector<Value>& Value::items() const {
  return static_cast<const Items*>(data_.get())->values;
}

const std::vector<Member>& Value::members() const {
  return static_cast<const Members*>(data_.get())->values;
}

const Function& Value::as_function() const {
  return *static_cast<const Function*>(data_.get());
}

LoopState& Value::as_loop() const {
  // A loop is made from a pointer to what can change.
  return *const_cast<LoopState*>(static_cast<const LoopState*>(data_.get()));
}

bool Value::is_same(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (data_ != nullptr && kind_ != Kind::kString) return data_ == other.data_;
  if (kind_ == Kind::kString) return data_ == other.data_ || text() == other.text();  // CPython interns short texts
  return kind_ == Kind::kFloat ? real_ == other.real_ : integer_ == other.integer_;
}

const Value* Value::find(const Value& key, Budget& budget) const {
  for (const auto& [name, value] : members()) {
    if (equal(name, key, budget)) return &value;
  }
  return nullptr;
}

void Value::set(std::string_view key, const Value& value, Budget& budget) const {
  if (value.holds_changeable()) throw_unsupported("a namespace or loop inside a namespace");
  // A namespace is made from a pointer to what can change.
  auto& data = *const_cast<Members*>(static_cast<const Members*>(data_.get()));
  data.depth = std::max(data.depth, value.depth() + 1);
  check_depth(data.depth);
  for (auto& [name, old] : data.values) {
    budget.scan(key.size());
    if (name.is(Kind::kString) && name.text() == key) {
      old = value;
      return;
    }
  }
  budget.allocate(3 * sizeof(Member) + key.size() + 64);  // a vector may grow to twice its size, and copies itself
  data.values.emplace_back(string(std::string(key)), value);
}

int Value::depth() const {
  switch (kind_) {
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<const Items*>(data_.get())->depth;
    case Kind::kObject:
    case Kind::kNamespace:
      return static_cast<const Members*>(data_.get())->depth;
    case Kind::kFunction:
      return as_function().self.depth() + 1;
    default:
      return 0;
  }
}

bool Value::holds_changeable() const {
  switch (kind_) {
    case Kind::kNamespace:
    case Kind::kLoop:
      return true;
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<const Items*>(data_.get())->holds_changeable;
    case Kind::kObject:
      return static_cast<const Members*>(data_.get())->holds_changeable;
    case Kind::kFunction:
      return as_function().self.holds_changeable();
    default:
      return false;
  }
}

const char* Value::kind_name() const {
  switch (kind_) {
    case Kind::kUndefined:
      return "undefined value";
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return "boolean";
    case Kind::kInteger:
      return "integer";
    case Kind::kFloat:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kObject:
      return "object";
    case Kind::kNamespace:
      return "namespace";
    case Kind::kLoop:
      return "loop";
    case Kind::kFunction:
      return "function";
  }
  return "value";
}

bool equal(const Value& a, const Value& b, Budget& budget) {
  using Kind = Value::Kind;
  budget.step();
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      if (a.text().size() != b.text().size()) return false;
      budget.scan(a.text().size());
      return a.text() == b.text();
    case Kind::kList:
    case Kind::kTuple:
      return a.items().size() == b.items().size() &&
             std::equal(a.items().begin(), a.items().end(), b.items().begin(),
                        [&](const Value& x, const Value& y) { return equal(x, y, budget); });
    case Kind::kObject:
      return a.members().size() == b.members().size() && std::ranges::all_of(a.members(), [&](const Member& member) {
               const Value* other = b.find(member.first, budget);
               return other != nullptr && equal(member.second, *other, budget);
             });
    default:
      return a.is_same(b);
  }
}

int compare(const Value& a, const Value& b, Budget& budget) {
  using Kind = Value::Kind;
  budget.step();
  if (a.is(Kind::kUndefined)) throw_undefined(a);
  if (b.is(Kind::kUndefined)) throw_undefined(b);
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.is(Kind::kString) && b.is(Kind::kString)) {  // the order of UTF-8 is that of code points
    budget.scan(std::min(a.text().size(), b.text().size()));
    return a.text().compare(b.text());
  }
  if (a.is_sequence() && a.kind() == b.kind()) {
    const std::size_t count = std::min(a.items().size(), b.items().size());
    for (std::size_t i = 0; i < count; ++i) {
      if (!equal(a.items()[i], b.items()[i], budget)) return compare(a.items()[i], b.items()[i], budget);
    }
    return sign(static_cast<double>(a.items().size()) - static_cast<double>(b.items().size()));
  }
  throw_unsupported("an order between a " + std::string(a.kind_name()) + " and a " + b.kind_name());
}

void throw_unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, "chat template: " + what + " is not supported");
}

void throw_undefined(const Value& value) {
  throw Error(ErrorCode::kInvalidArgument, "chat template: \"" + value.text().substr(0, 80) + "\" is undefined");
}

}  // namespace xw::tokenizer::jinja
