// Filters of lists.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "host/tokenizer/jinja/access.hpp"
#include "host/tokenizer/jinja/builders.hpp"
#include "host/tokenizer/jinja/filters.hpp"
#include "host/tokenizer/jinja/operators.hpp"
#include "host/tokenizer/jinja/text.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Kind = Value::Kind;

/// What `attribute="a.b.0"` names: items of items.
class Getter {
 public:
  /// `absent` stands for missing parts unless null.
  Getter(const Value* attribute, const Value* absent, Budget& budget) : absent_(absent), budget_(budget) {
    if (attribute == nullptr || attribute->is(Kind::kNone)) return;
    if (!attribute->is(Kind::kString)) {
      parts_.push_back(*attribute);
      return;
    }
    const std::string& text = attribute->text();
    for (std::size_t pos = 0; pos <= text.size();) {
      budget.allocate(2 * sizeof(Value));
      const std::size_t end = std::min(text.find('.', pos), text.size());
      const std::string part = text.substr(pos, end - pos);
      const bool is_index =
          !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
      parts_.push_back(is_index ? Value::integer(std::stoll(part)) : text_value(part, budget));
      pos = end + 1;
    }
  }

  [[nodiscard]] Value operator()(Value item) const {
    for (const Value& part : parts_) {
      item = get_item(item, part, budget_);
      if (item.is(Kind::kUndefined) && absent_ != nullptr && !absent_->is(Kind::kNone)) item = *absent_;
    }
    return item;
  }

 private:
  std::vector<Value> parts_;
  const Value* absent_;
  Budget& budget_;
};

Value without_case(const Value& value, Budget& budget) {
  return value.is(Kind::kString) ? lower(value.text(), budget) : value;
}

/// Keys by which to sort or compare items.
std::vector<Value> keys_of(const std::vector<Value>& items, const Value* attribute, const Value* absent,
                           bool case_sensitive, Budget& budget) {
  const Getter get(attribute, absent, budget);
  ListBuilder keys(budget);
  keys.reserve(items.size());
  for (const Value& item : items) keys.push(case_sensitive ? get(item) : without_case(get(item), budget));
  return keys.take();
}

/// The order of `keys`, stable; with `reverse` equal ones keep their order, too.
std::vector<std::size_t> order_of(const std::vector<Value>& keys, bool reverse, Budget& budget) {
  budget.allocate(2 * keys.size() * sizeof(std::size_t));  // a stable sort has a buffer
  std::vector<std::size_t> order(keys.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return reverse ? compare(keys[b], keys[a], budget) < 0 : compare(keys[a], keys[b], budget) < 0;
  });
  return order;
}

Value picked(const std::vector<Value>& items, const std::vector<std::size_t>& order, Budget& budget) {
  ListBuilder list(budget);
  list.reserve(order.size());
  for (const std::size_t i : order) list.push(items[i]);
  return list.list();
}

Value join(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "join", {"d", "attribute"});
  const Getter get(p[1], nullptr, budget);
  const std::string separator = p[0] != nullptr ? to_text(*p[0], budget) : std::string();
  TextBuilder out(budget);
  bool first = true;
  for (const Value& item : iterate(value, budget)) {
    if (!first) out.append(separator);
    first = false;
    append_text(get(item), out, budget);
  }
  return out.value();
}

Value list(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "list", {});
  if (value.is(Kind::kList)) return value;
  budget.allocate(kValueOverhead);
  return Value::list(iterate(value, budget));
}

Value first(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "first", {});
  const std::vector<Value> items = iterate(value, budget);
  return items.empty() ? undefined_value("the first of nothing", budget) : items.front();
}

Value last(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "last", {});
  const std::vector<Value> items = iterate(value, budget);
  return items.empty() ? undefined_value("the last of nothing", budget) : items.back();
}

Value reverse(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "reverse", {});
  if (value.is(Kind::kString)) {
    const Value step = Value::integer(-1);
    return get_slice(value, nullptr, nullptr, &step, budget);
  }
  std::vector<Value> items = iterate(value, budget);
  std::ranges::reverse(items);
  budget.allocate(kValueOverhead);
  return Value::list(std::move(items));
}

