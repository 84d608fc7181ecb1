// Values of the chat template language.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xw::tokenizer::jinja {

/// A plain value: copies are deep. Objects keep the order of their keys.
struct Value {
  enum class Kind { kUndefined, kNone, kBool, kInteger, kString, kList, kObject };

  Kind kind = Kind::kUndefined;
  std::int64_t number = 0;        ///< kInteger, kBool
  std::string text;               ///< kString; kUndefined: the name that was looked up
  std::vector<std::string> keys;  ///< kObject
  std::vector<Value> items;       ///< kList; kObject: the values of `keys`

  [[nodiscard]] static Value undefined(std::string name);
  [[nodiscard]] static Value none();
  [[nodiscard]] static Value boolean(bool value);
  [[nodiscard]] static Value integer(std::int64_t value);
  [[nodiscard]] static Value string(std::string value);
  [[nodiscard]] static Value list(std::vector<Value> values);
  [[nodiscard]] static Value object(std::vector<std::pair<std::string, Value>> members);

  [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
  [[nodiscard]] bool is_true() const;
  /// As the language prints it; undefined is "". Lists and objects have no text form here (throws).
  [[nodiscard]] std::string to_text() const;
  /// Member of an object, or null.
  [[nodiscard]] const Value* find(std::string_view key) const;
  void set(const std::string& key, Value value);
  /// What is inside, for limits: bytes of text and number of values.
  [[nodiscard]] std::size_t size() const;
  /// Kind as written in messages.
  [[nodiscard]] const char* kind_name() const;
};

[[nodiscard]] bool equal(const Value& a, const Value& b);

}  // namespace xw::tokenizer::jinja
