// Linear layers as the mapping sees them, and where it cuts their inputs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/passes/group_calls.hpp"

namespace xw::compiler {

/// The matrix of a linear layer, without input cuts and group.
[[nodiscard]] mapping::MatrixShape shape_of(const passes::AnalogLinear& linear);

/// For every layer the inputs where its blocks begin (ascending, the first is 0), by the shapes, the chip's tiles and
/// the rule alone: where calibration lets input ranges begin, so that every block has one of its own. The compiler then cuts
/// there at least. Throws what mapping::make_plan throws.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> row_cuts(std::span<const passes::LinearNode> layers,
                                                               const arch::ChipDescription& chip,
                                                               mapping::RowCuts rule = mapping::RowCuts::kFewestTiles);

}  // namespace xw::compiler
