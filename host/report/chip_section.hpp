// The section of a report that the simulation of the chip gives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <ostream>
#include <string>

#include "arch/description/description.hpp"
#include "host/estimate/static_estimate.hpp"
#include "host/report/chip_run.hpp"

namespace xw::report {

using estimate::CallEstimate;
using estimate::StaticEstimate;

/// A decoded token and a prompt on the simulated chip, or the reason why there is no simulation.
struct ChipSection {
  systemc::ChipPlan plan;
  std::optional<ChipRun> decode;   ///< one token at the report's context
  std::optional<ChipRun> prefill;  ///< the prompt, from position 0
  std::string absent;              ///< why `decode` and `prefill` are empty
};

/// What a decoded token of one sequence at `context` positions, its own included, is as a workload; context >= 1.
[[nodiscard]] systemc::ChipWorkload decode_workload(std::uint32_t context);
/// What a prompt of `tokens` >= 1 tokens is as a workload, the token that it gives included.
[[nodiscard]] systemc::ChipWorkload prefill_workload(std::uint32_t tokens);

/// Every number is simulated but those that carry a kind of their own.
[[nodiscard]] nlohmann::ordered_json to_json(const ChipSection& section, const std::optional<StaticEstimate>& estimate);
void print_text(const ChipSection& section, const arch::ChipDescription& chip,
                const std::optional<StaticEstimate>& estimate, std::ostream& out);

}  // namespace xw::report
