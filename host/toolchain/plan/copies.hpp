// Which calls get further copies in free tiles, and the layers and the placement with them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "host/toolchain/plan/candidate.hpp"
#include "host/toolchain/plan/duplicate.hpp"

namespace xw::toolchain {

/// Copies of the calls of a placement on one chip that make a prompt of the options fastest for at most `budget` further tiles; a copy takes as
/// many tiles as its original lies in (mapping::append_copy). No stage is made faster than the digital units at the middle of the prompt.
[[nodiscard]] Duplication choose_copies(const PlannedLayers& layers, const mapping::Plan& placed,
                                        const arch::ChipDescription& chip, const PlanOptions& options,
                                        std::uint64_t budget);

/// Adds them as calls of their own, as the compiler does.
void add_copies(PlannedLayers& layers, mapping::Plan& placed, const std::vector<std::uint32_t>& copies);

/// The same choice for a model that is about to be compiled, as rules of compiler::CompileOptions::duplicates: call by call. `tiles`: that copies may
/// take, 0: all that are free. Throws Error{kInvalidArgument} for a chip of as many tiles as wanted and no budget, or without constants of time and
/// energy, Error{kUnsupported} for tiers, Error{kCapacity} if the model does not fit, or no copy does.
[[nodiscard]] std::vector<passes::ReplicaRule> copy_rules(const ir::Graph& graph, const arch::ChipDescription& chip,
                                                          const arch::EmulatorDescription& emulator,
                                                          const compiler::Calibration& calibration,
                                                          const PlanOptions& options, std::uint32_t tiles);

}  // namespace xw::toolchain
