// The tile MVM with the resistance of bitlines: a study, whose words no other device gives. docs/chip-life.md#ir-drop.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "models/analog/numerics.hpp"

namespace xw::functional {

inline constexpr double kMostIrDrop = 0.1;

/// What cells of one column are worth behind its wires, [block.rows], in units of cell codes. `ir_drop`: conductance of a cell with code
/// 127 over that of the wire from one row to the next.
[[nodiscard]] std::vector<double> effective_cells(const analog::BlockView& block, std::uint32_t column, double ir_drop);

/// analog::tile_mvm_reference with the sums of effective cells, rounded to the nearest integer (half to even) before read noise and ADC.
std::uint64_t tile_mvm_with_ir_drop(const analog::BlockView& block, const analog::MvmBatch& batch, double ir_drop);

}  // namespace xw::functional
