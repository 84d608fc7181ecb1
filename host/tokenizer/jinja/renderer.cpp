// Executes statements.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/renderer.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/evaluator.hpp"
#include "host/tokenizer/jinja/functions.hpp"
#include "host/tokenizer/jinja/text.hpp"

namespace xw::tokenizer::jinja {

namespace {

using ValueKind = Value::Kind;

constexpr std::size_t kScopeBytes = 256;
constexpr std::size_t kVariableBytes = 128;

enum class Flow { kNormal, kBreak, kContinue };

class Renderer final : private Evaluator {
 public:
  Renderer(const Value& context, Budget& budget) : Evaluator(budget) {
    if (!context.is(ValueKind::kObject)) return;
    for (const auto& [key, value] : context.members()) {
      if (key.is(ValueKind::kString)) globals_.variables[key.text()] = value;
    }
  }

  std::string run(const Nodes& nodes) {
    TextBuilder out(budget_);
    live_.push_back(&globals_);
    (void)render(nodes, globals_, out);
    return out.take();
  }

 private:
  /// A scope inside another one, as long as it lives.
  class Inner {
   public:
    Inner(Renderer& renderer, const Scope& parent) : live_(renderer.live_) {
      renderer.budget_.allocate(kScopeBytes);
      scope.parent = &parent;
      scope.id = ++renderer.next_scope_;
      live_.push_back(&scope);
    }
    ~Inner() { live_.pop_back(); }
    Inner(const Inner&) = delete;
    Inner& operator=(const Inner&) = delete;
    Scope scope;

   private:
    std::vector<const Scope*>& live_;
  };

  void define(Scope& scope, std::string_view name, Value value) {
    const auto [it, inserted] = scope.variables.try_emplace(name);
    if (inserted) budget_.allocate(kVariableBytes);
    it->second = std::move(value);
  }

  void assign(const Target& target, const Value& value, Scope& scope) {
    budget_.step();
    if (!target.parts.empty()) {
      const std::vector<Value> items = iterate(value, budget_);
      if (items.size() != target.parts.size()) {
        throw_unsupported("giving " + std::to_string(items.size()) + " values to " +
                          std::to_string(target.parts.size()) + " names");
      }
      for (std::size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i], scope);
      return;
    }
    if (target.member.empty()) return define(scope, target.name, value);
    const Value* object = find(target.name, scope);
    if (object == nullptr || !object->is(ValueKind::kNamespace)) {
      throw_unsupported("setting a member of \"" + target.name + "\", which is no namespace");
    }
    object->set(target.member, value, budget_);
  }

  Flow render(const Nodes& nodes, Scope& scope, TextBuilder& out) {
    const Level level(depth_);
    for (const Node& node : nodes) {
      budget_.step();
      if (const Flow flow = render(node, scope, out); flow != Flow::kNormal) return flow;
    }
    return Flow::kNormal;
  }

  Flow render(const Node& node, Scope& scope, TextBuilder& out) {
    switch (node.kind) {
      case Node::Kind::kText:
        out.append(node.text);
        return Flow::kNormal;
      case Node::Kind::kPrint:
        append_text(evaluate(*node.expression, scope), out, budget_);
        return Flow::kNormal;
      case Node::Kind::kIf:
        return render_if(node, scope, out);
      case Node::Kind::kFor:
        return render_for(node, evaluate(*node.expression, scope), 0, scope, out);
      case Node::Kind::kSet:
        return render_set(node, scope);
      case Node::Kind::kWith:
        return render_with(node, scope, out);
      case Node::Kind::kScope: {
        Inner inner(*this, scope);
        return render(node.body, inner.scope, out);
      }
      case Node::Kind::kFilter:
        return render_filter(node, scope, out);
      case Node::Kind::kMacro:
        define(scope, node.signature.name, make_macro(node, scope));
        return Flow::kNormal;
      case Node::Kind::kCall:
        return render_call(node, scope, out);
      case Node::Kind::kBreak:
        return Flow::kBreak;
      case Node::Kind::kContinue:
        return Flow::kContinue;
      case Node::Kind::kUnsupported:
        break;
    }
    throw_unsupported(node.text);
  }

