// One chip whose tiles are written anew between layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "host/toolchain/plan/candidate.hpp"

namespace xw::toolchain {

/// The best split of the chip's tiles into areas that are written once and one that is written in every round, by the objective (latency: time of
/// a token; energy: its energy). As `crossweave compile --reload=AREAS` lays it out, where every call fits an area; otherwise with calls that are cut over rounds, planned
/// only. Nothing if everything would have an area of its own.
[[nodiscard]] std::optional<DeploymentPlan> reload_plan(const PlannedLayers& layers, const arch::ChipDescription& chip,
                                                        const mapping::TileShape& tile, const PlanOptions& options);

}  // namespace xw::toolchain
