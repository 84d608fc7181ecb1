// Bitlines as ladders of resistors, from the far end to the converter.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/ir_drop.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/device/option_list.hpp"

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
    const std::uint16_t* table = block.column_tables + 2 * std::size_t{column};
    for (std::uint32_t v = 0; v < batch.num_vectors; ++v) {
      const std::int8_t* x = batch.x + v * batch.x_stride;
      double exact = 0;
      for (std::uint32_t row = 0; row < block.rows; ++row) exact += cells[row] * x[row];
      auto sum = static_cast<std::int64_t>(std::nearbyint(exact));
      if (block.read_sigma_q != 0) {
        sum += analog::read_noise(
            block.read_sigma_q,
            analog::noise_h(batch.chip_seed, block.tile_uid, batch.vector_base + v, block.row0, block.col0 + column));
      }
      bool saturated = false;
      const std::int32_t code = analog::adc_convert(sum, table[0], block.adc_shift, block.adc_max, saturated);
      num_saturated += saturated ? 1 : 0;
      std::int32_t& y = batch.y[v * batch.y_stride + column];
      const std::uint32_t before = batch.accumulate ? static_cast<std::uint32_t>(y) : 0U;
      y = static_cast<std::int32_t>(before + static_cast<std::uint32_t>(code * std::int32_t{table[1]}));
    }
  }
  return num_saturated;
}

double parse_ir_drop(std::string_view options) {
  struct Key {
    std::string_view name;
  };
  constexpr std::array kKeys = {Key{"ir-drop"}};
  double ir_drop = 0;
  device::read_option_list(options, "functional", kKeys, [&](const Key&, std::string_view value) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ir_drop);
    if (error == std::errc{} && end == value.data() + value.size() && ir_drop > 0 && ir_drop <= kMostIrDrop) return;
    throw Error(ErrorCode::kInvalidArgument,
                "functional: ir-drop: expected a number above 0 and at most 0.1, found '" + std::string(value) + "'");
  });
  return ir_drop;
}

}  // namespace xw::functional
