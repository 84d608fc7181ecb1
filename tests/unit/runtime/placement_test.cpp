// Spares take the place of broken tiles and columns, and a chip with them computes what a whole chip computes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/reference.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::make_program;
using testing::ElementsAre;
using testing::Pair;

class PlacementTest : public testing::Test {
 protected:
  /// A placement for a chip with these faults.
  Placement place(const std::string& map, const Spares& spares) {
    cells::FaultOptions options;
    options.map = "map.csv";
    options.map_text = map;
    return {*program, hardware.tile_cols, cells::Faults(options, 1), spares};
  }
  /// The n-th column of a tile that has weights.
  std::uint32_t used_column(std::uint32_t tile, std::uint32_t n) const {
    for (const program::BlockRecord& block : program->blocks()) {
      if (block.tile != tile) continue;
      for (std::uint32_t col = 0; col < block.cols; ++col) {
        if (program->columns()[block.column_offset + col].w_max != 0 && n-- == 0) return block.col0 + col;
      }
    }
    ADD_FAILURE() << "no such column";
    return 0;
  }
  std::vector<std::int32_t> run(const ChipOptions& options) {
    ChipInstance chip(program, device, options, pool);
    std::vector<std::int8_t> codes(130);
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
    return chip.run_codes(0, codes, 1, 0);
  }

  Hardware hardware;
  ThreadPool pool{2};
  std::shared_ptr<const program::Program> program = make_program({{{130, {67, 20}, {}}}}, hardware, 3);
  functional::FunctionalDevice device{hardware.emulator(), pool};
};

TEST_F(PlacementTest, DeadTilesGoToTheFirstSparesThatLive) {
  const std::uint32_t tiles = program->manifest().num_tiles;
  ASSERT_GE(tiles, 3U);
  const auto n = [](std::uint32_t value) { return std::to_string(value); };
  const Placement all = place("tile,0\ntile,2\ntile," + n(tiles) + "\n", {0, 3});
  EXPECT_THAT(all.report().moved_tiles, ElementsAre(Pair(0, tiles + 1), Pair(2, tiles + 2)));
  EXPECT_EQ(all.tile(0), tiles + 1);
  EXPECT_EQ(all.tile(1), 1U);
  EXPECT_THAT(all.report().lost_tiles, ElementsAre());
  const Placement one = place("tile,0\ntile,2\n", {0, 1});
  EXPECT_THAT(one.report().moved_tiles, ElementsAre(Pair(0, tiles)));
  EXPECT_THAT(one.report().lost_tiles, ElementsAre(2));
  // What is left helps tiles with weights under dead rows, the worst first: a whole one tile 1; one as bad as tile 0 does not help it.
  const Placement rows = place("row,0,1\nrow,1,0\nrow,1,1\nrow," + n(tiles) + ",0\n", {0, 2});
  EXPECT_THAT(rows.report().moved_tiles, ElementsAre(Pair(1, tiles + 1)));
  EXPECT_THAT(rows.report().lost_rows, ElementsAre(Pair(0, 1)));
}

TEST_F(PlacementTest, ColumnsGoToSpareColumnsTheDeadFirst) {
  const std::uint32_t dead = used_column(0, 3), stuck = used_column(0, 0), worse = used_column(0, 1);
  const auto cell = [](std::uint32_t row, std::uint32_t column) {
    return "cell,0," + std::to_string(row) + "," + std::to_string(column) + ",high-plus\n";
  };
  const std::string map = "column,0," + std::to_string(dead) + "\ncolumn,0,64\n" + cell(0, stuck) + cell(0, worse) +
                          cell(1, worse) + cell(0, 66);
  const Placement placement = place(map, {4, 0});
  // Spare column 64 is dead, 65 takes the dead one, 67 is whole and takes the worst, 66 is no better than what it would replace.
  EXPECT_THAT(placement.moved(0, 0, 64), testing::UnorderedElementsAre(Pair(dead, 65), Pair(worse, 67)));
  EXPECT_EQ(placement.report().moved_columns.size(), 2U);
  EXPECT_EQ(placement.report().stuck_high, 1U);
  EXPECT_EQ(placement.report().stuck_low, 0U);
  const Placement none = place(map, {});
  EXPECT_THAT(none.report().lost_columns, ElementsAre(Pair(0, dead)));
  EXPECT_EQ(none.report().stuck_high, 3U);
}

