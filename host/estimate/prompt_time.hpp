// A prompt whose tokens follow each other through the steps, in the order in which the simulation does its work.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "arch/description/description.hpp"
#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/costs.hpp"

namespace xw::estimate {

/// Nanoseconds until `tokens` tokens from position 0 (at least 1) are done, the last one's logits included, where each part of the chip does one thing at a
/// time, first come, first served. `routes`: by call and copy. `together`: all tokens stand in front of the first step at the beginning; otherwise each
/// enters when the one before has left it. The plan's rounds and the capacity of the buffer do not count.
[[nodiscard]] double prompt_ns(const systemc::ChipPlan& plan,
                               const std::vector<std::vector<systemc::RoutedCall>>& routes,
                               const arch::ChipDescription& chip, const systemc::ChipCosts& costs, std::uint32_t tokens,
                               bool together);

}  // namespace xw::estimate
