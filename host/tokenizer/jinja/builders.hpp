// Texts and lists that grow within a budget.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

/// What a value takes beside its text or items: control block, header.
inline constexpr std::size_t kValueOverhead = 96;

/// A text that is charged whenever its buffer grows, before it grows.
class TextBuilder {
 public:
  explicit TextBuilder(Budget& budget) : budget_(budget) {}

  /// Room for `bytes` more; makes one allocation of what would be several.
  void reserve(std::size_t bytes) {
    if (bytes <= text_.capacity() - text_.size()) return;
    const std::size_t wanted = std::max(text_.size() + bytes, 2 * text_.capacity());
    budget_.allocate(wanted + 1);
    text_.reserve(wanted);
  }
  void append(std::string_view part) {
    reserve(part.size());
    unpaid_ += part.size();
    if (unpaid_ >= 32) {  // many short parts cost as much as one long one
      budget_.step(unpaid_ / 32);
      unpaid_ %= 32;
    }
    text_.append(part);
  }
  /// `part` `count` times.
  void repeat(std::string_view part, std::size_t count) {
    if (part.empty()) return;
    if (count > SIZE_MAX / part.size()) budget_.allocate(UINT64_MAX);  // throws
    reserve(part.size() * count);
    budget_.scan(part.size() * count);
    for (std::size_t i = 0; i < count; ++i) text_.append(part);
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string take() { return std::move(text_); }
  [[nodiscard]] Value value() {
    budget_.allocate(kValueOverhead);
    return Value::string(std::move(text_));
  }

 private:
  Budget& budget_;
  std::string text_;
  std::size_t unpaid_ = 0;  ///< bytes for which no step has been charged
};

/// A list that is charged whenever its buffer grows, before it grows.
class ListBuilder {
 public:
  explicit ListBuilder(Budget& budget) : budget_(budget) {}

  void reserve(std::size_t count) {
    if (count <= items_.capacity() - items_.size()) return;
    const std::size_t wanted = std::max(items_.size() + count, 2 * items_.capacity());
    budget_.allocate(wanted * sizeof(Value));
    items_.reserve(wanted);
  }
  void push(Value value) {
    budget_.step();
    reserve(1);
    items_.push_back(std::move(value));
  }
  void append(const std::vector<Value>& values) {
    budget_.step(values.size());
    reserve(values.size());
    items_.insert(items_.end(), values.begin(), values.end());
  }
  [[nodiscard]] std::vector<Value>& items() { return items_; }
  [[nodiscard]] std::vector<Value> take() { return std::move(items_); }
  [[nodiscard]] Value list() {
    budget_.allocate(kValueOverhead);
    return Value::list(std::move(items_));
  }
  [[nodiscard]] Value tuple() {
    budget_.allocate(kValueOverhead);
    return Value::tuple(std::move(items_));
  }

 private:
  Budget& budget_;
  std::vector<Value> items_;
};

/// A dict: a key that is there already keeps its place and gets the new value.
class ObjectBuilder {
 public:
  explicit ObjectBuilder(Budget& budget) : budget_(budget) {}
  void set(const Value& key, Value value);
  [[nodiscard]] std::vector<Member> take() { return std::move(members_); }
  [[nodiscard]] Value object() {
    budget_.allocate(kValueOverhead);
    return Value::object(std::move(members_));
  }

 private:
  Budget& budget_;
  std::vector<Member> members_;
};

/// An undefined value; lists may hold many of them.
[[nodiscard]] inline Value undefined_value(std::string_view name, Budget& budget) {
  budget.allocate(kValueOverhead + name.size());
  return Value::undefined(name);
}

/// A text value of a part of another text.
[[nodiscard]] inline Value text_value(std::string_view text, Budget& budget) {
  TextBuilder builder(budget);
  builder.append(text);
  return builder.value();
}

}  // namespace xw::tokenizer::jinja
