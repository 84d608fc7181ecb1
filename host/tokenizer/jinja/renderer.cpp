// Renders chat templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/template.hpp"

#include <algorithm>
#include <map>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/functions.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Expression::Kind;

constexpr std::size_t kMaxSteps = 200'000;
constexpr std::size_t kMaxWork = std::size_t{64} << 20;  // bytes and values that expressions produce

class Renderer {
 public:
  explicit Renderer(const Value& context) : scopes_(1) {
    for (std::size_t i = 0; i < context.keys.size(); ++i) scopes_.front()[context.keys[i]] = context.items[i];
  }

  std::string run(const Nodes& nodes) {
    std::string out;
    render(nodes, out);
    return out;
  }

 private:
  using Scope = std::map<std::string, Value>;

  [[noreturn]] static void throw_undefined(const Value& value) {
    throw Error(ErrorCode::kInvalidArgument, "chat template: \"" + value.text + "\" is undefined");
  }

  /// Templates are data from files: bound what they may cost.
  void count_work(std::size_t amount) {
    work_ += amount;
    if (++steps_ > kMaxSteps || work_ > kMaxWork) throw_unsupported("rendering that takes so many steps");
  }

  Value* find(const std::string& name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const auto it = scope->find(name); it != scope->end()) return &it->second;
    }
    return nullptr;
  }

  void render(const Nodes& nodes, std::string& out) {
    for (const Node& node : nodes) {
      count_work(node.text.size());
      switch (node.kind) {
        case Node::Kind::kText:
          out += node.text;
          break;
        case Node::Kind::kPrint:
          out += evaluate(*node.expression).to_text();
          break;
        case Node::Kind::kIf:
          for (const auto& [condition, body] : node.branches) {
            if (condition != nullptr && !evaluate(*condition).is_true()) continue;
            render(body, out);
            break;
          }
          break;
        case Node::Kind::kFor:
          render_for(node, out);
          break;
        case Node::Kind::kSet:
          assign(node);
          break;
      }
    }
  }

  void bind(Scope& scope, const std::vector<std::string>& names, const Value& value) {
    if (names.size() == 1) {
      scope[names[0]] = value;
      return;
    }
    if (!value.is(Value::Kind::kList) || value.items.size() != names.size()) {
      throw_unsupported("giving a " + std::string(value.kind_name()) + " to " + std::to_string(names.size()) +
                        " names");
    }
    for (std::size_t i = 0; i < names.size(); ++i) scope[names[i]] = value.items[i];
  }

  void assign(const Node& node) {
    Value value;
    if (node.expression != nullptr) {
      value = evaluate(*node.expression);
    } else {
      std::string text;
      scopes_.emplace_back();
      render(node.body, text);
      scopes_.pop_back();
      value = Value::string(std::move(text));
    }
    if (node.text.empty()) {
      bind(scopes_.back(), node.names, value);
      return;
    }
    Value* object = find(node.names[0]);
    if (object == nullptr || !object->is(Value::Kind::kObject))
      throw_unsupported("setting a member of \"" + node.names[0] + "\"");
    object->set(node.text, std::move(value));
  }

  std::vector<Value> items_of(const Node& node) {
    Value values = evaluate(*node.expression);
    std::vector<Value> all;
    if (values.is(Value::Kind::kList)) {
      all = std::move(values.items);
    } else if (values.is(Value::Kind::kObject)) {
      for (std::string& key : values.keys) all.push_back(Value::string(std::move(key)));
    } else if (values.is(Value::Kind::kUndefined)) {
      throw_undefined(values);
    } else {
      throw_unsupported("{% for %} over a " + std::string(values.kind_name()));
    }
    if (node.filter == nullptr) return all;
    std::vector<Value> kept;
    for (Value& value : all) {
      Scope scope;
      bind(scope, node.names, value);
      scopes_.push_back(std::move(scope));
      const bool keep = evaluate(*node.filter).is_true();
      scopes_.pop_back();
      if (keep) kept.push_back(std::move(value));
    }
    return kept;
  }

  void render_for(const Node& node, std::string& out) {
    const std::vector<Value> items = items_of(node);
    if (items.empty()) render(node.alternative, out);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto index = static_cast<std::int64_t>(i);
      const auto count = static_cast<std::int64_t>(items.size());
      count_work(items[i].size());
      Scope scope;
      bind(scope, node.names, items[i]);
      scope["loop"] =
          Value::object({{"index0", Value::integer(index)},
                         {"index", Value::integer(index + 1)},
                         {"revindex0", Value::integer(count - index - 1)},
                         {"revindex", Value::integer(count - index)},
                         {"first", Value::boolean(i == 0)},
                         {"last", Value::boolean(i + 1 == items.size())},
                         {"length", Value::integer(count)},
                         {"previtem", i > 0 ? items[i - 1] : Value::undefined("loop.previtem")},
                         {"nextitem", i + 1 < items.size() ? items[i + 1] : Value::undefined("loop.nextitem")}});
      scopes_.push_back(std::move(scope));
      render(node.body, out);
      scopes_.pop_back();
    }
  }

  Arguments arguments_of(const Expression& node) {
    Arguments arguments;
    for (std::size_t i = 1; i < node.operands.size(); ++i) arguments.values.push_back(evaluate(*node.operands[i]));
    for (const auto& [name, value] : node.keywords) arguments.keywords.emplace_back(name, evaluate(*value));
    return arguments;
  }

  /// What a name, or a member of it by a fixed key, stands for, without a copy; null if undefined or computed.
  const Value* locate(const Expression& node) {
    if (node.kind == Kind::kName) return find(node.text);
    const bool fixed_index = node.kind == Kind::kIndex && node.operands[1]->kind == Kind::kLiteral;
    if (node.kind != Kind::kMember && !fixed_index) return nullptr;
    const Value* base = locate(*node.operands[0]);
    if (base == nullptr) return nullptr;
    return fixed_index ? child_of(*base, node.operands[1]->literal) : child_of(*base, Value::string(node.text));
  }

  Value evaluate(const Expression& node) {
    Value value = evaluate_node(node);
    count_work(value.size());
    return value;
  }

  Value evaluate_member(const Expression& node) {
    Value computed;
    const Value* base = locate(*node.operands[0]);
    if (base == nullptr) {
      computed = evaluate(*node.operands[0]);
      base = &computed;
    }
    if (node.kind == Kind::kMember) return member_of(*base, Value::string(node.text));
    return member_of(*base, evaluate(*node.operands[1]));
  }

  Value evaluate_node(const Expression& node) {
    switch (node.kind) {
      case Kind::kLiteral:
        return node.literal;
      case Kind::kName: {
        const Value* value = find(node.text);
        return value != nullptr ? *value : Value::undefined(node.text);
      }
      case Kind::kList: {
        std::vector<Value> items;
        for (const ExpressionPtr& operand : node.operands) items.push_back(evaluate(*operand));
        return Value::list(std::move(items));
      }
      case Kind::kObject: {
        Value object = Value::object({});
        for (std::size_t i = 0; i + 1 < node.operands.size(); i += 2) {
          const Value key = evaluate(*node.operands[i]);
          object.set(key.to_text(), evaluate(*node.operands[i + 1]));
        }
        return object;
      }
      case Kind::kMember:
      case Kind::kIndex:
        return evaluate_member(node);
      case Kind::kSlice:
        return slice(node);
      case Kind::kCall:
        return call(node);
      case Kind::kFilter:
        return apply_filter(node.text, evaluate(*node.operands[0]), arguments_of(node));
      case Kind::kTest:
        return Value::boolean(apply_test(node.text, evaluate(*node.operands[0]), arguments_of(node)));
      case Kind::kUnary: {
        const Value value = evaluate(*node.operands[0]);
        if (node.text == "not") return Value::boolean(!value.is_true());
        return apply_operator("-", Value::integer(0), value);
      }
      case Kind::kBinary:
        return binary(node);
      case Kind::kCondition:
        if (evaluate(*node.operands[1]).is_true()) return evaluate(*node.operands[0]);
        return node.operands[2] != nullptr ? evaluate(*node.operands[2]) : Value::undefined("if without else");
    }
    return {};
  }

  Value binary(const Expression& node) {
    Value left = evaluate(*node.operands[0]);
    if (node.text == "and") return left.is_true() ? evaluate(*node.operands[1]) : left;
    if (node.text == "or") return left.is_true() ? left : evaluate(*node.operands[1]);
    return apply_operator(node.text, left, evaluate(*node.operands[1]));
  }

  /// The member of an object or the item of a list, or null.
  static const Value* child_of(const Value& value, const Value& key) {
    if (value.is(Value::Kind::kObject) && key.is(Value::Kind::kString)) return value.find(key.text);
    if (!value.is(Value::Kind::kList) || !key.is(Value::Kind::kInteger)) return nullptr;
    const auto count = static_cast<std::int64_t>(value.items.size());
    const std::int64_t index = key.number < 0 ? key.number + count : key.number;
    return index < 0 || index >= count ? nullptr : &value.items[static_cast<std::size_t>(index)];
  }

  static Value member_of(const Value& value, const Value& key) {
    if (value.is(Value::Kind::kUndefined)) throw_undefined(value);
    if (const Value* child = child_of(value, key)) return *child;
    if (key.is(Value::Kind::kString)) return Value::undefined(key.text);
    if (key.is(Value::Kind::kInteger) && value.is(Value::Kind::kList)) {
      return Value::undefined("item " + std::to_string(key.number));
    }
    throw_unsupported("an index into a " + std::string(value.kind_name()));
  }

  Value slice(const Expression& node) {
    const Value value = evaluate(*node.operands[0]);
    if (value.is(Value::Kind::kUndefined)) throw_undefined(value);
    if (!value.is(Value::Kind::kList) && !value.is(Value::Kind::kString))
      throw_unsupported("a slice of a " + std::string(value.kind_name()));
    std::vector<Value> items = value.items;
    for (std::size_t pos = 0; pos < value.text.size();) {
      const std::size_t length = utf8_at(value.text, pos).length;
      items.push_back(Value::string(value.text.substr(pos, length)));
      pos += length;
    }
    const auto count = static_cast<std::int64_t>(items.size());
    const auto part = [&](std::size_t i, std::int64_t absent) {
      if (node.operands[i] == nullptr) return absent;
      const Value number = evaluate(*node.operands[i]);
      if (!number.is(Value::Kind::kInteger)) throw_unsupported("a slice by a " + std::string(number.kind_name()));
      return number.number;
    };
    const std::int64_t step = part(3, 1);
    if (step != 1 && step != -1) throw_unsupported("a slice with a step other than 1 and -1");
    if (step == -1) {
      if (node.operands[1] != nullptr || node.operands[2] != nullptr) throw_unsupported("a backward slice with limits");
      return from_items(value, {items.rbegin(), items.rend()});
    }
    const auto clamp = [count](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + count : i, 0, count); };
    const std::int64_t begin = clamp(part(1, 0));
    const std::int64_t end = clamp(part(2, count));
    if (begin >= end) return from_items(value, {});
    return from_items(value, {items.begin() + begin, items.begin() + end});
  }

  static Value from_items(const Value& like, std::vector<Value> items) {
    if (like.is(Value::Kind::kList)) return Value::list(std::move(items));
    std::string text;
    for (const Value& item : items) text += item.text;
    return Value::string(std::move(text));
  }

  Value call(const Expression& node) {
    const Expression& callee = *node.operands[0];
    if (callee.kind == Kind::kMember) {
      const Value value = evaluate(*callee.operands[0]);
      if (value.is(Value::Kind::kUndefined)) throw_undefined(value);
      return call_method(callee.text, value, arguments_of(node));
    }
    if (callee.kind != Kind::kName || !is_function(callee.text) || find(callee.text) != nullptr) {
      throw_unsupported("the function \"" + callee.text + "\"");
    }
    return call_function(callee.text, arguments_of(node));
  }

  std::vector<Scope> scopes_;
  std::size_t steps_ = 0;
  std::size_t work_ = 0;
};

}  // namespace

std::string Template::render(const Value& context) const {
  return Renderer(context).run(nodes_);
}

void throw_unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported,
              "chat template: " + what +
                  " is not supported; supported are templates of the ChatML, Llama 2, Llama 3, "
                  "Mistral, Phi-3, Qwen 2 and Zephyr families");
}

}  // namespace xw::tokenizer::jinja
