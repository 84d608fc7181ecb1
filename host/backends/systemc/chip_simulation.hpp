// Simulates the analog chip of a program in time and energy: the `chip` profile of the SystemC model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/description/description.hpp"
#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::systemc {

struct ChipSimulationOptions {
  bool activities = false;  ///< also record what every server did when
};

inline constexpr std::uint64_t kMostTokens = 1'000'000;         ///< of a workload: each leaves a row in the result
inline constexpr std::uint32_t kMostSequences = 10'000;         ///< each has a process with a stack
inline constexpr std::uint64_t kMostPositions = 1'000'000'000;  ///< of a sequence

/// Only time, no values; they are those of every device. Thread safe: simulations take turns. Throws
/// Error{kInvalidArgument} for a description without constants and for an empty or too long workload, Error{kCapacity}
/// if the chip has too few tiles, Error{kInterrupted} after Ctrl-C.
[[nodiscard]] ChipResult simulate_chip(const ChipPlan& plan, const arch::ChipDescription& chip,
                                       const ChipWorkload& workload, const ChipSimulationOptions& options = {});

}  // namespace xw::systemc
