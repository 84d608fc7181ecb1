// The chip that a program runs on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/chip_target.hpp"

#include <cstdint>
#include <vector>

#include "systemc/chip/rounds.hpp"

namespace xw::systemc {

ChipLayout chip_layout(const program::Program& program) {
  ChipLayout layout;
  const program::Manifest& manifest = program.manifest();
  layout.num_tiles = manifest.num_tiles;
  layout.tiles_per_chip = manifest.tiles_per_chip;
  layout.rounds = manifest.rounds;
  layout.writings = rounds_of(manifest, program.blocks());
  std::vector<std::uint32_t> first_output(manifest.matrices.size(), 0);  // of a matrix among those of its call
  for (const program::CallInfo& call : manifest.calls) {
    std::uint32_t outputs = 0;
    for (const std::uint32_t matrix : call.matrices) {
      first_output[matrix] = outputs;
      outputs += manifest.matrices[matrix].out_features;
    }
  }
  for (const program::BlockRecord& block : program.blocks()) {
    layout.blocks.push_back(
        {block.tile, block.row0, block.col0, block.rows, block.cols, first_output[block.matrix] + block.out_begin});
  }
  return layout;
}

}  // namespace xw::systemc
