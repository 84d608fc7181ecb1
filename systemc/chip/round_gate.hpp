// Lets the tokens of a pass go through the rounds of a plan together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <systemc>
#include <vector>

#include "systemc/chip/chip_plan.hpp"

namespace xw::systemc {

/// Passes are the prompts of all sequences, if there are any, then one generated token of each. All tokens of a pass come to every border of
/// rounds; what is in the tiles may change when the last one has come.
class RoundGate {
 public:
  /// Only while nothing runs.
  void configure(const ChipPlan& plan);
  void start(const ChipWorkload& workload);

  [[nodiscard]] bool any() const { return num_borders_ != 0; }
  [[nodiscard]] bool is_border(std::uint32_t step) const { return borders_[step]; }
  /// A token stands in front of the step, a border.
  void arrive(std::uint32_t pass, std::uint32_t step);
  /// Waits until the tiles may hold what the call of this step needs. Returns whether the caller has to write them; it calls written() when that is
  /// done, and others wait for it.
  [[nodiscard]] bool enter(std::uint32_t pass, std::uint32_t step, std::uint32_t round);
  void written();

 private:
  [[nodiscard]] std::uint64_t tokens_of(std::uint32_t pass) const;

  std::vector<bool> borders_;          ///< by step: ChipPlan::borders()
  std::vector<std::uint32_t> border_;  ///< by step: borders at it and before it
  std::uint32_t num_borders_ = 0;
  ChipWorkload workload_;
  std::uint32_t loaded_ = kNoRound;  ///< what is in the tiles, or being written
  bool writing_ = false;
  std::map<std::uint32_t, std::vector<std::uint64_t>> arrived_;  ///< tokens, by pass and border
  sc_core::sc_event changed_;
};

}  // namespace xw::systemc
