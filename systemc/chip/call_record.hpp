// The block MVMs of a run, as work of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "models/analog/numerics.hpp"
#include "systemc/chip/chip_layout.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::systemc {

/// Collects the MVM instructions of a run. Parts of a block of the layout make one MVM of the block; the same columns
/// once more begin another one.
class CallRecord {
 public:
  void set_layout(const ChipLayout& layout);
  void start();
  /// An MVM of the block `part` of an image, with inputs from byte `in_begin` of the vectors on.
  void add(const analog::BlockView& part, std::uint32_t in_begin);

  /// The run as a call of the chip; blocks in the order of the layout, then the others in the order of their MVMs.
  [[nodiscard]] CallWork call(std::uint32_t in_features, std::uint32_t out_features) const;
  /// One more than the largest number of a tile.
  [[nodiscard]] std::uint64_t num_tiles() const { return num_tiles_; }

 private:
  using Place = std::pair<std::uint32_t, std::size_t>;  ///< how often the columns were there before, block

  /// Index of the block that contains `part`, or the number of blocks.
  [[nodiscard]] std::size_t find(const analog::BlockView& part) const;

  std::vector<ChipLayout::Block> blocks_;
  std::vector<std::uint32_t> by_place_;  ///< indices of blocks, sorted by tile, row0, col0
  std::map<Place, BlockWork> uses_;
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint32_t> seen_;  ///< block, first column -> MVMs so far
  std::vector<BlockWork> others_;
  std::uint64_t num_tiles_ = 0;
};

}  // namespace xw::systemc
