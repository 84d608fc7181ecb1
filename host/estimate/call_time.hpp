// One call on a chip that does nothing else, and how long a token keeps each part of the chip busy.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::estimate {

/// Nanoseconds of the call in the order in which the simulation does its work: inputs over buffer and links, blocks in their tiles, sums over links
/// and accumulators as soon as each is ready, every server one piece after the other.
[[nodiscard]] double call_alone_ns(const systemc::CallWork& work, const systemc::RoutedCall& call,
                                   const systemc::ChipCosts& costs);

/// How long the calls of a token keep tiles, links, accumulators and buffers busy.
class CallLoads {
 public:
  /// `copies`: the routes of every copy of the call; each does its share of the tokens.
  void add(const systemc::CallWork& work, const std::vector<systemc::RoutedCall>& copies,
           const systemc::ChipCosts& costs);
  struct Busiest {
    double ns = 0;
    std::uint32_t call = 0;  ///< that has the largest part of it, by order of add()
  };
  /// The server that the calls with `takes_part` (by order of add()) keep busy longest.
  [[nodiscard]] Busiest busiest(const std::vector<bool>& takes_part) const;

 private:
  enum class Kind : std::uint8_t { kTile, kInputLink, kOutputLink, kAccumulator, kBuffer, kChipLink };
  struct Load {
    std::uint64_t server = 0;
    double ns = 0;
  };
  std::vector<std::vector<Load>> calls_;  ///< by call, one entry per server
};

}  // namespace xw::estimate
