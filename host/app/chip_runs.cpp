// Simulations of the chip with the time that they take.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/app/chip_runs.hpp"

#include <chrono>

#include "host/backends/systemc/chip_simulation.hpp"

namespace xw::app {

report::ChipRun run_on_chip(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                            const systemc::ChipWorkload& workload, bool activities) {
  const auto begin = std::chrono::steady_clock::now();
  report::ChipRun run{workload, systemc::simulate_chip(plan, chip, workload, {activities}), 0};
  run.host_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return run;
}

}  // namespace xw::app
