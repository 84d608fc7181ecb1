// Programs whose tiles are written anew: the words of the same tiles on a chip that has all of them, and writes counted by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::ProgramShape;
using testing::ElementsAre;
using testing::Pair;

/// Five calls of a tile each.
ProgramShape five_tiles(std::uint32_t chip_tiles, std::uint32_t areas) {
  ProgramShape shape;
  shape.calls.assign(5, {64, {64}, {}});
  shape.chip_tiles = chip_tiles;
  shape.areas = areas;
  return shape;
}

/// Calls of several tiles, with blocks of different heights.
ProgramShape ragged(std::uint32_t chip_tiles, std::uint32_t areas) {
  ProgramShape shape;
  shape.calls = {{96, {96, 32, 32}, {}}, {96, {96}, {}}, {96, {160, 160}, {}}, {160, {96}, {}}, {96, {130}, {}}};
  shape.chip_tiles = chip_tiles;
  shape.areas = areas;
  return shape;
}

class Reload : public testing::Test {
 protected:
  std::shared_ptr<const program::Program> make(const ProgramShape& shape) const {
    return test::make_program(shape, hardware, 3);
  }
  static std::vector<std::int32_t> run(ChipInstance& chip, std::uint32_t call, std::uint32_t vectors) {
    const std::uint32_t features = chip.program().manifest().calls[call].in_features;
    std::vector<std::int8_t> codes(std::size_t{vectors} * features);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
    return chip.run_codes(call, codes, vectors, 0);
  }

  Hardware hardware;
  ThreadPool pool{2};
  functional::FunctionalDevice device{hardware.emulator(), pool};
};

TEST_F(Reload, TilesAreWrittenAsOftenAsCallsNeedOthers) {
  // Two tiles take turns: calls 0 and 1, 2 and 3, 4 alone.
  ChipInstance chip(make(five_tiles(2, 1)), device, {}, pool);
  EXPECT_THAT(chip.tile_writes(), ElementsAre()) << "nothing before somebody needs it";
  for (int pass = 0; pass < 2; ++pass) {
    for (std::uint32_t call = 0; call < 5; ++call) (void)run(chip, call, 3);
  }
  EXPECT_THAT(chip.tile_writes(), ElementsAre(Pair(0, 2 * 3), Pair(1, 2 * 2)));
  for (const std::uint32_t call : {4U, 4U, 0U, 1U, 0U, 1U}) (void)run(chip, call, 11);
  EXPECT_THAT(chip.tile_writes(), ElementsAre(Pair(0, 2 * 3 + 1), Pair(1, 2 * 2 + 1)))
      << "batches of 4 are one writing";
}

TEST_F(Reload, AreasBeforeTheLastAreWrittenOnce) {
  // Tile 0 keeps call 0, tile 1 call 1; tile 2 has calls 2, 3 and 4 in turn.
  ChipInstance chip(make(five_tiles(3, 3)), device, {}, pool);
  EXPECT_THAT(chip.tile_writes(), ElementsAre(Pair(0, 1), Pair(1, 1)));
  for (int pass = 0; pass < 4; ++pass) {
    for (std::uint32_t call = 0; call < 5; ++call) (void)run(chip, call, 1);
  }
  EXPECT_THAT(chip.tile_writes(), ElementsAre(Pair(0, 1), Pair(1, 1), Pair(2, 4 * 3)));
}

TEST_F(Reload, CellsAreCountedWhereTheChipHasThem) {
  const auto program = make(ragged(24, 2));
  const program::TileRounds& rounds = program->manifest().rounds;
  ASSERT_EQ(rounds.tiles_per_round, 12U);
  ASSERT_GE(rounds.count(program->manifest().num_tiles), 3U) << "two rounds take turns";
  ChipInstance chip(program, device, {}, pool);
  constexpr std::uint64_t kPasses = 3;
  for (std::uint64_t pass = 0; pass < kPasses; ++pass) {
    for (std::uint32_t call = 0; call < 5; ++call) (void)run(chip, call, 2);
  }
  // Round 0 is in tiles 0 to 11 of the chip, all others in 12 to 23.
  std::map<std::uint32_t, std::uint64_t> expected;
  for (const program::BlockRecord& block : program->blocks()) {
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      if (program->columns()[block.column_offset + col].w_max == 0) continue;
      const bool stays = block.tile < 12;
      expected[stays ? block.tile : 12 + block.tile % 12] += block.rows * (stays ? 1 : kPasses);
    }
  }
  EXPECT_EQ(chip.cell_writes(), expected);
}

TEST_F(Reload, WordsAreThoseOfAChipThatHasAllTiles) {
  for (const auto& [tiles, areas] : {std::pair(12U, 1U), std::pair(24U, 2U), std::pair(13U, 1U)}) {
    SCOPED_TRACE(std::to_string(tiles) + " tiles, " + std::to_string(areas) + " areas");
    ProgramShape shape = ragged(tiles, areas);
    const ChipOptions options{.chip_seed = 5, .noise = "gaussian:gamma=0.03", .read_sigma = 0.02};
    ChipInstance chip(make(shape), device, options, pool);
    shape.enough_tiles = true;
    ChipInstance whole(make(shape), device, options, pool);
    ASSERT_TRUE(chip.program().manifest().rounds.any());
    ASSERT_FALSE(whole.program().manifest().rounds.any());
    for (int pass = 0; pass < 2; ++pass) {
      for (std::uint32_t call = 0; call < 5; ++call) EXPECT_EQ(run(chip, call, 6), run(whole, call, 6)) << call;
    }
  }
}

TEST_F(Reload, ConvertersAreThoseOfTheTilesOfTheChip) {
  // Differences of converters are drawn by tile of the chip: tiles 0, 2 and 4 of the program have the same ones.
  const auto program = make(five_tiles(2, 1));
  const Placement placement(*program, hardware.tile_cols, cells::Faults({}, 0), {});
  EXPECT_EQ(placement.tile(0), 0U);
  EXPECT_EQ(placement.tile(2), 0U);
  EXPECT_EQ(placement.tile(3), 1U);
  EXPECT_EQ(placement.tile(4), 0U);
}

TEST_F(Reload, WhatItGoesWithoutIsRefusedByName) {
  const auto program = make(five_tiles(2, 1));
  const auto refused = [&](const char* what, const std::function<void(ChipOptions&)>& change) {
    ChipOptions options{.chip_seed = 1, .noise = "pcm-afm", .read_sigma = 0};
    change(options);
    test::expect_error(ErrorCode::kUnsupported, what, [&] { const ChipInstance chip(program, device, options, pool); });
  };
  refused("without a time since programming", [](ChipOptions& o) { o.seconds = 1; });
  refused("without compensation", [](ChipOptions& o) { o.compensation = "global"; });
  refused("without faults", [](ChipOptions& o) { o.faults = "tiles=0.5"; });
  ChipInstance chip(program, device, {.chip_seed = 1, .noise = "pcm-afm", .read_sigma = 0}, pool);
  const std::vector<std::int32_t> before = run(chip, 1, 2);
  test::expect_error(ErrorCode::kUnsupported, "without a time since programming", [&] { chip.age(60); });
  EXPECT_EQ(run(chip, 1, 2), before);
  EXPECT_NO_THROW(chip.age(0));
}

}  // namespace
}  // namespace xw::runtime
