// Filling the same tiles round by round.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/rounds.hpp"

#include <algorithm>
#include <cstddef>
#include <map>

#include "arch/support/error.hpp"
#include "compiler/mapping/chips.hpp"

namespace xw::mapping {
namespace {

/// Whether every group is in one round.
bool keeps_groups_whole(const Plan& plan, std::span<const MatrixShape> matrices, std::uint32_t tiles_per_round) {
  std::map<std::uint64_t, std::uint32_t> round_of;
  return std::all_of(plan.blocks.begin(), plan.blocks.end(), [&](const PlacedBlock& block) {
    const std::uint32_t round = block.tile / tiles_per_round;
    return round_of.try_emplace(group_of(matrices, block.matrix), round).first->second == round;
  });
}

/// Numbers tiles anew, without those that hold nothing.
void close_gaps(Plan& plan) {
  std::vector<std::uint32_t> number(plan.num_tiles, 0);
  for (const PlacedBlock& block : plan.blocks) number[block.tile] = 1;
  std::uint32_t next = 0;
  for (std::uint32_t& tile : number) tile = tile == 0 ? 0 : next++;
  for (PlacedBlock& block : plan.blocks) block.tile = number[block.tile];
  plan.num_tiles = next;
}

/// Whether there are cells enough for every group by itself: tells without a layout.
bool has_cells(std::span<const MatrixShape> matrices, const TileShape& tile, std::uint32_t tiles_per_round) {
  const std::uint64_t there = std::uint64_t{tile.rows} * tile.cols * tiles_per_round;
  std::map<std::uint64_t, std::uint64_t> cells;
  for (std::uint32_t m = 0; m < matrices.size(); ++m) {
    std::uint64_t& of_group = cells[group_of(matrices, m)];
    of_group += std::uint64_t{matrices[m].in_features} * matrices[m].out_features * matrices[m].replicas;
    if (of_group > there) return false;
  }
  return true;
}

std::uint32_t tiles_per_area(const TileShape& tile, std::uint32_t areas) {
  if (areas == 0) throw Error(ErrorCode::kInvalidArgument, "mapping: expected at least 1 area of a chip, found 0");
  return tile.max_tiles / areas;
}

}  // namespace

std::vector<std::uint32_t> area_choices(std::uint32_t tiles) {
  std::vector<std::uint32_t> choices;
  for (std::uint32_t areas = 1; areas <= std::min(tiles, kMostAreas); areas *= 2) choices.push_back(areas);
  return choices;
}

std::optional<Plan> make_rounds_plan(std::span<const MatrixShape> matrices, const TileShape& tile,
                                     std::uint32_t areas) {
  const std::uint32_t per_round = tiles_per_area(tile, areas);
  if (per_round == 0 || !has_cells(matrices, tile, per_round)) return std::nullopt;
  Plan plan = make_chips_plan(matrices, tile.unlimited(), {per_round, 0, ChipBorders::kWholeCalls});
  const std::uint32_t rounds = plan.num_chips();
  plan.tiles_per_chip = 0;
  if (rounds <= areas) {
    close_gaps(plan);
    return plan;
  }
  if (!keeps_groups_whole(plan, matrices, per_round)) return std::nullopt;
  plan.tiles_per_round = per_round;
  plan.areas = areas;
  return plan;
}

std::string explain_rounds(std::span<const MatrixShape> matrices, const TileShape& tile, std::uint32_t areas) {
  const std::uint32_t per_round = tiles_per_area(tile, areas);
  const std::string there = areas == 1 ? "the chip has " + std::to_string(per_round)
                                       : "each of the " + std::to_string(areas) + " areas of the chip's " +
                                             std::to_string(tile.max_tiles) + " tiles has " + std::to_string(per_round);
  for (std::size_t begin = 0; begin < matrices.size();) {
    std::size_t end = begin + 1;
    while (end < matrices.size() && matrices[end].group != 0 && matrices[end].group == matrices[begin].group) ++end;
    const std::uint32_t needed = make_plan(matrices.subspan(begin, end - begin), tile.unlimited()).num_tiles;
    if (needed > per_round) {
      std::string text = "reload: '" + matrices[begin].name + "' ";
      if (end - begin > 1) text += "and the " + std::to_string(end - begin - 1) + " that run with it ";
      text += (end - begin > 1 ? "need " : "needs ") + std::to_string(needed) + " tiles of ";
      text += std::to_string(tile.rows) + " x " + std::to_string(tile.cols) + " at the same time, ";
      text += there;
      text += ": no round holds a layer that is larger; ";
      text += areas == 1 ? "keep it digital, or use a larger chip or several" : "use fewer areas, or keep it digital";
      return text;
    }
    begin = end;
  }
  return "reload: " + there + " tiles, which is too few for a round";
}

}  // namespace xw::mapping
