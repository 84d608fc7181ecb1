// Text that grows until it holds one of some words.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/stop_text.hpp"

#include <algorithm>
#include <utility>

namespace xw::server {

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopText::push(std::string_view piece) {
  if (found_) return "";
  held_ += piece;
  // The one that is complete first ends it, whatever the pieces are; of two that end at the same place, the longer one.
  std::size_t first = std::string::npos, end = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t at = held_.find(stop);
    if (at == std::string::npos || at + stop.size() > end || (at + stop.size() == end && at > first)) continue;
    first = at;
    end = at + stop.size();
  }
  std::size_t shown = held_.size();
  if (first != std::string::npos) {
    found_ = true;
    shown = first;
  } else {
    for (const std::string& stop : stops_) {
      for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > 0; --length) {
        if (!std::string_view(held_).ends_with(std::string_view(stop).substr(0, length))) continue;
        shown = std::min(shown, held_.size() - length);
        break;
      }
    }
  }
  std::string text = held_.substr(0, shown);
  held_ = found_ ? "" : held_.substr(shown);
  return text;
}

std::string StopText::flush() {
  return std::exchange(held_, "");
}

}  // namespace xw::server
