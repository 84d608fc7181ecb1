// Plans of the family graphs on a chip, as the compiler would group them and a mapping might place them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/passes/first_token.hpp"
#include "compiler/passes/group_calls.hpp"
#include "compiler/passes/select_analog.hpp"
#include "compiler/program/program.hpp"
#include "host/estimate/chip_plan.hpp"
#include "tests/unit/estimate/family_graphs.hpp"

namespace xw::test {

struct FamilyPlan {
  ir::Graph graph;
  systemc::ChipPlan plan;
};

/// Matrices are cut into blocks of at most 32x32; block b is in tile b % num_tiles, or in a tile of its own (0).
/// Of every context the first `digital_positions` are digital. With `tiles_per_chip` tiles on each, on several chips. With `rounds` (and
/// tiles of their own) calls that do not fit the rest of a round begin the next one.
inline FamilyPlan family_plan(const std::string& family, bool lm_head_analog, std::uint32_t num_tiles,
                              std::uint32_t digital_positions = 0, std::uint32_t tiles_per_chip = 0,
                              program::TileRounds rounds = {}) {
  constexpr std::uint32_t kSide = 32;
  ir::Graph imported = family_graph(family);
  passes::set_digital_positions(imported, passes::select_analog(imported, lm_head_analog, {}), digital_positions);
  std::map<std::string, std::uint32_t> analog;
  for (const std::string& name : passes::select_analog(imported, lm_head_analog, {})) analog[name] = 0;
  passes::GroupedGraph grouped = passes::group_calls(imported, analog);
  program::Manifest manifest;
  std::vector<program::BlockRecord> blocks;
  std::uint32_t next = 0;
  for (const passes::Call& call : grouped.calls) {
    program::CallInfo& info = manifest.calls.emplace_back();
    info.name = call.name;
    info.in_features = call.linears.front().in_features;
    std::uint32_t call_blocks = 0;
    for (const passes::AnalogLinear& linear : call.linears)
      call_blocks += (linear.in_features + kSide - 1) / kSide * ((linear.out_features + kSide - 1) / kSide);
    if (rounds.any() && next % rounds.tiles_per_round + call_blocks > rounds.tiles_per_round)
      next += rounds.tiles_per_round - next % rounds.tiles_per_round;
    for (const passes::AnalogLinear& linear : call.linears) {
      const auto matrix = static_cast<std::uint32_t>(manifest.matrices.size());
      info.matrices.push_back(matrix);
      program::MatrixInfo& made = manifest.matrices.emplace_back();
      made.name = linear.name;
      made.layer = linear.layer;
      made.in_features = linear.in_features;
      made.out_features = linear.out_features;
      made.call = static_cast<std::uint32_t>(manifest.calls.size() - 1);
      for (std::uint32_t in = 0; in < linear.in_features; in += kSide) {
        for (std::uint32_t out = 0; out < linear.out_features; out += kSide) {
          program::BlockRecord& block = blocks.emplace_back();
          block.matrix = matrix;
          block.tile = num_tiles == 0 ? next : next % num_tiles;
          block.in_begin = in;
          block.out_begin = out;
          block.rows = static_cast<std::uint16_t>(std::min(kSide, linear.in_features - in));
          block.cols = static_cast<std::uint16_t>(std::min(kSide, linear.out_features - out));
          ++next;
        }
      }
    }
  }
  manifest.num_tiles = num_tiles == 0 ? next : num_tiles;
  manifest.tiles_per_chip = tiles_per_chip;
  manifest.rounds = rounds;
  FamilyPlan result;
  result.plan = estimate::make_chip_plan(manifest, blocks, grouped.graph);
  result.graph = std::move(grouped.graph);
  return result;
}

}  // namespace xw::test