Value sort(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "sort", {"reverse", "case_sensitive", "attribute"});
  const std::vector<Value> items = iterate(value, budget);
  if (p[2] != nullptr && p[2]->is(Kind::kString) && p[2]->text().find(',') != std::string::npos) {
    throw_unsupported("sort by several attributes");
  }
  return picked(items, order_of(keys_of(items, p[2], nullptr, p.truth(1, false), budget), p.truth(0, false), budget),
                budget);
}

Value dict_sort(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "dictsort", {"case_sensitive", "by", "reverse"});
  const std::string by = p[1] != nullptr ? p.text(1) : "key";
  if (by != "key" && by != "value") throw_unsupported("dictsort by \"" + by.substr(0, 40) + "\"");
  if (!value.is(Kind::kObject)) unsupported_for("dictsort", value);
  const std::vector<Value> items = call_method("items", value, {}, budget).items();
  const Value part = Value::integer(by == "key" ? 0 : 1);
  return picked(items, order_of(keys_of(items, &part, nullptr, p.truth(0, false), budget), p.truth(2, false), budget),
                budget);
}

Value unique(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "unique", {"case_sensitive", "attribute"});
  const std::vector<Value> items = iterate(value, budget);
  const std::vector<Value> keys = keys_of(items, p[1], nullptr, p.truth(0, false), budget);
  ListBuilder list(budget);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool seen = std::any_of(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i),
                                  [&](const Value& key) { return equal(key, keys[i], budget); });
    if (!seen) list.push(items[i]);
  }
  return list.list();
}

template <bool Largest>
Value extreme(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, Largest ? "max" : "min", {"case_sensitive", "attribute"});
  const std::vector<Value> items = iterate(value, budget);
  if (items.empty()) return undefined_value("the extreme of nothing", budget);
  const std::vector<Value> keys = keys_of(items, p[1], nullptr, p.truth(0, false), budget);
  std::size_t best = 0;
  for (std::size_t i = 1; i < items.size(); ++i) {
    const int order = compare(keys[i], keys[best], budget);
    if (Largest ? order > 0 : order < 0) best = i;
  }
  return items[best];
}

Value sum(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "sum", {"attribute", "start"});
  const Getter get(p[0], nullptr, budget);
  Value total = p[1] != nullptr ? *p[1] : Value::integer(0);
  for (const Value& item : iterate(value, budget)) total = apply_operator("+", total, get(item), budget);
  return total;
}

/// map(attribute=..., default=...) or map("filter", arguments of it...).
Value map(const Value& value, const Arguments& arguments, Budget& budget) {
  ListBuilder out(budget);
  const std::vector<Value> items = iterate(value, budget);
  out.reserve(items.size());
  if (arguments.values.empty()) {
    const Parameters p(arguments, "map", {"attribute", "default"}, 1);
    const Getter get(p[0], p[1], budget);
    for (const Value& item : items) out.push(get(item));
    return out.list();
  }
  const std::string& name = text_of(arguments.values[0], "map by a filter");
  const Arguments rest = {{arguments.values.begin() + 1, arguments.values.end()}, arguments.keywords};
  for (const Value& item : items) out.push(apply_filter(name, item, rest, budget));
  return out.list();
}

/// select, reject, selectattr, rejectattr.
template <bool Wanted, bool ByAttribute>
Value select(const Value& value, const Arguments& arguments, Budget& budget) {
  constexpr std::size_t kSkip = ByAttribute ? 1 : 0;
  if (arguments.values.size() < kSkip) throw_unsupported("selectattr without an attribute");
  const Getter get(ByAttribute ? &arguments.values[0] : nullptr, nullptr, budget);
  const bool has_test = arguments.values.size() > kSkip;
  const std::string name = has_test ? text_of(arguments.values[kSkip], "selection by a test") : std::string();
  Arguments rest{{}, arguments.keywords};
  if (has_test) rest.values.assign(arguments.values.begin() + kSkip + 1, arguments.values.end());
  ListBuilder kept(budget);
  for (const Value& item : iterate(value, budget)) {
    const Value tested = get(item);
    const bool passes = has_test ? apply_test(name, tested, rest, budget) : tested.is_true();
    if (passes == Wanted) kept.push(item);
  }
  return kept.list();
}

