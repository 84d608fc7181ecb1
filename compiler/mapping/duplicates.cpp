// Further copies of matrices behind a plan.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/duplicates.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "arch/support/error.hpp"

namespace xw::mapping {
namespace {

/// Blocks of a matrix; they stand together.
std::span<const PlacedBlock> blocks_of(const Plan& plan, std::uint32_t matrix) {
  const auto by_matrix = [](const PlacedBlock& a, const PlacedBlock& b) { return a.matrix < b.matrix; };
  PlacedBlock key;
  key.matrix = matrix;
  const auto [first, last] = std::equal_range(plan.blocks.begin(), plan.blocks.end(), key, by_matrix);
  return {first, last};
}

}  // namespace

std::uint32_t tiles_of(const Plan& plan, std::span<const std::uint32_t> matrices) {
  std::set<std::uint32_t> tiles;
  for (const std::uint32_t matrix : matrices) {
    for (const PlacedBlock& block : blocks_of(plan, matrix)) tiles.insert(block.tile);
  }
  return static_cast<std::uint32_t>(tiles.size());
}

void append_copy(Plan& plan, std::vector<MatrixShape>& matrices, std::span<const std::uint32_t> of,
                 std::uint32_t group) {
  if (plan.tiles_per_chip != 0 || plan.tiles_per_round != 0)
    throw Error(ErrorCode::kInternal, "mapping: copies behind a plan of several chips or rounds");
  std::map<std::uint32_t, std::uint32_t> tiles;  // of the original -> of the copy
  for (const std::uint32_t matrix : of) {
    const auto copy = static_cast<std::uint32_t>(matrices.size());
    MatrixShape shape = matrices[matrix];
    shape.group = group;
    matrices.push_back(std::move(shape));
    const std::span<const PlacedBlock> found = blocks_of(plan, matrix);
    const std::vector<PlacedBlock> originals(found.begin(), found.end());  // the plan grows
    for (PlacedBlock block : originals) {
      block.matrix = copy;
      block.tile =
          tiles.try_emplace(block.tile, plan.num_tiles + static_cast<std::uint32_t>(tiles.size())).first->second;
      plan.cells_used += std::uint64_t{block.rows} * block.cols;
      plan.blocks.push_back(block);
    }
  }
  plan.num_tiles += static_cast<std::uint32_t>(tiles.size());
}

}  // namespace xw::mapping
