// Blocks that share a tile, moved apart into free tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/spread.hpp"

#include <algorithm>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::mapping {
namespace {

/// Tiles that are needed if none holds more than `most` blocks.
std::uint64_t tiles_for(const std::vector<std::vector<std::uint32_t>>& tiles, std::size_t most) {
  std::uint64_t needed = 0;
  for (const std::vector<std::uint32_t>& blocks : tiles) needed += (blocks.size() + most - 1) / most;
  return needed;
}

}  // namespace

void spread(Plan& plan, std::span<const MatrixShape> matrices, std::uint32_t tiles) {
  if (plan.tiles_per_chip != 0 || plan.tiles_per_round != 0)
    throw Error(ErrorCode::kInternal, "mapping: blocks of a plan of several chips or rounds moved apart");
  std::vector<std::vector<std::uint32_t>> held(plan.num_tiles);
  for (std::uint32_t b = 0; b < plan.blocks.size(); ++b) held[plan.blocks[b].tile].push_back(b);
  std::size_t most = 1;
  for (const std::vector<std::uint32_t>& blocks : held) most = std::max(most, blocks.size());
  if (tiles == 0) {
    most = 1;
  } else {  // the number of tiles falls as tiles may hold more
    std::size_t good = most;
    for (std::size_t bad = 0; bad + 1 < good;) {
      const std::size_t middle = bad + (good - bad) / 2;
      (tiles_for(held, middle) <= tiles ? good : bad) = middle;
    }
    most = good;
  }
  for (std::vector<std::uint32_t>& blocks : held) {
    const std::size_t parts = (blocks.size() + most - 1) / most;
    if (parts < 2) continue;
    std::stable_sort(blocks.begin(), blocks.end(), [&](std::uint32_t a, std::uint32_t b) {
      return group_of(matrices, plan.blocks[a].matrix) < group_of(matrices, plan.blocks[b].matrix);
    });
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % parts != 0) plan.blocks[blocks[i]].tile = plan.num_tiles + static_cast<std::uint32_t>(i % parts - 1);
    }
    plan.num_tiles += static_cast<std::uint32_t>(parts - 1);
  }
}

}  // namespace xw::mapping
