// What writing cells of a chip takes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "arch/description/description.hpp"

namespace xw::arch {

/// Tiles of a chip that are written at one go.
struct TileWriting {
  std::uint64_t rows = 0;       ///< of all tiles, each from its row 0 to the last one that is used
  std::uint32_t most_rows = 0;  ///< of one tile
  std::uint64_t cells = 0;
  void add_tile(std::uint32_t tile_rows) {
    rows += tile_rows;
    most_rows = std::max(most_rows, tile_rows);
  }
  friend bool operator==(const TileWriting&, const TileWriting&) = default;
};

/// Nanoseconds, by [chip.programming]: rows of a tile are written one after the other, those of `tiles_at_once` tiles at the same time.
[[nodiscard]] double write_rows_ns(const ChipDescription& chip, const TileWriting& writing);
/// The same with the memory in its way, which delivers a byte per cell (memory_rate of [chip.timing]).
[[nodiscard]] double write_ns(const ChipDescription& chip, const TileWriting& writing);
/// Energy of writing one cell, pJ, without its byte of memory.
[[nodiscard]] double write_cell_pj(const ChipDescription& chip);

}  // namespace xw::arch
