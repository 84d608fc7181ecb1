// What is written into tiles that are written anew.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/rounds.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

namespace xw::systemc {

std::vector<RoundWork> rounds_of(const program::Manifest& manifest, std::span<const program::BlockRecord> blocks) {
  const program::TileRounds& rounds = manifest.rounds;
  if (!rounds.any()) return {};
  std::vector<RoundWork> made(rounds.count(manifest.num_tiles) - rounds.first_reloaded());
  std::map<std::uint32_t, std::uint32_t> rows;  // of tiles of the program
  for (const program::BlockRecord& block : blocks) {
    if (!rounds.is_reloaded(block.tile)) continue;
    made[rounds.round_of(block.tile) - rounds.first_reloaded()].writing.cells += std::uint64_t{block.rows} * block.cols;
    std::uint32_t& most = rows[block.tile];
    most = std::max(most, std::uint32_t{block.row0} + block.rows);
  }
  for (const auto& [tile, count] : rows) {
    RoundWork& round = made[rounds.round_of(tile) - rounds.first_reloaded()];
    round.tiles.push_back(rounds.place_of(tile));
    round.writing.add_tile(count);
  }
  return made;
}

}  // namespace xw::systemc
