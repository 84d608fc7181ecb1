// Random blocks and vectors for tests and benchmarks of the tile MVM.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "models/analog/numerics.hpp"

namespace xw::test {

/// Owns the memory of a BlockView; every byte of cells, including the lanes beyond the last column, is random.
struct RandomBlock {
  std::vector<std::int8_t> cells;
  std::vector<std::uint16_t> tables;
  std::vector<std::int32_t> offsets;
  analog::BlockView view;

  RandomBlock(std::mt19937& rng, std::uint32_t rows, std::uint32_t cols, std::uint32_t lanes, int cell_min = -127) {
    const std::size_t groups = (cols + lanes - 1) / lanes;
    std::uniform_int_distribution<int> cell(cell_min, 127);
    cells.resize(groups * rows * lanes);
    for (auto& g : cells) g = static_cast<std::int8_t>(cell(rng));
    tables.resize(2 * std::size_t{cols});
    std::uniform_int_distribution<int> word(0, 65535);
    for (auto& t : tables) t = static_cast<std::uint16_t>(word(rng));
    // Now small beside a sum, now all 32 bits; every fourth block has none.
    offsets.resize(cols);
    const unsigned shift = rng() % 24;
    for (auto& offset : offsets) offset = static_cast<std::int32_t>(rng()) >> shift;
    if (rng() % 4 != 0) view.adc_offsets = offsets.data();
    view.rows = rows;
    view.cols = cols;
    view.lanes = lanes;
    view.tile_uid = static_cast<std::uint32_t>(rng());
    view.row0 = static_cast<std::uint32_t>(rng() & 0xFFFF);
    view.col0 = static_cast<std::uint32_t>(rng() % (65536 - cols));
    view.adc_shift = 24;
    view.adc_max = 127;
    view.column_tables = tables.data();
    view.cells = cells.data();
  }
};

inline std::vector<std::int8_t> random_codes(std::mt19937& rng, std::size_t count, int minimum = -127) {
  std::uniform_int_distribution<int> code(minimum, 127);
  std::vector<std::int8_t> x(count);
  for (auto& c : x) c = static_cast<std::int8_t>(code(rng));
  return x;
}

}  // namespace xw::test
