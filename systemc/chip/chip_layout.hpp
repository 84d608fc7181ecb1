// Which rectangles of which tiles are blocks. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/program/tile_rounds.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::systemc {

/// The blocks of a program where the mapping put them. Images say where their cells are, but not which of them are parts
/// of one block that the compiler cut by columns for several engines; a chip does such a block in one MVM.
struct ChipLayout {
  struct Block {
    std::uint32_t tile = 0;
    std::uint32_t row0 = 0, col0 = 0, rows = 0, cols = 0;
    std::uint32_t out_begin = 0;  ///< first output of its call
  };
  std::uint32_t num_tiles = 0;       ///< tiles that the program uses; 0: not known
  std::uint32_t tiles_per_chip = 0;  ///< of a program on several chips; 0: there is one
  std::vector<Block> blocks;  ///< in the order in which a call does them; images beside them are blocks of their own
  program::TileRounds rounds = {};       ///< which of the program's tiles lie in which of the chip's
  std::vector<RoundWork> writings = {};  ///< of the rounds that take turns
};

}  // namespace xw::systemc
