// Methods of lists, objects and loops; finds methods.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/methods.hpp"

#include <algorithm>
#include <array>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

template <bool Keys, bool Values>
Value members(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "items()", {});
  ListBuilder list(budget);
  list.reserve(self.members().size());
  for (const auto& [key, value] : self.members()) {
    if (!Keys || !Values) {
      list.push(Keys ? key : value);
      continue;
    }
    ListBuilder pair(budget);
    pair.reserve(2);
    pair.push(key);
    pair.push(value);
    list.push(pair.tuple());
  }
  return list.list();
}

Value get(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "get()", {"key", "default"}, 1);
  if (const Value* found = self.find(*p[0], budget)) return *found;
  return p[1] != nullptr ? *p[1] : Value::none();
}

Value copy(const Value& self, const Arguments& arguments, Budget&) {
  const Parameters p(arguments, "copy()", {});
  return self;
}

constexpr std::array kObjectMethods = {
    NamedMethod{"copy", copy},
    NamedMethod{"get", get},
    NamedMethod{"items", members<true, true>},
    NamedMethod{"keys", members<true, false>},
    NamedMethod{"values", members<false, true>},
};

Value index_in_list(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "index()", {"value"}, 1);
  for (std::size_t i = 0; i < self.items().size(); ++i) {
    if (equal(self.items()[i], *p[0], budget)) return Value::integer(static_cast<std::int64_t>(i));
  }
  throw_unsupported("index() of a value that is not there");
}

Value count_in_list(const Value& self, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "count()", {"value"}, 1);
  std::int64_t found = 0;
  for (const Value& item : self.items()) found += equal(item, *p[0], budget) ? 1 : 0;
  return Value::integer(found);
}

constexpr std::array kListMethods = {
    NamedMethod{"copy", copy},
    NamedMethod{"count", count_in_list},
    NamedMethod{"index", index_in_list},
};

Value cycle(const Value& self, const Arguments& arguments, Budget&) {
  if (arguments.values.empty()) throw_unsupported("loop.cycle() of nothing");
  return arguments.values[self.as_loop().index % arguments.values.size()];
}

Value changed(const Value& self, const Arguments& arguments, Budget& budget) {
  LoopState& loop = self.as_loop();
  const bool same = loop.was_changed && std::equal(loop.changed.begin(), loop.changed.end(), arguments.values.begin(),
                                                   arguments.values.end(),
                                                   [&](const Value& a, const Value& b) { return equal(a, b, budget); });
  if (!same) {
    for (const Value& value : arguments.values) {
      if (value.holds_changeable()) throw_unsupported("loop.changed() of a namespace or loop");
    }
    budget.allocate(arguments.values.size() * sizeof(Value));
    loop.changed = arguments.values;
    loop.was_changed = true;
  }
  return Value::boolean(!same);
}

constexpr std::array kLoopMethods = {
    NamedMethod{"changed", changed},
    NamedMethod{"cycle", cycle},
};

std::span<const NamedMethod> methods_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
      return text_methods();
    case Kind::kList:
    case Kind::kTuple:
      return kListMethods;
    case Kind::kObject:
      return kObjectMethods;
    case Kind::kLoop:
      return kLoopMethods;
    default:
      return {};
  }
}

}  // namespace

bool is_method(const Value& value, std::string_view name) {
  const std::span<const NamedMethod> methods = methods_of(value);
  return std::ranges::find(methods, name, &NamedMethod::name) != methods.end();
}

Value call_method(const std::string& name, const Value& self, const Arguments& arguments, Budget& budget) {
  budget.step();
  const std::span<const NamedMethod> methods = methods_of(self);
  const auto it = std::ranges::find(methods, name, &NamedMethod::name);
  if (it == methods.end()) unsupported_for("the method \"" + name.substr(0, 40) + "\"", self);
  return it->method(self, arguments, budget);
}

}  // namespace xw::tokenizer::jinja
