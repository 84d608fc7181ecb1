// Crossbars above each other that share converters: which of them a crossbar of a plan is.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// Numbers the tiles (crossbars) of a plan anew, tile t being in stack t % stacks, so that blocks of one group lie in as many stacks as there
/// are: crossbars in the order of the groups, each into the stack with the fewest blocks of its groups among those that have a crossbar
/// less than the others. Nothing else changes. `stacks` at least 1.
void spread_over_stacks(Plan& plan, std::span<const MatrixShape> matrices, std::uint32_t stacks);

}  // namespace xw::mapping
