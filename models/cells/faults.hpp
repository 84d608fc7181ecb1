// What is broken in a chip: stuck devices, dead rows, columns and tiles; drawn by rate and seed, or as measured. docs/chip-life.md#faults.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "models/analog/threefry.hpp"

namespace xw::cells {

/// One of the two devices of a cell that no longer changes.
enum class Stuck : std::uint8_t { kNone, kLowPlus, kLowMinus, kHighPlus, kHighMinus };

/// Cell code of a cell with that device, `code` without it: a low device conducts nothing, a high one as much as a weight of w_max
/// (`g_unit`); the other device is as programmed, the magnitude of a code of its sign. Within -127..127.
[[nodiscard]] int stuck_code(Stuck stuck, int code, int g_unit);

/// What a user asks for. Rates are probabilities.
struct FaultOptions {
  double stuck_low = 0, stuck_high = 0;  ///< of a cell, on one of its devices
  double rows = 0, columns = 0;          ///< of every wordline and bitline of a tile
  double tiles = 0;
  std::optional<std::uint32_t> seed;  ///< nothing: the chip's
  std::string map;                    ///< file of faults that are there besides; empty: none
  std::string map_text;               ///< its contents; read by parse_faults
};

/// Reads "none", or "stuck-low=P,stuck-high=P,rows=P,columns=P,tiles=P,seed=N,map=FILE" with any of them, P from 0 to 1. Throws
/// Error{kInvalidArgument} for anything else, what read_text_file throws, and what Faults throws for the file.
[[nodiscard]] FaultOptions parse_faults(std::string_view text);

/// The faults of a chip. Every one is a function of (seed, tile, row, column). Immutable and thread safe.
class Faults {
 public:
  /// Throws Error{kFormat} naming file and line for a map that is none. Lines are "tile,T", "row,T,R", "column,T,C" and
  /// "cell,T,R,C,STATE" with STATE low-plus, low-minus, high-plus, high-minus; empty lines and those that begin with # mean nothing.
  Faults(const FaultOptions& options, std::uint32_t chip_seed);

  [[nodiscard]] bool any() const { return any_; }
  [[nodiscard]] bool any_stuck() const { return low_ + high_ > 0 || !cells_.empty(); }
  [[nodiscard]] bool tile(std::uint32_t tile) const;
  [[nodiscard]] bool row(std::uint32_t tile, std::uint32_t row) const;
  [[nodiscard]] bool column(std::uint32_t tile, std::uint32_t column) const;
  [[nodiscard]] Stuck cell(std::uint32_t tile, std::uint32_t row, std::uint32_t column) const;
  /// Stuck devices of cells (row, column0 ...) of a tile: changes their codes.
  void apply(std::uint32_t tile, std::uint32_t row, std::uint32_t column0, std::span<std::int8_t> codes,
             int g_unit) const;
  /// Calls body(column, stuck) for every stuck cell of columns [column0, + count) of a row, in order.
  template <typename Body>
  void for_stuck(std::uint32_t tile, std::uint32_t row, std::uint32_t column0, std::uint32_t count,
                 const Body& body) const;

  static constexpr std::uint32_t kDomain = 0x544C4146U;  // 'FALT'
  /// What is drawn: threefry2x32-20(threefry2x32-20({seed, tile}, {kDomain, what}), {row, column / 2}), word column % 2 of it for cells; the
  /// first word for {row, 0}, {column, 0}, {0, 0} of the others. It is broken if the word is below the probability times 2^32, of cells low before
  /// high; bit 0 says which device.
  enum class Draw : std::uint32_t { kCell, kRow, kColumn, kTile };

 private:
  using Place = std::pair<std::uint32_t, std::uint32_t>;  ///< tile and row, or tile and column
  void read_map(const FaultOptions& options);
  [[nodiscard]] Stuck drawn(std::uint32_t word) const;

  std::uint32_t seed_;
  std::uint64_t low_, high_, rows_, columns_, tiles_rate_;  ///< probabilities in units of 2^-32
  bool any_ = false;
  std::set<std::uint32_t> dead_tiles_;
  std::set<Place> dead_rows_, dead_columns_;
  std::map<Place, std::map<std::uint32_t, Stuck>> cells_;  ///< by tile and row, then column
};

template <typename Body>
void Faults::for_stuck(std::uint32_t tile, std::uint32_t row, std::uint32_t column0, std::uint32_t count,
                       const Body& body) const {
  if (!any_stuck()) return;
  const std::uint64_t most = low_ + high_;
  const auto key = analog::threefry2x32<20>(seed_, tile, kDomain, static_cast<std::uint32_t>(Draw::kCell));
  const bool mapped = cells_.contains({tile, row});
  const std::uint32_t end = column0 + count;
  for (std::uint32_t pair = column0 / 2; 2 * pair < end; ++pair) {
    const auto words = analog::threefry2x32<20>(key[0], key[1], row, pair);
    if (words[0] >= most && words[1] >= most && !mapped) continue;
    for (std::uint32_t column = 2 * pair < column0 ? column0 : 2 * pair; column < 2 * pair + 2 && column < end;
         ++column) {
      const Stuck stuck = mapped ? cell(tile, row, column) : drawn(words[column % 2]);
      if (stuck != Stuck::kNone) body(column, stuck);
    }
  }
}

}  // namespace xw::cells
