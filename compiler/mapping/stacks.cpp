// Blocks that work at the same time lie in stacks of their own.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/stacks.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

namespace xw::mapping {
namespace {

using Groups = std::map<std::uint64_t, std::uint32_t>;  ///< blocks by group

/// Pairs of a block of the crossbar and one of the stack that are of one group.
std::uint64_t conflicts(const Groups& crossbar, const Groups& stack) {
  std::uint64_t count = 0;
  for (const auto& [group, blocks] : crossbar) {
    const auto found = stack.find(group);
    if (found != stack.end()) count += std::uint64_t{blocks} * found->second;
  }
  return count;
}

}  // namespace

void spread_over_stacks(Plan& plan, std::span<const MatrixShape> matrices, std::uint32_t stacks) {
  std::vector<Groups> groups(plan.num_tiles);
  std::vector<std::uint32_t> order;  // crossbars as the matrices first use them
  for (const PlacedBlock& block : plan.blocks) {
    if (groups[block.tile].empty()) order.push_back(block.tile);
    ++groups[block.tile][group_of(matrices, block.matrix)];
  }
  std::vector<std::uint32_t> number(plan.num_tiles);
  std::vector<Groups> stack(stacks);
  std::vector<std::uint32_t> free(stacks);  // stacks without a crossbar of this tier
  for (std::size_t first = 0; first < order.size(); first += stacks) {
    // The last tier may be a part: its crossbars are numbered without gaps.
    free.resize(std::min<std::size_t>(stacks, order.size() - first));
    std::iota(free.begin(), free.end(), 0U);
    const std::size_t end = first + free.size();
    for (std::size_t i = first; i < end; ++i) {
      std::size_t best = 0;
      std::uint64_t fewest = conflicts(groups[order[i]], stack[free[0]]);
      for (std::size_t s = 1; s < free.size() && fewest > 0; ++s) {
        const std::uint64_t count = conflicts(groups[order[i]], stack[free[s]]);
        if (count >= fewest) continue;
        fewest = count;
        best = s;
      }
      const std::uint32_t chosen = free[best];
      free.erase(free.begin() + static_cast<std::ptrdiff_t>(best));
      number[order[i]] = static_cast<std::uint32_t>(first) + chosen;
      for (const auto& [group, blocks] : groups[order[i]]) stack[chosen][group] += blocks;
    }
  }
  for (PlacedBlock& block : plan.blocks) block.tile = number[block.tile];
}

}  // namespace xw::mapping
