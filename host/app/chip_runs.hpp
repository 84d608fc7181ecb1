// Simulations of the chip with the time that they take.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/description/description.hpp"
#include "host/report/chip_run.hpp"

namespace xw::app {

/// systemc::simulate_chip with its host time; throws what it throws. activities: also what every server did when.
[[nodiscard]] report::ChipRun run_on_chip(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                                          const systemc::ChipWorkload& workload, bool activities = false);

}  // namespace xw::app
