// Simulations of the chip as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <vector>

#include "arch/description/description.hpp"
#include "host/report/chip_run.hpp"

namespace xw::report {

/// Time, pace, energy, rates, use and the shares of all components. `layers`: also a table by layer.
void write_chip_run(std::ostream& out, const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                    const ChipRun& simulated, bool layers);

/// A line for each run of one token (toolchain::sweep_contexts).
void write_chip_sweep(std::ostream& out, const systemc::ChipPlan& plan, const std::vector<ChipRun>& sweep);

}  // namespace xw::report
