// First token and steady state of a simulation of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::report {

/// How soon and how fast generated tokens come, means over the sequences. The last token of a prompt gives the first one.
struct ChipPace {
  std::optional<double> first_token_ns;  ///< from the start of the run; none if no token is generated
  std::optional<double> next_token_ns;   ///< from one generated token of a sequence to its next; none for a single one
};

[[nodiscard]] ChipPace pace_of(const systemc::ChipWorkload& workload, const systemc::ChipResult& result);

}  // namespace xw::report
