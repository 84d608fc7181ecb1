// Scopes, and the evaluation of expressions in them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "host/tokenizer/jinja/functions.hpp"
#include "host/tokenizer/jinja/syntax.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

/// Variables of one block. Blocks see those around them.
struct Scope {
  const Scope* parent = nullptr;
  std::uint64_t id = 0;
  std::map<std::string_view, Value> variables;  ///< names live in the syntax tree or the context
};

/// A macro (or the body of {% call %}) where it was defined.
struct MacroScope {
  const Signature* signature = nullptr;
  const Nodes* body = nullptr;
  const Scope* scope = nullptr;
  std::uint64_t scope_id = 0;
};

/// Evaluates expressions. What calls into statements (macros, recursive loops) is left to whoever executes those.
class Evaluator {
 public:
  explicit Evaluator(Budget& budget) : budget_(budget) {}
  virtual ~Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  [[nodiscard]] Value evaluate(const Expression& node, const Scope& scope);
  [[nodiscard]] Arguments arguments_of(const Expression& node, const Scope& scope);
  /// Calls what `callee` stands for.
  [[nodiscard]] Value call_value(const Expression& callee, const Arguments& arguments, const Scope& scope);
  /// Filters of a block: the innermost takes `value`.
  [[nodiscard]] Value filtered(const Expression& node, const Value& value, const Scope& scope);
  /// The variable of this name in `scope` or those around it, or null.
  [[nodiscard]] const Value* find(std::string_view name, const Scope& scope);

 protected:
  /// Bounds the depth of C++ calls (nested statements, expressions and macros) while it lives.
  class Level {
   public:
    explicit Level(int& depth) : depth_(depth) {
      if (depth_ >= kMaxDepth) throw_unsupported("nesting deeper than " + std::to_string(kMaxDepth) + " calls");
      ++depth_;
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    static constexpr int kMaxDepth = 800;
    int& depth_;
  };

  [[nodiscard]] virtual Value run_macro(const MacroScope& macro, const Arguments& arguments) = 0;
  [[nodiscard]] virtual Value call_loop(const Value& loop, const Arguments& arguments) = 0;

  Budget& budget_;
  int depth_ = 0;

 private:
  Value call(const Value& function, const std::string& name, const Arguments& arguments);
  Value evaluate_name(const Expression& node, const Scope& scope);
  Value evaluate_list(const Expression& node, const Scope& scope);
  Value evaluate_object(const Expression& node, const Scope& scope);
  Value evaluate_index(const Expression& node, const Scope& scope);
  Value evaluate_slice(const Expression& node, const Scope& scope);
  Value evaluate_filter(const Expression& node, const Scope& scope);
  Value evaluate_test(const Expression& node, const Scope& scope);
  Value evaluate_logic(const Expression& node, const Scope& scope);
  Value evaluate_arithmetic(const Expression& node, const Scope& scope);
  Value evaluate_comparison(const Expression& node, const Scope& scope);
  Value evaluate_concatenation(const Expression& node, const Scope& scope);
  Value evaluate_condition(const Expression& node, const Scope& scope);
};

}  // namespace xw::tokenizer::jinja