  Flow render_if(const Node& node, Scope& scope, TextBuilder& out) {
    for (const auto& [condition, body] : node.branches) {
      if (condition != nullptr && !evaluate(*condition, scope).is_true()) continue;
      return render(body, scope, out);
    }
    return Flow::kNormal;
  }

  std::vector<Value> items_of(const Node& node, const Value& values, const Scope& scope) {
    std::vector<Value> all = iterate(values, budget_);
    if (node.filter == nullptr) return all;
    ListBuilder kept(budget_);
    for (Value& value : all) {
      Inner inner(*this, scope);
      assign(node.target, value, inner.scope);
      if (evaluate(*node.filter, inner.scope).is_true()) kept.push(std::move(value));
    }
    return kept.take();
  }

  Flow render_for(const Node& node, const Value& values, int loop_depth, const Scope& scope, TextBuilder& out) {
    budget_.allocate(sizeof(LoopState) + kValueOverhead);
    auto state = std::make_shared<LoopState>();
    state->items = items_of(node, values, scope);
    state->depth = loop_depth;
    state->node = node.is_recursive ? &node : nullptr;
    state->scope = &scope;
    const Value loop = Value::loop(state);
    bool finished = false;
    for (state->index = 0; state->index < state->items.size(); ++state->index) {
      budget_.step();
      Inner inner(*this, scope);
      define(inner.scope, "loop", loop);
      assign(node.target, state->items[state->index], inner.scope);
      const Flow flow = render(node.body, inner.scope, out);
      if (flow == Flow::kBreak) break;
      finished = finished || flow == Flow::kNormal;
    }
    if (finished) return Flow::kNormal;  // as in Jinja2: an iteration that is left counts for nothing
    Inner inner(*this, scope);
    return render(node.alternative, inner.scope, out);
  }

  Flow render_set(const Node& node, Scope& scope) {
    if (node.text.empty()) {
      assign(node.target, evaluate(*node.expression, scope), scope);
      return Flow::kNormal;
    }
    TextBuilder text(budget_);
    Inner inner(*this, scope);
    if (const Flow flow = render(node.body, inner.scope, text); flow != Flow::kNormal) return flow;
    const Value value = text.value();
    assign(node.target, node.expression != nullptr ? filtered(*node.expression, value, scope) : value, scope);
    return Flow::kNormal;
  }

  Flow render_with(const Node& node, Scope& scope, TextBuilder& out) {
    Inner inner(*this, scope);
    std::vector<Value> values;
    budget_.allocate(3 * node.assignments.size() * sizeof(Value));
    for (const auto& [target, expression] : node.assignments) values.push_back(evaluate(*expression, scope));
    for (std::size_t i = 0; i < values.size(); ++i) assign(node.assignments[i].first, values[i], inner.scope);
    return render(node.body, inner.scope, out);
  }

  Flow render_filter(const Node& node, Scope& scope, TextBuilder& out) {
    TextBuilder text(budget_);
    Inner inner(*this, scope);
    if (const Flow flow = render(node.body, inner.scope, text); flow != Flow::kNormal) return flow;
    append_text(filtered(*node.expression, text.value(), scope), out, budget_);
    return Flow::kNormal;
  }

  Value make_macro(const Node& node, const Scope& scope) {
    budget_.allocate(sizeof(MacroScope) + kValueOverhead + node.signature.name.size());
    macros_.push_back({&node.signature, &node.body, &scope, scope.id});
    return Value::function({Function::Kind::kMacro, node.signature.name, {}, &macros_.back()});
  }

