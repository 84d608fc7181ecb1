// What is inside values.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/access.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/functions.hpp"
#include "host/tokenizer/jinja/text.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

Value loop_attribute(const LoopState& loop, std::string_view name, Budget& budget) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto count = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return Value::integer(index + 1);
  if (name == "index0") return Value::integer(index);
  if (name == "revindex") return Value::integer(count - index);
  if (name == "revindex0") return Value::integer(count - index - 1);
  if (name == "first") return Value::boolean(index == 0);
  if (name == "last") return Value::boolean(index + 1 == count);
  if (name == "length") return Value::integer(count);
  if (name == "depth") return Value::integer(loop.depth + 1);
  if (name == "depth0") return Value::integer(loop.depth);
  if (name == "previtem") return index > 0 ? loop.items[loop.index - 1] : undefined_value("loop.previtem", budget);
  if (name == "nextitem")
    return index + 1 < count ? loop.items[loop.index + 1] : undefined_value("loop.nextitem", budget);
  return undefined_value("loop." + std::string(name), budget);
}

Value undefined_of(const Value& value, std::string_view name, Budget& budget) {
  return undefined_value(std::string(name.substr(0, 80)) + " of a " + value.kind_name(), budget);
}

const Value* find_text(const Value& value, std::string_view name, Budget& budget) {
  for (const auto& [key, item] : value.members()) {
    budget.step();
    if (!key.is(Kind::kString) || key.text().size() != name.size()) continue;
    budget.scan(name.size());
    if (key.text() == name) return &item;
  }
  return nullptr;
}

/// Where Python's slice of `count` things begins and how many it takes.
struct Range {
  std::int64_t begin = 0, step = 1, length = 0;
};

std::int64_t slice_part(const Value* value, std::int64_t absent) {
  if (value == nullptr || value->is(Kind::kNone)) return absent;
  if (!value->is_integral()) unsupported_for("a slice by a part", *value);
  return value->as_integer();
}

Range range_of(const Value* begin, const Value* end, const Value* step, std::int64_t count) {
  Range range;
  range.step = slice_part(step, 1);
  if (range.step == 0) throw_unsupported("a slice with step 0");
  range.step = std::max(range.step, -std::numeric_limits<std::int64_t>::max());
  const bool forward = range.step > 0;
  const std::int64_t lowest = forward ? 0 : -1;
  const std::int64_t highest = forward ? count : count - 1;
  const auto clamp = [&](std::int64_t i) { return std::clamp(i < 0 ? i + count : i, lowest, highest); };
  const auto bound = [&](const Value* part, std::int64_t absent) {
    return part == nullptr || part->is(Kind::kNone) ? absent : clamp(slice_part(part, 0));
  };
  range.begin = bound(begin, forward ? lowest : highest);
  const std::int64_t limit = bound(end, forward ? highest : lowest);
  const std::int64_t distance = forward ? limit - range.begin : range.begin - limit;
  const std::int64_t stride = forward ? range.step : -range.step;
  range.length = distance > 0 ? (distance - 1) / stride + 1 : 0;
  return range;
}

}  // namespace

Value get_attribute(const Value& value, std::string_view name, Budget& budget) {
  budget.step();
  switch (value.kind()) {
    case Kind::kUndefined:
      throw_undefined(value);
    case Kind::kNamespace: {
      const Value* found = find_text(value, name, budget);
      return found != nullptr ? *found : undefined_of(value, name, budget);
    }
    case Kind::kLoop:
      if (!is_method(value, name)) return loop_attribute(value.as_loop(), name, budget);
      break;
    case Kind::kFunction:
      if (name == "name" && value.as_function().kind == Function::Kind::kMacro) {
        return text_value(value.as_function().name, budget);
      }
      break;
    default:
      break;
  }
  if (is_method(value, name)) {
    budget.allocate(kValueOverhead + name.size());
    return Value::function({Function::Kind::kMethod, std::string(name), value, nullptr});
  }
  if (value.is(Kind::kObject)) {
    if (const Value* found = find_text(value, name, budget)) return *found;
  }
  return undefined_of(value, name, budget);
}

