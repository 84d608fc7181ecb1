// How often the tiles of a chip are written.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/write_counts.hpp"

namespace xw::runtime {

WriteCounts::WriteCounts(const program::Program& program, const Placement& placement) {
  const program::Manifest& manifest = program.manifest();
  const program::TileRounds& rounds = manifest.rounds;
  round_of_.assign(manifest.calls.size(), kNone);
  if (rounds.any()) rounds_.resize(rounds.count(manifest.num_tiles) - rounds.first_reloaded());
  TileCounts once;
  for (const program::BlockRecord& block : program.blocks()) {
    std::uint64_t columns = 0;
    for (std::uint32_t col = 0; col < block.cols; ++col)
      columns += program.columns()[block.column_offset + col].w_max != 0 ? 1 : 0;
    TileCounts* counts = &once;
    if (rounds.is_reloaded(block.tile)) {
      const std::uint32_t round = rounds.round_of(block.tile) - rounds.first_reloaded();
      round_of_[manifest.matrices[block.matrix].call] = round;
      counts = &rounds_[round];
    }
    (*counts)[placement.tile(block.tile)] += columns * block.rows;
  }
  write(once);
}

void WriteCounts::write(const TileCounts& cells) {
  for (const auto& [tile, count] : cells) {
    cells_[tile] += count;
    ++tiles_[tile];
  }
}

void WriteCounts::enter(std::uint32_t call) {
  const std::uint32_t round = round_of_[call];
  if (round == kNone || round == there_) return;
  write(rounds_[round]);
  there_ = round;
}

}  // namespace xw::runtime
