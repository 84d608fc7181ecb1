// What every tile of a program holds.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"

namespace xw::report {

/// {"tile_rows", "tile_cols", "chips", "tiles_per_chip" (0: one chip), "matrices": [{"name", "layer", "call"}], "blocks": [{"tile", "matrix",
/// "row0", "col0", "rows", "cols"}]}: blocks by their first cell in the tile.
[[nodiscard]] nlohmann::ordered_json tile_map_json(const program::Program& program, const arch::ChipDescription& chip);

}  // namespace xw::report
