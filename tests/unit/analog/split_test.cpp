// Cutting the columns over images or the vectors over calls changes no bit; stacking blocks in a tile does not repeat noise.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "models/analog/block_image.hpp"
#include "models/analog/numerics.hpp"
#include "models/cells/programming.hpp"

namespace xw::analog {
namespace {

constexpr std::uint32_t kRows = 130, kCols = 200, kVectors = 11, kTile = 31, kRow0 = 256, kCol0 = 64;

/// One piece of a weight matrix in a tile: targets [row][col], gains and scales per column.
struct Piece {
  std::vector<std::int16_t> targets = std::vector<std::int16_t>(kRows * kCols);
  std::vector<std::uint16_t> gains = std::vector<std::uint16_t>(kCols);
  std::vector<std::uint16_t> scales = std::vector<std::uint16_t>(kCols);
  std::vector<std::int8_t> x = std::vector<std::int8_t>(kRows * kVectors);

  Piece() {
    std::mt19937 rng(99);
    for (auto& t : targets) t = static_cast<std::int16_t>(static_cast<int>(rng() % 65535) - 32767);
    for (auto& g : gains) g = static_cast<std::uint16_t>(32768 + rng() % 32768);
    for (auto& s : scales) s = static_cast<std::uint16_t>(rng());
    for (auto& c : x) c = static_cast<std::int8_t>(static_cast<int>(rng() % 255) - 127);
  }

  /// Image of columns [first, first + cols), programmed with noise.
  [[nodiscard]] std::vector<std::byte> image(std::uint32_t first, std::uint32_t cols, std::uint32_t lanes) const {
    const auto model = cells::make_programming_model({.noise = "pcm-afm", .chip_seed = 8, .g_unit = 96});
    std::vector<std::byte> bytes(image_bytes(kRows, cols, lanes));
    auto* cells = reinterpret_cast<std::int8_t*>(bytes.data() + cells_offset(cols));
    std::vector<std::int8_t> row_cells(cols);
    for (std::uint32_t row = 0; row < kRows; ++row) {
      model->program_row(kTile, kRow0 + row, kCol0 + first, std::span(targets).subspan(row * kCols + first, cols),
                         32767, row_cells);
      for (std::uint32_t col = 0; col < cols; ++col) {
        cells[(std::size_t{col / lanes} * kRows + row) * lanes + col % lanes] = row_cells[col];
      }
    }
    for (std::uint32_t col = 0; col < cols; ++col) {
      std::memcpy(bytes.data() + 64 + 4 * col, &gains[first + col], 2);
      std::memcpy(bytes.data() + 66 + 4 * col, &scales[first + col], 2);
    }
    ImageHeader header;
    header.rows = kRows;
    header.cols = cols;
    header.tile_uid = kTile;
    header.row0 = kRow0;
    header.col0 = kCol0 + first;
    header.adc_shift = 25;  // a few percent of the conversions saturate
    header.adc_bits = 8;
    header.lanes = lanes;
    header.read_sigma_q = quantize_read_sigma(5000.0);
    seal_image(bytes, header);
    return bytes;
  }

  /// Y [vector][col] of columns [first, first + cols) into y [kVectors][kCols]. Returns the saturated conversions.
  std::uint64_t run(std::uint32_t first, std::uint32_t cols, std::uint32_t lanes, std::uint32_t first_vector,
                    std::uint32_t num_vectors, std::vector<std::int32_t>& y) const {
    const std::vector<std::byte> bytes = image(first, cols, lanes);
    BlockView view;
    EXPECT_EQ(open_image(bytes, 512, 512, lanes, true, view), 0U);
    MvmBatch batch;
    batch.x = x.data() + std::size_t{first_vector} * kRows;
    batch.x_stride = kRows;
    batch.y = y.data() + std::size_t{first_vector} * kCols + first;
    batch.y_stride = kCols;
    batch.num_vectors = num_vectors;
    batch.vector_base = 1000 + first_vector;
    batch.chip_seed = 8;
    return tile_mvm(view, batch);
  }
};

TEST(Split, ColumnsOverImages) {
  const Piece piece;
  std::vector<std::int32_t> whole(kVectors * kCols);
  const std::uint64_t whole_saturated = piece.run(0, kCols, 64, 0, kVectors, whole);
  EXPECT_GT(whole_saturated, 0U);
  std::mt19937 rng(5);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::int32_t> parts(whole.size());
    std::uint64_t saturated = 0;
    for (std::uint32_t first = 0; first < kCols;) {
      const std::uint32_t cols = std::min<std::uint32_t>(1 + static_cast<std::uint32_t>(rng() % 90), kCols - first);
      const std::uint32_t lanes = rng() % 2 == 0 ? 64 : 16;  // another emulator, the same chip
      saturated += piece.run(first, cols, lanes, 0, kVectors, parts);
      first += cols;
    }
    ASSERT_EQ(parts, whole);
    EXPECT_EQ(saturated, whole_saturated);
  }
}

TEST(Split, VectorsOverCalls) {
  const Piece piece;
  std::vector<std::int32_t> whole(kVectors * kCols);
  piece.run(0, kCols, 64, 0, kVectors, whole);
  for (std::uint32_t step = 1; step < kVectors; ++step) {
    std::vector<std::int32_t> parts(whole.size());
    for (std::uint32_t first = 0; first < kVectors; first += step) {
      piece.run(0, kCols, 64, first, std::min(step, kVectors - first), parts);
    }
    ASSERT_EQ(parts, whole) << step;
  }
}

TEST(Split, StackedBlocksHaveTheirOwnNoise) {
  const std::vector<std::int8_t> cells(64, 0);
  std::vector<std::uint16_t> tables(128, 1);
  for (std::size_t i = 0; i < 128; i += 2) tables[i] = 65535;
  const std::int8_t x = 0;
  BlockView block;
  block.rows = 1;
  block.cols = block.lanes = 64;
  block.tile_uid = 3;
  block.adc_shift = 16;
  block.adc_max = 2047;
  block.read_sigma_q = 65536;
  block.column_tables = tables.data();
  block.cells = cells.data();
  MvmBatch batch;
  batch.x = &x;
  batch.num_vectors = 1;
  std::vector<std::int32_t> upper(64), lower(64);
  batch.y = upper.data();
  tile_mvm(block, batch);
  block.row0 = 1;
  batch.y = lower.data();
  tile_mvm(block, batch);
  int equal = 0;
  for (std::size_t i = 0; i < 64; ++i) equal += upper[i] == lower[i] ? 1 : 0;
  EXPECT_LT(equal, 6);  // 64 columns with a chance of 1/740 each
}

}  // namespace
}  // namespace xw::analog
