// Results of chip simulations for spreadsheets: comma-separated values with a head line (RFC 4180).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "host/report/chip_run.hpp"
#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::report {

/// A line per run: workload, time, energy, utilisation, then time and energy by component.
[[nodiscard]] std::string runs_csv(const systemc::ChipPlan& plan, const std::vector<ChipRun>& runs);
/// A line per step of the plan, summed over tokens: time on the critical path and energy by component; static power is in
/// none of them.
[[nodiscard]] std::string steps_csv(const systemc::ChipPlan& plan, const systemc::ChipResult& result);

}  // namespace xw::report