Value get_item(const Value& value, const Value& key, Budget& budget) {
  budget.step();
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  if (value.is(Kind::kObject)) {
    if (const Value* found = value.find(key, budget)) return *found;
  }
  if ((value.is_sequence() || value.is(Kind::kString)) && key.is_integral()) {
    const std::int64_t count = length_of(value, budget);
    const std::int64_t index = key.as_integer() < 0 ? key.as_integer() + count : key.as_integer();
    if (index < 0 || index >= count) return undefined_of(value, "item " + std::to_string(key.as_integer()), budget);
    if (value.is_sequence()) return value.items()[static_cast<std::size_t>(index)];
    std::size_t pos = 0;
    for (std::int64_t i = 0; i < index; ++i) pos += utf8_at(value.text(), pos).length;
    return text_value(std::string_view(value.text()).substr(pos, utf8_at(value.text(), pos).length), budget);
  }
  if (key.is(Kind::kString)) return get_attribute(value, key.text(), budget);
  return undefined_of(value, "an item", budget);
}

Value get_slice(const Value& value, const Value* begin, const Value* end, const Value* step, Budget& budget) {
  if (value.is(Kind::kUndefined)) throw_undefined(value);
  if (!value.is_sequence() && !value.is(Kind::kString)) unsupported_for("a slice", value);
  const Range range = range_of(begin, end, step, length_of(value, budget));
  if (value.is_sequence()) {
    ListBuilder list(budget);
    list.reserve(static_cast<std::size_t>(range.length));
    for (std::int64_t i = 0; i < range.length; ++i) {
      list.push(value.items()[static_cast<std::size_t>(range.begin + i * range.step)]);
    }
    return value.is(Kind::kTuple) ? list.tuple() : list.list();
  }
  const std::string& text = value.text();
  // Where each character begins, so that steps in any direction cost the same.
  budget.allocate((text.size() + 1) * sizeof(std::uint32_t));
  std::vector<std::uint32_t> starts;
  starts.reserve(text.size() + 1);
  for (std::size_t pos = 0; pos < text.size(); pos += utf8_at(text, pos).length) {
    starts.push_back(static_cast<std::uint32_t>(pos));
  }
  starts.push_back(static_cast<std::uint32_t>(text.size()));
  TextBuilder out(budget);
  if (range.step == 1) {
    const std::size_t first = starts[static_cast<std::size_t>(range.begin)];
    if (range.length > 0) {
      out.append(
          std::string_view(text).substr(first, starts[static_cast<std::size_t>(range.begin + range.length)] - first));
    }
    return out.value();
  }
  for (std::int64_t i = 0; i < range.length; ++i) {
    const auto at = static_cast<std::size_t>(range.begin + i * range.step);
    out.append(std::string_view(text).substr(starts[at], starts[at + 1] - starts[at]));
  }
  return out.value();
}

std::vector<Value> characters_of(std::string_view text, Budget& budget) {
  ListBuilder list(budget);
  list.reserve(static_cast<std::size_t>(count_characters(text, budget)));
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t length = utf8_at(text, pos).length;
    budget.allocate(kValueOverhead);
    list.push(Value::string(std::string(text.substr(pos, length))));
    pos += length;
  }
  return list.take();
}

std::vector<Value> iterate(const Value& value, Budget& budget) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kString:
      return characters_of(value.text(), budget);
    case Kind::kList:
    case Kind::kTuple: {
      ListBuilder list(budget);
      list.append(value.items());
      return list.take();
    }
    case Kind::kObject: {
      ListBuilder list(budget);
      list.reserve(value.members().size());
      for (const auto& [key, item] : value.members()) list.push(key);
      return list.take();
    }
    default:
      unsupported_for("iteration over the parts", value);
  }
}

std::int64_t length_of(const Value& value, Budget& budget) {
  if (value.is(Kind::kUndefined)) return 0;
  if (value.is_sequence()) return static_cast<std::int64_t>(value.items().size());
  if (value.is(Kind::kObject)) return static_cast<std::int64_t>(value.members().size());
  if (value.is(Kind::kLoop)) return static_cast<std::int64_t>(value.as_loop().items.size());
  if (value.is(Kind::kString)) return count_characters(value.text(), budget);
  unsupported_for("the length", value);
}

bool contains(const Value& container, const Value& item, Budget& budget) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kString: {
      if (item.is(Kind::kUndefined)) throw_undefined(item);
      const std::string& part = text_of(item, "\"in\" a string");
      return Finder(part, budget).find(container.text(), 0) != std::string_view::npos;
    }
    case Kind::kList:
    case Kind::kTuple:
      return std::ranges::any_of(container.items(), [&](const Value& value) { return equal(value, item, budget); });
    case Kind::kObject:
      return container.find(item, budget) != nullptr;
    default:
      unsupported_for("\"in\"", container);
  }
}

}  // namespace xw::tokenizer::jinja
