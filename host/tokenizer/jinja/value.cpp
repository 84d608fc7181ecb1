// Values of the chat template language.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/value.hpp"

#include <algorithm>

#include "host/tokenizer/jinja/template.hpp"

namespace xw::tokenizer::jinja {

Value Value::undefined(std::string name) {
  Value value;
  value.text = std::move(name);
  return value;
}

Value Value::none() {
  Value value;
  value.kind = Kind::kNone;
  return value;
}

Value Value::boolean(bool truth) {
  Value value;
  value.kind = Kind::kBool;
  value.number = truth ? 1 : 0;
  return value;
}

Value Value::integer(std::int64_t number) {
  Value value;
  value.kind = Kind::kInteger;
  value.number = number;
  return value;
}

Value Value::string(std::string text) {
  Value value;
  value.kind = Kind::kString;
  value.text = std::move(text);
  return value;
}

Value Value::list(std::vector<Value> values) {
  Value value;
  value.kind = Kind::kList;
  value.items = std::move(values);
  return value;
}

Value Value::object(std::vector<std::pair<std::string, Value>> members) {
  Value value;
  value.kind = Kind::kObject;
  for (auto& [key, item] : members) value.set(key, std::move(item));
  return value;
}

bool Value::is_true() const {
  switch (kind) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInteger:
      return number != 0;
    case Kind::kString:
      return !text.empty();
    case Kind::kList:
    case Kind::kObject:
      return !items.empty();
  }
  return false;
}

std::string Value::to_text() const {
  switch (kind) {
    case Kind::kUndefined:
      return {};
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return number != 0 ? "True" : "False";
    case Kind::kInteger:
      return std::to_string(number);
    case Kind::kString:
      return text;
    case Kind::kList:
    case Kind::kObject:
      break;
  }
  throw_unsupported(std::string("printing a ") + kind_name());
}

const Value* Value::find(std::string_view key) const {
  const auto it = std::ranges::find(keys, key);
  return it == keys.end() ? nullptr : &items[static_cast<std::size_t>(it - keys.begin())];
}

void Value::set(const std::string& key, Value value) {
  const auto it = std::ranges::find(keys, key);
  if (it != keys.end()) {
    items[static_cast<std::size_t>(it - keys.begin())] = std::move(value);
  } else {
    keys.push_back(key);
    items.push_back(std::move(value));
  }
}

std::size_t Value::size() const {
  std::size_t total = 1 + text.size();
  for (const std::string& key : keys) total += key.size();
  for (const Value& item : items) total += item.size();
  return total;
}

const char* Value::kind_name() const {
  switch (kind) {
    case Kind::kUndefined:
      return "undefined value";
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return "boolean";
    case Kind::kInteger:
      return "integer";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return "list";
    case Kind::kObject:
      return "object";
  }
  return "value";
}

bool equal(const Value& a, const Value& b) {
  const auto is_number = [](const Value& v) { return v.is(Value::Kind::kBool) || v.is(Value::Kind::kInteger); };
  if (is_number(a) && is_number(b)) return a.number == b.number;
  if (a.kind != b.kind) return false;
  if (a.is(Value::Kind::kString)) return a.text == b.text;
  if (a.keys.size() != b.keys.size() || a.items.size() != b.items.size()) return false;
  if (a.is(Value::Kind::kObject)) {
    return std::ranges::all_of(a.keys, [&](const std::string& key) {
      const Value* other = b.find(key);
      return other != nullptr && equal(*a.find(key), *other);
    });
  }
  return std::ranges::equal(a.items, b.items, equal);
}

}  // namespace xw::tokenizer::jinja
