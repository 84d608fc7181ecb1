// What a site of an adaptation may have, and the noise that it would have then.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "compiler/passes/budget.hpp"
#include "host/toolchain/adapt/solve.hpp"

namespace xw::toolchain {

/// Ranks 0 to 64 (at most a quarter of the features) with the noise over signal of the site's readers, summed over them, and the
/// digital multiply-adds. `scales`: one per input. Losses, tiles and copies are the caller's to fill in.
[[nodiscard]] passes::SiteOffer make_offer(const SiteProblem& problem, std::span<const float> scales,
                                           const AdaptPasses& options, const passes::ChipErrors& chip);

}  // namespace xw::toolchain
