// The accelerator in the `chip` profile: programs on the tiles of a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <systemc>

#include "arch/description/description.hpp"
#include "systemc/accelerator.hpp"
#include "systemc/chip/call_record.hpp"
#include "systemc/chip/chip.hpp"

namespace xw::systemc {

/// Executes the programs of the emulator profile, with the same front end and so the same words, events and errors. The
/// tiles multiply; contexts and buffers of the emulator are only names for blocks and values, so instructions take no
/// time of the chip. Once all of them are done, the chip does the blocks that they used as one call, every vector of the
/// run a sequence of its own, in the time that simulate_chip() gives such a call with the digital side on the host. Of a program whose tiles are
/// written anew that is done when a run needs other tiles than the one before. No cycles are counted; result() has the time.
class ChipAccelerator final : public sc_core::sc_module {
 private:
  CallRecord record_;

 public:
  ChipAccelerator(const sc_core::sc_module_name& name, std::uint32_t max_engines);

  Chip chip{"chip"};
  Accelerator accelerator;  ///< its sockets and events are those of the emulator profile

  /// Only while no run is in flight. Throws what Accelerator::configure and Chip::configure throw.
  void configure(const Settings& settings, const arch::ChipDescription& description, const ChipLayout& layout);
  /// Of the last run; empty if it failed.
  [[nodiscard]] const ChipResult& result() const { return result_; }
  /// Why the chip could not do what the last run did; empty: it could.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  /// The call that the run was, on the chip.
  void play();
  /// Puts the call's blocks where the chip has them; what has to be written before becomes part of the plan. False: one run uses several rounds.
  [[nodiscard]] bool place_on_chip(CallWork& call);

  arch::ChipDescription description_;
  std::uint32_t layout_tiles_ = 0;  ///< 0: not known
  program::TileRounds rounds_;
  std::vector<RoundWork> writings_;
  std::uint32_t loaded_ = kNoRound;  ///< which of the writings the tiles hold
  ChipPlan plan_;
  ChipResult result_;
  std::string problem_;
};

}  // namespace xw::systemc
