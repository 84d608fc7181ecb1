// The chip that a program runs on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/chip_target.hpp"

namespace xw::systemc {

ChipLayout chip_layout(const program::Program& program) {
  ChipLayout layout;
  layout.num_tiles = program.manifest().num_tiles;
  for (const program::BlockRecord& block : program.blocks()) {
    layout.blocks.push_back({block.tile, block.row0, block.col0, block.rows, block.cols});
  }
  return layout;
}

}  // namespace xw::systemc