TEST_F(PlacementTest, AChipWithSparesComputesWhatAWholeChipComputes) {
  const std::uint32_t dead = used_column(1, 2);
  const test::TemporaryFolder folder;
  const std::string map = folder / "placement_map.csv";
  std::ofstream(map) << "tile,0\ncolumn,1," << dead << "\ncell,2,3," << used_column(2, 0) << ",high-plus\n";
  ChipOptions options{.chip_seed = 4, .noise = "ideal", .read_sigma = 0};
  const std::vector<std::int32_t> whole = run(options);
  options.faults = "map=" + map;
  const std::vector<std::int32_t> broken = run(options);
  EXPECT_NE(broken, whole);
  options.spares = "columns=2,tiles=1";
  EXPECT_EQ(run(options), whole) << "cells without noise are the same everywhere";
  ChipInstance chip(program, device, options, pool);
  ASSERT_NE(chip.faults(), nullptr);
  EXPECT_THAT(chip.faults()->moved_tiles, ElementsAre(Pair(0, program->manifest().num_tiles)));
  EXPECT_EQ(chip.faults()->moved_columns.size(), 2U);
  // Every cell with a weight was written once, where it is now.
  std::uint64_t weights = 0, writes = 0;
  for (const program::BlockRecord& block : program->blocks()) {
    for (std::uint32_t col = 0; col < block.cols; ++col)
      weights += program->columns()[block.column_offset + col].w_max != 0 ? block.rows : 0;
  }
  for (const auto& [tile, count] : chip.cell_writes()) writes += count;
  EXPECT_EQ(writes, weights);
  EXPECT_FALSE(chip.cell_writes().contains(0));
  EXPECT_TRUE(chip.cell_writes().contains(program->manifest().num_tiles));
}

TEST_F(PlacementTest, FaultsAreThoseOfTheDefinition) {
  ChipOptions options{.chip_seed = 4, .noise = "pcm-afm", .read_sigma = 0.02};
  options.faults = "stuck-low=0.02,stuck-high=0.03,rows=0.02,columns=0.05,tiles=0.2";
  for (const char* spares : {"none", "columns=3", "tiles=2", "columns=5,tiles=3"}) {
    SCOPED_TRACE(spares);
    options.spares = spares;
    std::vector<std::int8_t> codes(130);
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
    const test::ReferenceResult expected = test::reference_call(*program, 0, options, codes, 1, 0);
    const std::vector<std::int32_t> y = run(options);
    const program::CallInfo& info = program->manifest().calls[0];
    for (const program::OutputSegment& segment : info.outputs) {
      const auto matrix = static_cast<std::size_t>(
          std::find(info.matrices.begin(), info.matrices.end(), segment.matrix) - info.matrices.begin());
      for (std::uint32_t i = 0; i < segment.length; ++i)
        ASSERT_EQ(y[segment.y_word + i], expected.matrices[matrix].words[segment.out_begin + i]) << matrix << ' ' << i;
    }
  }
}

TEST(Spares, TextsThatMeanNothingAreRefused) {
  EXPECT_EQ(parse_spares("none").columns, 0U);
  EXPECT_EQ(parse_spares("columns=8,tiles=2").tiles, 2U);
  EXPECT_EQ(parse_spares("tiles=1").columns, 0U);
  for (const char* text : {"", "columns", "columns=", "columns=x", "columns=1025", "columns=1,columns=2", "rows=1"}) {
    test::expect_error(ErrorCode::kInvalidArgument, "spares: expected none, or columns=N",
                       [&] { (void)parse_spares(text); });
  }
}

}  // namespace
}  // namespace xw::runtime
