// Bitlines as ladders of resistors, from the far end to the converter.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/ir_drop.hpp"

#include <cmath>
#include <cstddef>

#include "arch/generated/xw_arch.hpp"

namespace xw::functional {
namespace {

[[nodiscard]] std::int8_t cell(const analog::BlockView& block, std::uint32_t row, std::uint32_t column) {
  return block.cells[(std::size_t{column / block.lanes} * block.rows + row) * block.lanes + column % block.lanes];
}

}  // namespace

std::vector<double> effective_cells(const analog::BlockView& block, std::uint32_t column, double ir_drop) {
  std::vector<double> cells(block.rows);
  std::vector<double> share(block.rows);  // of a node's current that reaches the next node
  for (const int sign : {1, -1}) {        // the bitline of positive cells, and that of negative ones
    double conductance = 0;               // to ground, of everything from the far end to this node
    for (std::uint32_t row = block.rows; row-- > 0;) {
      const int code = sign * cell(block, row, column);
      if (code > 0) conductance += static_cast<double>(code) / arch::kCellMax;
      const double wires = row == 0 ? block.row0 + 1.0 : 1.0;
      share[row] = 1 / (1 + ir_drop * wires * conductance);
      conductance *= share[row];
    }
    double reaches = 1;  // the converter, of the current into a node
    for (std::uint32_t row = 0; row < block.rows; ++row) {
      reaches *= share[row];
      const std::int8_t code = cell(block, row, column);
      if (sign * code > 0) cells[row] = code * reaches;
    }
  }
  return cells;
}

std::uint64_t tile_mvm_with_ir_drop(const analog::BlockView& block, const analog::MvmBatch& batch, double ir_drop) {
  std::uint64_t num_saturated = 0;
  for (std::uint32_t column = 0; column < block.cols; ++column) {
    const std::vector<double> cells = effective_cells(block, column, ir_drop);
    for (std::uint32_t v = 0; v < batch.num_vectors; ++v) {
      const std::int8_t* x = batch.x + v * batch.x_stride;
      double exact = 0;
      for (std::uint32_t row = 0; row < block.rows; ++row) exact += cells[row] * x[row];
      const auto sum = static_cast<std::int64_t>(std::nearbyint(exact));
      num_saturated += analog::convert_column(block, batch, v, column, sum) ? 1 : 0;
    }
  }
  return num_saturated;
}

}  // namespace xw::functional
