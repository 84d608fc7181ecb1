// Gains and offsets of a chip instance's converters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/converters.hpp"

#include <cstring>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "models/analog/block_image.hpp"
#include "models/cells/compensation.hpp"
#include "models/cells/converter.hpp"

namespace xw::runtime {
namespace {

/// A number for every column of every block: value(block, tile, column) where the column is on the chip.
template <typename Number, typename Value>
std::vector<std::vector<Number>> of_columns(const program::Program& program, const Placement& placement,
                                            const Value& value) {
  std::vector<std::vector<Number>> all;
  for (const program::BlockRecord& block : program.blocks()) {
    const std::uint32_t tile = placement.tile(block.tile);
    std::vector<Number>& columns = all.emplace_back();
    for (std::uint32_t col = block.col0; col < std::uint32_t{block.col0} + block.cols; ++col)
      columns.push_back(value(block, tile, col));
    for (const auto& [column, to] : placement.moved(block.tile, block.col0, block.cols))
      columns[column - block.col0] = value(block, tile, to);
  }
  return all;
}

}  // namespace

BlockFactors converter_mismatch(const program::Program& program, const Placement& placement, std::uint32_t chip_seed,
                                double sigma) {
  if (sigma == 0) return {};
  return of_columns<double>(program, placement,
                            [&](const program::BlockRecord&, std::uint32_t tile, std::uint32_t column) {
                              return cells::converter_gain(chip_seed, tile, column, sigma);
                            });
}

BlockOffsets converter_offsets(const program::Program& program, const Placement& placement, std::uint32_t chip_seed,
                               double sigma) {
  if (sigma == 0) return {};
  return of_columns<std::int32_t>(
      program, placement, [&](const program::BlockRecord& block, std::uint32_t tile, std::uint32_t column) {
        return cells::offset_word(cells::converter_offset(chip_seed, tile, column, sigma), block.adc_gain,
                                  block.adc_shift, (1 << (block.adc_bits - 1)) - 1);
      });
}

std::uint64_t write_converters(const program::Program& program, device::Device& device,
                               const device::RunArguments& arguments, const ConverterState& state) {
  std::uint64_t limited = 0;
  std::vector<cells::ConverterGains> gains_of;
  std::vector<std::vector<std::int32_t>> offsets_of;
  for (std::size_t b = 0; b < program.blocks().size(); ++b) {
    const program::BlockRecord& block = program.blocks()[b];
    std::vector<double> factors(block.cols, 1.0);
    for (const BlockFactors* all : {&state.mismatch, &state.compensation}) {
      if (all->empty() || (*all)[b].empty()) continue;
      for (std::uint32_t col = 0; col < block.cols; ++col) factors[col] *= (*all)[b][col];
    }
    gains_of.push_back(cells::scaled_gains(block.adc_gain, block.adc_shift, factors));
    limited += gains_of.back().limited;
    std::vector<std::int32_t>& offsets = offsets_of.emplace_back(block.cols);
    for (const BlockOffsets* all : {&state.offsets, &state.corrections}) {
      if (all->empty() || (*all)[b].empty()) continue;
      for (std::uint32_t col = 0; col < block.cols; ++col) offsets[col] += (*all)[b][col];
    }
  }
  std::vector<std::byte> bytes;
  for (const program::ImageRecord& image : program.images()) {
    const device::Address address =
        arguments.image_base[image.engine] + std::uint64_t{image.image_offset} * arch::kMemoryAlignment;
    bytes.resize(std::size_t{image.image_length} * arch::kMemoryAlignment);
    device.read(address, bytes);
    const cells::ConverterGains& gains = gains_of[image.block];
    set_image_converters(bytes, std::span(gains.gains).subspan(image.col_begin, image.cols),
                         std::span(offsets_of[image.block]).subspan(image.col_begin, image.cols), gains.shift);
    device.write(address, bytes);
  }
  return limited;
}

void set_image_converters(std::span<std::byte> image, std::span<const std::uint16_t> gains,
                          std::span<const std::int32_t> offsets, std::uint32_t shift) {
  analog::BlockView view;
  std::uint16_t lanes = 0;
  std::uint8_t adc_bits = 0;
  std::memcpy(&lanes, image.data() + arch::kBlockImageHeaderLanesOffset, sizeof lanes);
  std::memcpy(&adc_bits, image.data() + arch::kBlockImageHeaderAdcBitsOffset, sizeof adc_bits);
  const std::uint32_t error = analog::open_image(image, arch::kMaxRows, arch::kMaxCols, lanes, false, view);
  if (error != 0 || view.cols != gains.size() || gains.size() != offsets.size()) {
    throw Error(ErrorCode::kDeviceFault, "calibration: expected an image of " + std::to_string(gains.size()) +
                                             " columns in device memory, found error " + std::to_string(error) + ", " +
                                             std::to_string(view.cols) + " columns");
  }
  for (std::size_t col = 0; col < gains.size(); ++col) {
    std::memcpy(image.data() + arch::kBlockImageHeaderBytes + 4 * col, &gains[col], sizeof gains[col]);
  }
  std::memcpy(image.data() + analog::adc_offsets_offset(view.cols), offsets.data(), offsets.size_bytes());
  analog::ImageHeader header;
  header.rows = view.rows;
  header.cols = view.cols;
  header.tile_uid = view.tile_uid;
  header.row0 = view.row0;
  header.col0 = view.col0;
  header.adc_shift = shift;
  header.adc_bits = adc_bits;
  header.lanes = lanes;
  header.read_sigma_q = view.read_sigma_q;
  analog::seal_image(image, header);
}

}  // namespace xw::runtime
