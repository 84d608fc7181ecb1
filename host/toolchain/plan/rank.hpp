// Which plans are worth looking at.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/toolchain/plan/plan.hpp"

namespace xw::toolchain {

/// Marks the Pareto plans over silicon (tiles of all chips by their cells), time and energy of a token, time of a prompt, cells written for a
/// batch and expected loss, as far as they are known; the best by the objective; orders plans; says the smallest change that would make the model fit.
void rank(PlanReport& report);

}  // namespace xw::toolchain
