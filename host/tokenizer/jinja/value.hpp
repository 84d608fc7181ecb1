// Values of the chat template language.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"

namespace xw::tokenizer::jinja {

class Value;
struct Function;   // functions.hpp
struct LoopState;  // access.hpp
using Member = std::pair<Value, Value>;

/// A Python value as templates see it. Texts, lists, tuples and objects cannot change and are shared between copies, so
/// a copy costs nothing; a namespace is shared and can change. Nesting is bounded, and nothing contains itself.
class Value {
 public:
  enum class Kind : std::uint8_t {
    kUndefined,
    kNone,
    kBool,
    kInteger,
    kFloat,
    kString,
    kList,
    kTuple,
    kObject,  ///< dict; keeps the order of its keys
    kNamespace,
    kLoop,
    kFunction,
  };

  Value() = default;
  /// `name`: what was looked up, for messages.
  [[nodiscard]] static Value undefined(std::string_view name);
  [[nodiscard]] static Value none();
  [[nodiscard]] static Value boolean(bool value);
  [[nodiscard]] static Value integer(std::int64_t value);
  [[nodiscard]] static Value real(double value);
  // The caller accounts for the memory of these (see builders.hpp). Lists, tuples and objects throw Error{kUnsupported}
  // if they nest deeper than kMaxNesting.
  [[nodiscard]] static Value string(std::string value);
  [[nodiscard]] static Value list(std::vector<Value> values);
  [[nodiscard]] static Value tuple(std::vector<Value> values);
  [[nodiscard]] static Value object(std::vector<Member> members);
  /// For contexts that are built in C++: keys are texts.
  [[nodiscard]] static Value object(std::vector<std::pair<std::string, Value>> members);
  [[nodiscard]] static Value name_space(std::vector<Member> members);
  [[nodiscard]] static Value function(Function function);
  [[nodiscard]] static Value loop(std::shared_ptr<LoopState> state);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind wanted) const { return kind_ == wanted; }
  [[nodiscard]] bool is_sequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }
  [[nodiscard]] bool is_number() const {
    return kind_ == Kind::kBool || kind_ == Kind::kInteger || kind_ == Kind::kFloat;
  }
  [[nodiscard]] bool is_integral() const { return kind_ == Kind::kBool || kind_ == Kind::kInteger; }
  /// As `if` sees it.
  [[nodiscard]] bool is_true() const;
  [[nodiscard]] std::int64_t as_integer() const { return integer_; }  ///< kBool, kInteger
  [[nodiscard]] double as_real() const;                               ///< kBool, kInteger, kFloat
  [[nodiscard]] const std::string& text() const;                      ///< kString; kUndefined: the name
  [[nodiscard]] const std::vector<Value>& items() const;              ///< kList, kTuple
  [[nodiscard]] const std::vector<Member>& members() const;           ///< kObject, kNamespace
  [[nodiscard]] const Function& as_function() const;                  ///< kFunction
  [[nodiscard]] LoopState& as_loop() const;                           ///< kLoop
  /// The same object in memory (Python's `is`).
  [[nodiscard]] bool is_same(const Value& other) const;
  /// The value of a key of an object or namespace, or null.
  [[nodiscard]] const Value* find(const Value& key, Budget& budget) const;
  /// Sets an attribute of a namespace. Throws Error{kUnsupported} for a value that holds a namespace or a loop.
  void set(std::string_view key, const Value& value, Budget& budget) const;
  /// Whether a namespace or loop is in it: nothing that changes may hold it, or it could come to hold itself.
  [[nodiscard]] bool holds_changeable() const;
  /// Kind as written in messages.
  [[nodiscard]] const char* kind_name() const;

 private:
  struct Items;
  struct Members;
  [[nodiscard]] int depth() const;

  Kind kind_ = Kind::kUndefined;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
  std::shared_ptr<const void> data_;
};

inline constexpr int kMaxNesting = 100;

/// ==. Throws when the budget ends.
[[nodiscard]] bool equal(const Value& a, const Value& b, Budget& budget);
/// Negative, zero or positive, as < and sorting see it. Throws Error{kUnsupported} for values without an order.
[[nodiscard]] int compare(const Value& a, const Value& b, Budget& budget);

/// Throws Error{kUnsupported}: "chat template: <what> is not supported".
[[noreturn]] void throw_unsupported(const std::string& what);
/// Throws Error{kInvalidArgument}: "chat template: "<name>" is undefined".
[[noreturn]] void throw_undefined(const Value& value);

}  // namespace xw::tokenizer::jinja
