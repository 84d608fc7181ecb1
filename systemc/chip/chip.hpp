// The analog chip: the `chip` profile of the model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <systemc>

#include "systemc/chip/channels.hpp"
#include "systemc/chip/digital_units.hpp"
#include "systemc/chip/sequencer.hpp"
#include "systemc/chip/tiles.hpp"

namespace xw::systemc {

/// All tiles of the chip, or of several linked ones, in parallel. configure(), start(), wait for done(), take_result().
class Chip final : public sc_core::sc_module {
 public:
  explicit Chip(const sc_core::sc_module_name& name);

  Sequencer sequencer{"sequencer"};
  Tiles tiles{"tiles"};
  Channels input_links{"input_links"}, output_links{"output_links"}, accumulators{"accumulators"}, buffer{"buffer"},
      memory{"memory"}, host_link{"host_link"}, chip_links{"chip_links"};  ///< host_link 0: to the chip, 1: to the host
  DigitalUnits digital{"digital"};

  /// Only while nothing runs; `plan` must outlive the run. Throws Error{kInvalidArgument} if the description has no timing
  /// or no energy constants, Error{kCapacity} if the plan needs more tiles than a chip has.
  void configure(const ChipPlan& plan, const arch::ChipDescription& chip);
  void start(const ChipWorkload& workload, bool activities) { sequencer.start(workload, activities); }
  [[nodiscard]] const sc_core::sc_event& done() const { return sequencer.done(); }
  [[nodiscard]] ChipResult take_result();

 private:
  double static_watt_ = 0, tiles_mm2_ = 0, digital_mm2_ = 0;
};

}  // namespace xw::systemc
