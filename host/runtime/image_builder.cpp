// Programming: from the targets of a block to the images that an engine loads.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/image_builder.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "models/analog/block_image.hpp"

namespace xw::runtime {
namespace {

/// What is broken where an image has its cells.
struct BrokenPlaces {
  BrokenPlaces(const program::BlockRecord& block, const program::ImageRecord& record, const ImageSettings& settings,
               std::uint32_t the_tile)
      : faults(settings.faults),
        tile(the_tile),
        col0(std::uint32_t{block.col0} + record.col_begin),
        g_unit(settings.g_unit) {
    if (settings.placement != nullptr) moved = settings.placement->moved(block.tile, col0, record.cols);
    if (faults == nullptr) return;
    dead = faults->tile(tile);
    std::vector<std::uint32_t> places(record.cols);
    std::iota(places.begin(), places.end(), col0);
    for (const auto& [column, to] : moved) places[column - col0] = to;
    for (std::uint32_t col = 0; col < record.cols; ++col) {
      if (faults->column(tile, places[col])) dead_columns.push_back(col);
    }
  }
  /// Cells of a row after programming.
  void apply(std::uint32_t row, std::span<std::int8_t> cells) const {
    if (faults == nullptr) return;
    if (dead || faults->row(tile, row)) {
      std::fill(cells.begin(), cells.end(), std::int8_t{0});
      return;
    }
    std::vector<std::int8_t> moved_cells;
    for (const auto& [column, to] : moved) moved_cells.push_back(cells[column - col0]);
    faults->apply(tile, row, col0, cells, g_unit);
    for (std::size_t i = 0; i < moved.size(); ++i) {
      faults->apply(tile, row, moved[i].second, std::span(moved_cells).subspan(i, 1), g_unit);
      cells[moved[i].first - col0] = moved_cells[i];
    }
    for (const std::uint32_t col : dead_columns) cells[col] = 0;
  }

  const cells::Faults* faults;
  std::uint32_t tile, col0;
  int g_unit;
  bool dead = false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> moved;  ///< column of the program's tile, column of the chip's
  std::vector<std::uint32_t> dead_columns;                     ///< of the image
};

/// Rows are programmed one by one and laid out as [column group][row][lane].
template <typename Target>
void program_cells(const program::BlockRecord& block, const program::ImageRecord& record, const ImageSettings& settings,
                   std::span<const Target> targets, int target_max, const std::vector<std::uint32_t>& unused,
                   std::int8_t* cells) {
  const std::uint32_t lanes = settings.lanes;
  const std::uint32_t col0 = std::uint32_t{block.col0} + record.col_begin;
  const std::uint32_t tile = settings.placement == nullptr ? block.tile : settings.placement->tile(block.tile);
  const BrokenPlaces broken(block, record, settings, tile);
  std::vector<std::int8_t> row_cells(record.cols);
  for (std::uint32_t row = 0; row < block.rows; ++row) {
    const std::size_t first = std::size_t{row} * block.cols + record.col_begin;
    const std::uint32_t place = std::uint32_t{block.row0} + row;
    settings.model->program_row(tile, place, col0, targets.subspan(first, record.cols), target_max, row_cells);
    for (const auto& [column, to] : broken.moved) {
      const std::uint32_t col = column - col0;
      settings.model->program_row(tile, place, to, targets.subspan(first + col, 1), target_max,
                                  std::span(row_cells).subspan(col, 1));
    }
    broken.apply(place, row_cells);
    for (const std::uint32_t col : unused) row_cells[col] = 0;
    for (std::uint32_t col = 0; col < record.cols; col += lanes) {
      const std::uint32_t count = std::min(lanes, record.cols - col);
      std::int8_t* destination = cells + (std::size_t{col} * block.rows + std::size_t{row} * lanes);
      std::memcpy(destination, row_cells.data() + col, count);
      if (count < lanes) std::memset(destination + count, 0, lanes - count);
    }
  }
}

}  // namespace

void build_image(const program::Program& program, const program::ImageRecord& record, const ImageSettings& settings,
                 std::span<std::byte> image) {
  const program::BlockRecord& block = program.blocks()[record.block];
  const std::span<const program::ColumnRecord> columns =
      program.columns().subspan(block.column_offset + record.col_begin, record.cols);

  const auto cells_offset = static_cast<std::size_t>(analog::cells_offset(record.cols));
  std::memset(image.data() + arch::kBlockImageHeaderBytes, 0, cells_offset - arch::kBlockImageHeaderBytes);
  std::vector<std::uint32_t> unused;
  for (std::uint32_t col = 0; col < record.cols; ++col) {
    const std::uint16_t entry[2] = {block.adc_gain, columns[col].out_scale};
    std::memcpy(image.data() + arch::kBlockImageHeaderBytes + std::size_t{4} * col, entry, sizeof entry);
    if (columns[col].w_max == 0) unused.push_back(col);
  }

  const std::uint32_t groups = (record.cols + settings.lanes - 1) / settings.lanes;
  const std::size_t cell_bytes = std::size_t{groups} * block.rows * settings.lanes;
  std::memset(image.data() + cells_offset + cell_bytes, 0, image.size() - cells_offset - cell_bytes);
  auto* cells = reinterpret_cast<std::int8_t*>(image.data() + cells_offset);
  const program::WeightMode mode = program.manifest().weight_mode;
  if (mode == program::WeightMode::kAnalog) {
    program_cells(block, record, settings, program.targets16(block), program::target_max(mode), unused, cells);
  } else {
    program_cells(block, record, settings, program.targets8(block), program::target_max(mode), unused, cells);
  }

  analog::ImageHeader header;
  header.rows = block.rows;
  header.cols = record.cols;
  header.tile_uid = block.tile;
  header.row0 = block.row0;
  header.col0 = std::uint32_t{block.col0} + record.col_begin;
  header.adc_shift = block.adc_shift;
  header.adc_bits = block.adc_bits;
  header.lanes = settings.lanes;
  header.read_sigma_q = settings.read_sigma_q;
  analog::seal_image(image, header);
}

}  // namespace xw::runtime
