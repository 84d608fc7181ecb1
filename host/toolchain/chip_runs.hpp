// Programs on the modelled chip: which description, which workloads, how long the simulation takes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"
#include "host/report/chip_run.hpp"

namespace xw::toolchain {

/// The chip that a program was compiled for, or the one of this name or file. Throws Error{kInvalidArgument} for tiles of
/// another size than the program's.
[[nodiscard]] arch::ChipDescription chip_for(const program::Program& program, const std::string& name);

/// estimate::make_chip_plan of a program. Throws what it throws.
[[nodiscard]] systemc::ChipPlan chip_plan_of(const program::Program& program);

/// Positions that the model of a program has; nothing if its graph does not say.
[[nodiscard]] std::optional<std::uint64_t> context_length(const program::Program& program);

/// A model has no positions beyond its context: what they would cost means nothing. Throws Error{kInvalidArgument} if the
/// tokens of `workload` (with sweep_contexts up to `longest`, if that is not 0) go beyond it.
void refuse_beyond_context(const program::Program& program, const systemc::ChipWorkload& workload,
                           std::uint32_t longest = 0);

/// systemc::simulate_chip with its host time; throws what it throws. activities: also what every server did when.
[[nodiscard]] report::ChipRun run_on_chip(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                                          const systemc::ChipWorkload& workload, bool activities = false);

/// One token after contexts of 1, 2, 4, ... up to `longest` tokens, its own included. Of `workload` count the number of
/// sequences and where the digital side is. Every run is appended to `runs` as it ends, so that an interrupt keeps them.
void sweep_contexts(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                    const systemc::ChipWorkload& workload, std::uint32_t longest, std::vector<report::ChipRun>& runs);

[[nodiscard]] nlohmann::ordered_json chip_runs_json(const program::Program& program, const systemc::ChipPlan& plan,
                                                    const arch::ChipDescription& chip,
                                                    const std::vector<report::ChipRun>& runs);

}  // namespace xw::toolchain
