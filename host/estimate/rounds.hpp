// The static estimate of tokens that go through rounds together. Private to host/estimate.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/estimate/static_estimate.hpp"

namespace xw::estimate {

/// Changes decode and prefill of an estimate of `plan`, which has rounds, from tokens that follow each other through everything to tokens that
/// wait for each other in front of every round, and adds what is written.
void estimate_rounds(StaticEstimate& estimate, const systemc::ChipPlan& plan, const ir::Graph& graph,
                     const arch::ChipDescription& chip, std::uint32_t batch);

}  // namespace xw::estimate
