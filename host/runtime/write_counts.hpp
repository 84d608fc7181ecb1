// How often the tiles of a chip are written.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/program/program.hpp"
#include "host/runtime/placement.hpp"

namespace xw::runtime {

/// By tile of the chip.
using TileCounts = std::map<std::uint32_t, std::uint64_t>;

/// Counts the cells with weights that are written: once when the chip is loaded, those of tiles that take turns whenever a call needs other
/// ones than those that are there; before the first of them nothing is.
class WriteCounts {
 public:
  WriteCounts() = default;
  WriteCounts(const program::Program& program, const Placement& placement);

  /// A call is about to run.
  void enter(std::uint32_t call);
  /// Writes of cells.
  [[nodiscard]] const TileCounts& cells() const { return cells_; }
  /// Writes of tiles: how often the most written cells of each have been written.
  [[nodiscard]] const TileCounts& tiles() const { return tiles_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  void write(const TileCounts& cells);

  TileCounts cells_, tiles_;
  std::vector<TileCounts> rounds_;       ///< cells of the rounds that take turns
  std::vector<std::uint32_t> round_of_;  ///< by call; kNone: its tiles stay as they are
  std::uint32_t there_ = kNone;
};

}  // namespace xw::runtime
