// Filters, tests, functions and methods of chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

struct MacroScope;  // evaluator.hpp

/// Something that can be called: a method of `self`, a global function, or a macro.
struct Function {
  enum class Kind { kGlobal, kMethod, kMacro };
  Kind kind = Kind::kGlobal;
  std::string name;
  Value self;                         ///< kMethod
  const MacroScope* macro = nullptr;  ///< kMacro; owned by the rendering
};

/// Arguments of a call, without the value that a filter, test or method belongs to.
struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> keywords;
};

/// Arguments by the names of their parameters. Throws Error{kUnsupported} for too many, unknown and missing ones.
class Parameters {
 public:
  /// `what`: whose arguments, for messages; the first `required` parameters must be given.
  Parameters(const Arguments& arguments, const std::string& what, std::initializer_list<std::string_view> names,
             std::size_t required = 0);
  /// The argument or null.
  [[nodiscard]] const Value* operator[](std::size_t index) const { return values_[index]; }
  /// Typed ones; throw Error{kUnsupported} for values of another kind.
  [[nodiscard]] const std::string& text(std::size_t index) const;
  [[nodiscard]] std::int64_t integer(std::size_t index, std::int64_t absent) const;
  [[nodiscard]] bool truth(std::size_t index, bool absent) const;

 private:
  std::string what_;
  std::vector<const Value*> values_;
};

// Values of kinds that they do not take and unknown names are Error{kUnsupported}; all charge the budget.
[[nodiscard]] Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments,
                                 Budget& budget);
[[nodiscard]] bool apply_test(const std::string& name, const Value& value, const Arguments& arguments, Budget& budget);
[[nodiscard]] bool is_filter(std::string_view name);
[[nodiscard]] bool is_test(std::string_view name);
[[nodiscard]] bool is_method(const Value& value, std::string_view name);
[[nodiscard]] bool is_function(std::string_view name);
[[nodiscard]] Value call_method(const std::string& name, const Value& self, const Arguments& arguments, Budget& budget);
/// raise_exception throws Error{kInvalidArgument} with the template's message.
[[nodiscard]] Value call_function(const std::string& name, const Arguments& arguments, Budget& budget);

/// The text of a value of kind string, or Error{kUnsupported} naming `what`.
[[nodiscard]] const std::string& text_of(const Value& value, const std::string& what);
/// Error{kUnsupported}: "<what> of a <kind>".
[[noreturn]] void unsupported_for(const std::string& what, const Value& value);

}  // namespace xw::tokenizer::jinja
