// Options of studies, and ranges of converters that follow the cells.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/study.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/backends/functional/ir_drop.hpp"
#include "host/device/option_list.hpp"

namespace xw::functional {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string Study::device_name() const {
  if (cells_range > 0) return "functional:cells-range=" + std::to_string(cells_range);
  if (ir_drop == 0) return "functional";
  std::array<char, 32> number{};
  const std::to_chars_result end = std::to_chars(number.data(), number.data() + number.size(), ir_drop);
  return "functional:ir-drop=" + std::string(number.data(), end.ptr);
}

Study parse_study(std::string_view options) {
  struct Key {
    std::string_view name;
  };
  constexpr std::array kKeys = {Key{"ir-drop"}, Key{"cells-range"}};
  Study study;
  device::read_option_list(options, "functional", kKeys, [&](const Key& key, std::string_view value) {
    const bool wires = key.name == kKeys[0].name;
    if (wires && read_number(value, study.ir_drop) && study.ir_drop > 0 && study.ir_drop <= kMostIrDrop) return;
    if (!wires && read_number(value, study.cells_range) && study.cells_range > 0 && study.cells_range <= arch::kCellMax)
      return;
    throw Error(ErrorCode::kInvalidArgument,
                "functional: " + std::string(key.name) + ": expected " +
                    (wires ? "a number above 0 and at most 0.1" : "a cell code of 1..127") + ", found '" +
                    std::string(value) + "'");
  });
  if (study.ir_drop > 0 && study.cells_range > 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "functional: expected one of ir-drop and cells-range, found '" + std::string(options) + "'");
  }
  return study;
}

std::uint64_t tile_mvm_with_cells_range(const analog::BlockView& block, const analog::MvmBatch& batch,
                                        std::uint32_t w_max_code) {
  std::uint64_t num_saturated = 0;
  for (std::uint32_t column = 0; column < block.cols; ++column) {
    const std::int8_t* cells =
        block.cells + std::size_t{column / block.lanes} * block.rows * block.lanes + column % block.lanes;
    int largest = 0;
    for (std::uint32_t row = 0; row < block.rows; ++row)
      largest = std::max(largest, std::abs(int{cells[std::size_t{row} * block.lanes]}));
    const double wider = largest > 0 ? static_cast<double>(largest) / w_max_code : 1.0;
    const double gain = std::ldexp(block.column_tables[2 * column], -static_cast<int>(block.adc_shift)) / wider;
    const double scale = wider * block.column_tables[2 * column + 1];
    for (std::uint32_t v = 0; v < batch.num_vectors; ++v) {
      const std::int8_t* x = batch.x + v * batch.x_stride;
      std::int64_t sum = 0;
      for (std::uint32_t row = 0; row < block.rows; ++row) sum += cells[std::size_t{row} * block.lanes] * x[row];
      sum = analog::converter_input(block, batch, v, column, sum);
      const double rounded = std::nearbyint(static_cast<double>(sum) * gain);
      const double code = std::clamp<double>(rounded, -block.adc_max, block.adc_max);
      num_saturated += code != rounded ? 1 : 0;
      // Unsigned addition: ranges beyond what the compiler has proven may wrap, as in hardware.
      std::int32_t& y = batch.y[v * batch.y_stride + column];
      const auto word = static_cast<std::uint32_t>(static_cast<std::int64_t>(std::nearbyint(code * scale)));
      y = static_cast<std::int32_t>((batch.accumulate ? static_cast<std::uint32_t>(y) : 0U) + word);
    }
  }
  return num_saturated;
}

}  // namespace xw::functional
