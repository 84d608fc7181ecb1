// One chip whose tiles are written anew between layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "host/toolchain/plan/candidate.hpp"

namespace xw::toolchain {

/// The best split of the chip's tiles into a part that is written once and a part that is written in every round, by the objective
/// (latency: time of a token; otherwise its energy). `plan.reason` says so where there is none.
[[nodiscard]] DeploymentPlan reload_plan(const PlannedLayers& layers, const arch::ChipDescription& chip,
                                         const mapping::TileShape& tile, const PlanOptions& options);

}  // namespace xw::toolchain
