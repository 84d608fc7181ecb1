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

/// Servers of one kind, each doing one thing at a time in the order of the requests.
class Servers {
 public:
  /// When what is requested at `ready` and takes `ns` is done.
  double occupy(std::uint32_t server, double ready, double ns);
  /// The same for bytes over a channel: when they have arrived.
  double move(const systemc::ChannelCost& channel, std::uint32_t server, double ready, double bytes);

 private:
  std::vector<double> free_;  ///< by number, those that have been asked
};

/// The parts of a chip and when they are free, as work is requested of them.
class ChipTimes {
 public:
  explicit ChipTimes(const systemc::ChipCosts& costs) : costs_(costs) {}
  /// Inputs of a call that begins now, and its blocks in their tiles: when each block is done.
  [[nodiscard]] std::vector<double> start(const systemc::CallWork& work, const systemc::RoutedCall& call, double now);
  /// Sums of the blocks: when the last one is there.
  [[nodiscard]] double finish(const systemc::CallWork& work, const systemc::RoutedCall& call,
                              const std::vector<double>& ends);
  /// A digital step, in the digital units and the memory of a chip at the same time.
  [[nodiscard]] double digital(const systemc::DigitalWork& work, std::uint32_t chip, double now);
  /// Activations over links from chip to chip.
  [[nodiscard]] double carry(const std::vector<std::uint32_t>& links, std::uint64_t bytes, double now);

 private:
  [[nodiscard]] double mvm_ns(std::uint32_t cols);

  const systemc::ChipCosts& costs_;
  std::vector<double> mvm_ns_;  ///< by columns, those that have been asked; below 0: not yet
  Servers tiles_, input_links_, output_links_, accumulators_, buffers_, chip_links_, digital_units_, memories_;
};

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
