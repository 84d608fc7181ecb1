// The readable reference of the integer contract; docs/numerics.md explains every step.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/numerics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "models/analog/threefry.hpp"

namespace xw::analog {

std::int32_t noise_h(std::uint32_t chip_seed, std::uint32_t tile_uid, std::uint32_t vector_index, std::uint32_t row0,
                     std::uint32_t column) {
  const auto random = threefry2x32<arch::kThreefryRounds>(chip_seed, tile_uid, vector_index, (row0 << 16) | column);
  std::int32_t sum = -static_cast<std::int32_t>(arch::kNoiseMean);
  for (const std::uint32_t word : random) {
    for (unsigned byte = 0; byte < 4; ++byte) sum += static_cast<std::int32_t>((word >> (8 * byte)) & 0xFFU);
  }
  return sum;
}

std::int64_t read_noise(std::uint32_t read_sigma_q, std::int32_t h) {
  constexpr unsigned kFraction = arch::kSigmaFractionBits;
  return (std::int64_t{read_sigma_q} * h + (std::int64_t{1} << (kFraction - 1))) >> kFraction;
}

std::uint32_t quantize_read_sigma(double sigma) {
  // Standard deviation of h: sqrt(8 * (256^2 - 1) / 12), as rounded by the contract.
  constexpr double kSigmaOfH = 209.02;
  const double scaled = std::nearbyint(sigma * static_cast<double>(1ULL << arch::kSigmaFractionBits) / kSigmaOfH);
  if (!(sigma >= 0.0) || !(scaled <= static_cast<double>(std::numeric_limits<std::uint32_t>::max()))) {
    throw Error(ErrorCode::kInvalidArgument, "read noise: sigma " + std::to_string(sigma) +
                                                 " in units of the integer sum is not in 0..13698334 (32-bit field)");
  }
  return static_cast<std::uint32_t>(scaled);
}

AdcSetting ideal_adc(double lambda, int dac_max, int g_unit, int adc_bits) {
  const bool bits_fit =
      adc_bits >= static_cast<int>(arch::kMinAdcBits) && adc_bits <= static_cast<int>(arch::kMaxAdcBits);
  if (!(lambda > 0.0) || !std::isfinite(lambda) || dac_max < 1 || g_unit < 1 || !bits_fit) {
    throw Error(ErrorCode::kInvalidArgument,
                "ADC: impossible setting lambda=" + std::to_string(lambda) + " dac_max=" + std::to_string(dac_max) +
                    " g_unit=" + std::to_string(g_unit) + " adc_bits=" + std::to_string(adc_bits));
  }
  const int adc_max = (1 << (adc_bits - 1)) - 1;
  int exponent = 0;
  const double mantissa = std::frexp(adc_max / (lambda * dac_max * g_unit), &exponent);  // [0.5, 1)
  double gain = std::nearbyint(mantissa * 65536.0);
  if (gain == 65536.0) {
    gain = 32768.0;
    ++exponent;
  }
  const int shift = 16 - exponent;
  if (shift < static_cast<int>(arch::kMinAdcShift) || shift > static_cast<int>(arch::kMaxAdcShift)) {
    throw Error(ErrorCode::kInvalidArgument, "ADC: lambda=" + std::to_string(lambda) + " needs a shift of " +
                                                 std::to_string(shift) + ", the hardware has 1..40");
  }
  return {static_cast<std::uint16_t>(gain), static_cast<std::uint8_t>(shift)};
}

std::int64_t with_offset(std::int64_t sum, std::int32_t offset) {
  // Unsigned: any bytes may stand in a table, and all devices add 32 bits.
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(offset));
}

std::int32_t adc_convert(std::int64_t sum, std::uint16_t gain, unsigned shift, int adc_max, bool& saturated) {
  const std::int64_t scaled = (sum * gain + (std::int64_t{1} << (shift - 1))) >> shift;
  const std::int64_t code = std::clamp<std::int64_t>(scaled, -adc_max, adc_max);
  saturated = code != scaled;
  return static_cast<std::int32_t>(code);
}

std::int64_t converter_input(const BlockView& block, const MvmBatch& batch, std::uint32_t vector, std::uint32_t column,
                             std::int64_t sum) {
  if (block.read_sigma_q != 0) {
    const std::int32_t h =
        noise_h(batch.chip_seed, block.tile_uid, batch.vector_base + vector, block.row0, block.col0 + column);
    sum += read_noise(block.read_sigma_q, h);
  }
  return block.adc_offsets == nullptr ? sum : with_offset(sum, block.adc_offsets[column]);
}

bool convert_column(const BlockView& block, const MvmBatch& batch, std::uint32_t vector, std::uint32_t column,
                    std::int64_t sum) {
  sum = converter_input(block, batch, vector, column, sum);
  bool saturated = false;
  const std::uint16_t gain = block.column_tables[2 * column];
  const std::uint16_t out_scale = block.column_tables[2 * column + 1];
  const std::int32_t code = adc_convert(sum, gain, block.adc_shift, block.adc_max, saturated);
  // Unsigned addition: the compiler proves that sums fit, and nothing is undefined if a broken program does not.
  std::int32_t& y = batch.y[vector * batch.y_stride + column];
  const std::uint32_t before = batch.accumulate ? static_cast<std::uint32_t>(y) : 0U;
  y = static_cast<std::int32_t>(before + static_cast<std::uint32_t>(code * std::int32_t{out_scale}));
  return saturated;
}

std::uint64_t tile_mvm_reference(const BlockView& block, const MvmBatch& batch) {
  std::uint64_t num_saturated = 0;
  for (std::uint32_t v = 0; v < batch.num_vectors; ++v) {
    const std::int8_t* x = batch.x + v * batch.x_stride;
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      const std::int8_t* group = block.cells + std::size_t{col / block.lanes} * block.rows * block.lanes;
      std::int64_t sum = 0;
      for (std::uint32_t row = 0; row < block.rows; ++row) {
        sum += group[std::size_t{row} * block.lanes + col % block.lanes] * x[row];
      }
      num_saturated += convert_column(block, batch, v, col, sum) ? 1 : 0;
    }
  }
  return num_saturated;
}

}  // namespace xw::analog