  Flow render_call(const Node& node, Scope& scope, TextBuilder& out) {
    const Expression& call = *node.expression;
    Arguments arguments = arguments_of(call, scope);
    arguments.keywords.emplace_back("caller", make_macro(node, scope));
    append_text(call_value(*call.operands[0], arguments, scope), out, budget_);
    return Flow::kNormal;
  }

  Value run_macro(const MacroScope& macro, const Arguments& arguments) override {
    const Level level(depth_);
    const auto alive =
        std::ranges::find_if(live_, [&](const Scope* s) { return s == macro.scope && s->id == macro.scope_id; });
    if (alive == live_.end())
      throw_unsupported("calling \"" + macro.signature->name + "\" outside of where it is defined");
    Inner inner(*this, *macro.scope);
    bind_parameters(macro, arguments, inner.scope);
    TextBuilder text(budget_);
    (void)render(*macro.body, inner.scope, text);
    return text.value();
  }

  /// loop(items) of a recursive loop.
  Value call_loop(const Value& loop, const Arguments& arguments) override {
    const auto* node = static_cast<const Node*>(loop.as_loop().node);
    if (node == nullptr || arguments.values.size() != 1) throw_unsupported("calling a loop that is not recursive");
    const Level level(depth_);
    TextBuilder text(budget_);
    // The scope lives as long as the loop, which nothing outside of it can hold.
    Inner inner(*this, *static_cast<const Scope*>(loop.as_loop().scope));
    (void)render_for(*node, arguments.values[0], loop.as_loop().depth + 1, inner.scope, text);
    return text.value();
  }

  void bind_parameters(const MacroScope& macro, const Arguments& arguments, Scope& scope) {
    const Signature& signature = *macro.signature;
    const auto& parameters = signature.parameters;
    std::vector<bool> used(arguments.keywords.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, absent] = parameters[i];
      std::optional<Value> value;
      if (i < arguments.values.size()) value = arguments.values[i];
      for (std::size_t k = 0; k < arguments.keywords.size(); ++k) {
        budget_.step();
        if (arguments.keywords[k].first != name || used[k]) continue;
        if (value) throw_unsupported("two values for the parameter \"" + name + "\" of \"" + signature.name + "\"");
        value = arguments.keywords[k].second;
        used[k] = true;
      }
      if (!value) value = absent != nullptr ? evaluate(*absent, scope) : undefined_value(name, budget_);
      define(scope, name, std::move(*value));
    }
    ListBuilder rest(budget_);
    for (std::size_t i = parameters.size(); i < arguments.values.size(); ++i) rest.push(arguments.values[i]);
    ObjectBuilder others(budget_);
    bool has_others = false;
    bool has_caller = false;
    for (std::size_t k = 0; k < arguments.keywords.size(); ++k) {
      const auto& [name, value] = arguments.keywords[k];
      if (used[k]) continue;
      if (name == "caller" && signature.uses_caller) {
        define(scope, "caller", value);
        has_caller = true;
      } else {
        others.set(text_value(name, budget_), value);
        has_others = true;
      }
    }
    if (!rest.items().empty() && !signature.uses_varargs)
      throw_unsupported("so many arguments for \"" + signature.name + "\"");
    if (has_others && !signature.uses_kwargs) throw_unsupported("this argument by name for \"" + signature.name + "\"");
    if (signature.uses_varargs) define(scope, "varargs", rest.tuple());
    if (signature.uses_kwargs) define(scope, "kwargs", others.object());
    if (signature.uses_caller && !has_caller && !scope.variables.contains("caller")) {
      define(scope, "caller", undefined_value("caller", budget_));
    }
  }

  Scope globals_;
  std::vector<const Scope*> live_;  ///< scopes that exist now, outermost first
  std::deque<MacroScope> macros_;   ///< all that were ever defined: values point to them
  std::uint64_t next_scope_ = 0;
};

}  // namespace

std::string render(const Nodes& nodes, const Value& context, Budget& budget) {
  return Renderer(context, budget).run(nodes);
}

}  // namespace xw::tokenizer::jinja
