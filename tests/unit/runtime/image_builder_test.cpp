// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/image_builder.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "models/analog/block_image.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::make_program;

class ImageBuilder : public testing::TestWithParam<program::WeightMode> {};

/// Cells, tables, header and padding of every image, cell by cell; the memory held something else before.
TEST_P(ImageBuilder, WritesEveryByteOfTheImage) {
  Hardware hardware;
  hardware.num_engines = 2;
  const auto program = make_program({{{90, {70, 33}, {}}}, GetParam(), false}, hardware, 4);
  const auto model = cells::make_programming_model({"gaussian:gamma=0.1", 77, 96});
  const int target_max = program::target_max(GetParam());
  std::uint32_t num_unused = 0;
  for (const program::ImageRecord& record : program->images()) {
    const program::BlockRecord& block = program->blocks()[record.block];
    std::vector<std::byte> image(std::size_t{64} * record.image_length, std::byte{0xA5});
    build_image(*program, record, {model.get(), hardware.lanes, 12345}, image);
    analog::BlockView view;
    ASSERT_EQ(analog::open_image(image, 64, 64, hardware.lanes, true, view), 0U);
    EXPECT_EQ(view.rows, block.rows);
    EXPECT_EQ(view.cols, record.cols);
    EXPECT_EQ(view.tile_uid, block.tile);
    EXPECT_EQ(view.row0, block.row0);
    EXPECT_EQ(view.col0, std::uint32_t{block.col0} + record.col_begin);
    EXPECT_EQ(view.adc_shift, block.adc_shift);
    EXPECT_EQ(view.adc_max, (1 << (block.adc_bits - 1)) - 1);
    EXPECT_EQ(view.read_sigma_q, 12345U);
    EXPECT_EQ(view.adc_offsets, nullptr) << "programs have none";
    const std::uint32_t lanes = hardware.lanes;
    const std::uint32_t groups = (record.cols + lanes - 1) / lanes;
    for (std::uint32_t col = 0; col < groups * lanes; ++col) {
      const bool is_used = col < record.cols;
      const program::ColumnRecord* column =
          is_used ? &program->columns()[block.column_offset + record.col_begin + col] : nullptr;
      if (is_used) {
        EXPECT_EQ(view.column_tables[2 * col], block.adc_gain);
        EXPECT_EQ(view.column_tables[2 * col + 1], column->out_scale);
        num_unused += column->w_max == 0 ? 1 : 0;
      }
      for (std::uint32_t row = 0; row < block.rows; ++row) {
        std::int8_t expected = 0;  // lanes beyond the columns, and columns without weights
        if (is_used && column->w_max != 0) {
          const std::size_t i = std::size_t{row} * block.cols + record.col_begin + col;
          const std::span<std::int8_t> cell(&expected, 1);
          if (GetParam() == program::WeightMode::kAnalog) {
            model->program_row(block.tile, block.row0 + row, view.col0 + col, program->targets16(block).subspan(i, 1),
                               target_max, cell);
          } else {
            model->program_row(block.tile, block.row0 + row, view.col0 + col, program->targets8(block).subspan(i, 1),
                               target_max, cell);
          }
        }
        ASSERT_EQ(view.cells[(std::size_t{col / lanes} * block.rows + row) * lanes + col % lanes], expected)
            << "row " << row << " column " << col;
      }
    }
    for (std::size_t i = 64 + std::size_t{4} * record.cols; i < analog::cells_offset(record.cols); ++i) {
      EXPECT_EQ(image[i], std::byte{0}) << "after the tables";
    }
    for (std::size_t i = analog::cells_offset(record.cols) + std::size_t{groups} * block.rows * lanes; i < image.size();
         ++i) {
      EXPECT_EQ(image[i], std::byte{0}) << "after the cells";
    }
  }
  EXPECT_GT(num_unused, 0U) << "the case needs columns without weights";
}

INSTANTIATE_TEST_SUITE_P(Modes, ImageBuilder,
                         testing::Values(program::WeightMode::kAnalog, program::WeightMode::kW8,
                                         program::WeightMode::kW4),
                         [](const auto& param_info) { return std::string(program::name(param_info.param)); });

}  // namespace
}  // namespace xw::runtime
