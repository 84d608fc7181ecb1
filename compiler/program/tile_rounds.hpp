// Tiles of a program that take turns on the tiles of a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace xw::program {

/// Most rounds of a program.
inline constexpr std::uint32_t kMaxRounds = 65536;

/// A program whose tiles do not all fit on its chip: they are numbered through round by round, and the chip's tiles are cut into areas of
/// as many tiles as a round has. Round r lies in area r as long as there are areas behind it; all others lie in the last area, one after the other.
struct TileRounds {
  std::uint32_t tiles_per_round = 0;  ///< 0: no tile is written anew, tiles of the program are tiles of the chip
  std::uint32_t areas = 0;            ///< at least 1 where tiles_per_round is not 0

  [[nodiscard]] bool any() const { return tiles_per_round != 0; }
  /// Rounds that tiles 0..num_tiles-1 make; 1 if no tile is written anew.
  [[nodiscard]] std::uint32_t count(std::uint32_t num_tiles) const {
    return any() && num_tiles != 0 ? (num_tiles - 1) / tiles_per_round + 1 : 1;
  }
  [[nodiscard]] std::uint32_t round_of(std::uint32_t tile) const { return any() ? tile / tiles_per_round : 0; }
  /// The first round that takes turns with others.
  [[nodiscard]] std::uint32_t first_reloaded() const { return any() ? areas - 1 : 0; }
  /// Whether the tile of the chip holds other tiles of the program, too.
  [[nodiscard]] bool is_reloaded(std::uint32_t tile) const { return any() && round_of(tile) >= first_reloaded(); }
  /// The tile of the chip that a tile of the program lies in.
  [[nodiscard]] std::uint32_t place_of(std::uint32_t tile) const {
    if (!any()) return tile;
    return std::min(round_of(tile), areas - 1) * tiles_per_round + tile % tiles_per_round;
  }
  /// Tiles of the chip that tiles 0..num_tiles-1 need.
  [[nodiscard]] std::uint32_t places(std::uint32_t num_tiles) const {
    return any() ? areas * tiles_per_round : num_tiles;
  }
  friend bool operator==(const TileRounds&, const TileRounds&) = default;
};

}  // namespace xw::program
