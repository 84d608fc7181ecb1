// Who wrote and who read every word of a buffer last. Private to compiler/program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <map>

#include "arch/generated/xw_arch.hpp"

namespace xw::program {

/// State of a run of words. Times count the instructions of a unit from 1; 0: never.
struct AccessState {
  std::uint32_t write = 0;                              ///< last write, by the buffer's only writing unit
  std::array<std::uint32_t, arch::kMaxEngines> read{};  ///< last read since that write, per reading unit
};

/// An interval map over [0, size): neighbouring words with one history share an entry.
class AccessMap {
 public:
  explicit AccessMap(std::uint32_t size) : size_(size) { states_[0] = {}; }

  /// Calls visit(state) for all runs of [begin, end), which lies inside the buffer. The runs are cut at the borders.
  template <typename Visit>
  void for_each(std::uint32_t begin, std::uint32_t end, Visit&& visit) {
    const auto first = cut(begin);
    const auto last = end < size_ ? cut(end) : states_.end();
    for (auto it = first; it != last; ++it) visit(it->second);
  }

  /// Gives all of [begin, end) one state.
  void assign(std::uint32_t begin, std::uint32_t end, const AccessState& state) {
    const auto first = cut(begin);
    const auto last = end < size_ ? cut(end) : states_.end();
    first->second = state;
    states_.erase(std::next(first), last);
  }

 private:
  using Map = std::map<std::uint32_t, AccessState>;

  Map::iterator cut(std::uint32_t at) {
    const auto after = states_.upper_bound(at);
    const auto run = std::prev(after);
    if (run->first == at) return run;
    return states_.emplace_hint(after, at, run->second);
  }

  std::uint32_t size_;
  Map states_;  // begin of a run -> its state
};

}  // namespace xw::program