Value group_by(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "groupby", {"attribute", "default", "case_sensitive"}, 1);
  const std::vector<Value> items = iterate(value, budget);
  const std::vector<Value> keys = keys_of(items, p[0], p[1], p.truth(2, false), budget);
  const std::vector<std::size_t> order = order_of(keys, false, budget);
  const Getter get(p[0], p[1], budget);
  ListBuilder groups(budget);
  for (std::size_t i = 0; i < order.size();) {
    ListBuilder group(budget);
    const std::size_t begin = i;
    while (i < order.size() && equal(keys[order[i]], keys[order[begin]], budget)) group.push(items[order[i++]]);
    ListBuilder pair(budget);
    pair.push(get(items[order[begin]]));
    pair.push(group.list());
    groups.push(pair.tuple());
  }
  return groups.list();
}

Value batch(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "batch", {"linecount", "fill_with"}, 1);
  const std::int64_t count = p.integer(0, 0);
  if (count < 1) throw_unsupported("batch into lines of less than 1");
  const bool fills = p[1] != nullptr && !p[1]->is(Kind::kNone);
  ListBuilder lines(budget);
  ListBuilder line(budget);
  const auto width = static_cast<std::size_t>(count);
  for (const Value& item : iterate(value, budget)) {
    if (line.items().size() == width) {
      lines.push(line.list());
    }
    line.push(item);
  }
  if (line.items().empty()) return lines.list();
  if (fills) {
    line.reserve(width - line.items().size());
    while (line.items().size() < width) line.push(*p[1]);
  }
  lines.push(line.list());
  return lines.list();
}

/// Columns of nearly equal length; the longer ones come first.
Value slice(const Value& value, const Arguments& arguments, Budget& budget) {
  const Parameters p(arguments, "slice", {"slices", "fill_with"}, 1);
  const std::vector<Value> items = iterate(value, budget);
  const std::int64_t slices = p.integer(0, 0);
  if (slices < 1) throw_unsupported("slice into less than 1");
  const auto count = static_cast<std::size_t>(slices);
  const std::size_t length = items.size() / count;
  const std::size_t longer = items.size() % count;
  ListBuilder columns(budget);
  columns.reserve(count);
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ListBuilder column(budget);
    const std::size_t size = length + (i < longer ? 1 : 0);
    for (std::size_t k = 0; k < size; ++k) column.push(items[next++]);
    if (p[1] != nullptr && !p[1]->is(Kind::kNone) && i >= longer) column.push(*p[1]);
    columns.push(column.list());
  }
  return columns.list();
}

constexpr std::array kListFilters = {
    NamedFilter{"batch", batch},
    NamedFilter{"dictsort", dict_sort},
    NamedFilter{"first", first},
    NamedFilter{"groupby", group_by},
    NamedFilter{"join", join},
    NamedFilter{"last", last},
    NamedFilter{"list", list},
    NamedFilter{"map", map},
    NamedFilter{"max", extreme<true>},
    NamedFilter{"min", extreme<false>},
    NamedFilter{"reject", select<false, false>},
    NamedFilter{"rejectattr", select<false, true>},
    NamedFilter{"reverse", reverse},
    NamedFilter{"select", select<true, false>},
    NamedFilter{"selectattr", select<true, true>},
    NamedFilter{"slice", slice},
    NamedFilter{"sort", sort},
    NamedFilter{"sum", sum},
    NamedFilter{"unique", unique},
};

}  // namespace

std::span<const NamedFilter> list_filters() {
  return kListFilters;
}

}  // namespace xw::tokenizer::jinja
