// The static estimate of tokens that go through rounds together. Private to host/estimate.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/estimate/static_estimate.hpp"

namespace xw::estimate {

/// The estimate of a plan without its rounds. `together`: tokens of a prompt all stand in front of the first step at the beginning, as they do behind a
/// writing; otherwise they enter one after the other. The chip has constants of time and energy.
[[nodiscard]] StaticEstimate part_estimate(const systemc::ChipPlan& plan, const ir::Graph& graph,
                                           const arch::ChipDescription& chip, std::uint32_t context,
                                           std::uint32_t prefill_tokens, bool together);

/// Changes decode and prefill of an estimate of `plan`, which has rounds, from tokens that follow each other through everything to tokens that
/// wait for each other in front of every round, and adds what is written.
void estimate_rounds(StaticEstimate& estimate, const systemc::ChipPlan& plan, const ir::Graph& graph,
                     const arch::ChipDescription& chip, std::uint32_t batch);

}  // namespace xw::estimate
