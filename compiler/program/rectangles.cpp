// A sweep over rows; the active rectangles stand side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/rectangles.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace xw::program {

std::optional<std::pair<std::size_t, std::size_t>> find_overlap(const std::vector<Rectangle>& rectangles) {
  struct Event {
    std::uint64_t row;
    bool is_begin;  // ends come first: rectangles that only touch do not overlap
    const Rectangle* rectangle;
  };
  std::vector<Event> events;
  events.reserve(rectangles.size() * 2);
  for (const Rectangle& rectangle : rectangles) {
    events.push_back({rectangle.row, true, &rectangle});
    events.push_back({rectangle.row + rectangle.rows, false, &rectangle});
  }
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return std::pair(a.row, a.is_begin) < std::pair(b.row, b.is_begin); });
  std::map<std::uint64_t, const Rectangle*> active;  // by first column; no two of them overlap
  for (const Event& event : events) {
    const Rectangle& rectangle = *event.rectangle;
    if (!event.is_begin) {
      active.erase(rectangle.col);
      continue;
    }
    const auto after = active.lower_bound(rectangle.col);
    if (after != active.end() && after->first < rectangle.col + rectangle.cols) {
      return std::pair(after->second->index, rectangle.index);
    }
    if (after != active.begin()) {
      const Rectangle& before = *std::prev(after)->second;
      if (before.col + before.cols > rectangle.col) return std::pair(before.index, rectangle.index);
    }
    active.emplace_hint(after, rectangle.col, &rectangle);
  }
  return std::nullopt;
}

}  // namespace xw::program
