// Where the tiles and columns of a program are on a chip with faults: spares take the place of what is broken. Nothing is compiled again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/program/program.hpp"
#include "models/cells/faults.hpp"

namespace xw::runtime {

inline constexpr std::uint32_t kMostSpareColumns = 1024, kMostSpareTiles = 1U << 20U;

/// What a chip has beyond what programs know: columns of every tile behind the described ones, tiles behind those of the program.
struct Spares {
  std::uint32_t columns = 0, tiles = 0;
};
/// Reads "none", or "columns=N,tiles=N" with one or both. Throws Error{kInvalidArgument}.
[[nodiscard]] Spares parse_spares(std::string_view text);

/// What is broken where a program wants its weights, what could be moved to spares, and what could not.
struct FaultReport {
  using Place = std::pair<std::uint32_t, std::uint32_t>;  ///< tile of the program, and row or column of it
  struct MovedColumn {
    std::uint32_t tile = 0, column = 0, to = 0;
  };
  std::vector<std::pair<std::uint32_t, std::uint32_t>> moved_tiles;  ///< tile of the program, tile of the chip
  std::vector<MovedColumn> moved_columns;                            ///< `to`: column of the chip's tile
  std::vector<std::uint32_t> lost_tiles;                             ///< dead, without a spare: weights are 0
  std::vector<Place> lost_rows, lost_columns;                        ///< likewise
  std::uint64_t stuck_low = 0, stuck_high = 0;                       ///< cells that hold weights, after moving
};

/// Tiles of the program where they are on the chip.
class Placement {
 public:
  /// Without faults everything is where the program says.
  Placement() = default;
  /// Dead tiles go to the first spares that live, then tiles with dead rows under weights to spares with fewer, the worst first. In a tile, dead
  /// columns with weights go to the first spare columns that live, then columns with stuck cells to spares with fewer, the worst first. `cols`: of a
  /// tile of the chip. Columns without weights count for nothing. Tiles that take turns are where their round is; such a program has no faults.
  Placement(const program::Program& program, std::uint32_t cols, const cells::Faults& faults, const Spares& spares);

  /// Tile of the chip.
  [[nodiscard]] std::uint32_t tile(std::uint32_t tile) const;
  /// Columns of the chip's tile for the columns [column0, + count) of a tile of the program that are elsewhere: {which, where}.
  [[nodiscard]] std::vector<std::pair<std::uint32_t, std::uint32_t>> moved(std::uint32_t tile, std::uint32_t column0,
                                                                           std::uint32_t count) const;
  [[nodiscard]] const FaultReport& report() const { return report_; }

 private:
  std::map<std::uint32_t, std::uint32_t> tiles_;
  std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> columns_;  ///< tile of the program -> column -> where
  FaultReport report_;
};

}  // namespace xw::runtime
