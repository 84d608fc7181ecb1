// What is inside values: attributes, items, slices, iteration; and the state of loops.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

/// The variable `loop` inside {% for %}.
struct LoopState {
  std::vector<Value> items;
  std::size_t index = 0;
  int depth = 0;                ///< of recursive loops
  const void* node = nullptr;   ///< the {% for %} of a recursive loop, else null
  const void* scope = nullptr;  ///< where that stands
  std::vector<Value> changed;   ///< arguments of the last loop.changed()
  bool was_changed = false;     ///< loop.changed() has been called
};

/// value.name: methods first, then items. Undefined if there is no such thing; throws Error{kInvalidArgument} if `value`
/// itself is undefined.
[[nodiscard]] Value get_attribute(const Value& value, std::string_view name, Budget& budget);
/// value[key]: items first, then attributes.
[[nodiscard]] Value get_item(const Value& value, const Value& key, Budget& budget);
/// value[begin:end:step] as in Python; absent parts are null.
[[nodiscard]] Value get_slice(const Value& value, const Value* begin, const Value* end, const Value* step,
                              Budget& budget);
/// What iteration gives: items, characters, keys; nothing for an undefined value. Error{kUnsupported} for others.
[[nodiscard]] std::vector<Value> iterate(const Value& value, Budget& budget);
/// The characters of a text.
[[nodiscard]] std::vector<Value> characters_of(std::string_view text, Budget& budget);
/// The number of characters, items or members.
[[nodiscard]] std::int64_t length_of(const Value& value, Budget& budget);
/// `item in container`.
[[nodiscard]] bool contains(const Value& container, const Value& item, Budget& budget);

}  // namespace xw::tokenizer::jinja
