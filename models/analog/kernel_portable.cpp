// The tile MVM and the DAC in plain C++: for processors without the vector units that the other kernels use.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "models/analog/kernels.hpp"

namespace xw::analog::kernels {
namespace {

/// Noise, offset, ADC, scale and accumulation of up to 64 sums of one vector. Returns the number of saturated conversions.
std::uint64_t convert(const BlockView& block, const MvmBatch& batch, std::uint32_t vector, std::uint32_t col,
                      std::uint32_t count, const std::int32_t* sums) {
  std::uint64_t num_saturated = 0;
  std::int32_t* y = batch.y + vector * batch.y_stride;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::int64_t sum = sums[i];
    if (block.read_sigma_q != 0) {
      const std::int32_t h =
          noise_h(batch.chip_seed, block.tile_uid, batch.vector_base + vector, block.row0, block.col0 + col + i);
      sum += read_noise(block.read_sigma_q, h);
    }
    if (block.adc_offsets != nullptr) sum = with_offset(sum, block.adc_offsets[col + i]);
    const std::uint16_t* table = block.column_tables + 2 * std::size_t{col + i};
    bool saturated = false;
    const std::int32_t code = adc_convert(sum, table[0], block.adc_shift, block.adc_max, saturated);
    num_saturated += saturated ? 1 : 0;
    const std::uint32_t before = batch.accumulate ? static_cast<std::uint32_t>(y[col + i]) : 0U;
    y[col + i] = static_cast<std::int32_t>(before + static_cast<std::uint32_t>(code * std::int32_t{table[1]}));
  }
  return num_saturated;
}

}  // namespace

std::uint64_t mvm_portable(const BlockView& block, const MvmBatch& batch, const std::byte* /*packed*/,
                           std::byte* /*scratch*/) {
  constexpr std::uint32_t kChunk = 64;
  std::uint64_t num_saturated = 0;
  for (std::uint32_t group = 0; group * block.lanes < block.cols; ++group) {
    const std::int8_t* cells = block.cells + std::size_t{group} * block.rows * block.lanes;
    const std::uint32_t group_cols = std::min(block.lanes, block.cols - group * block.lanes);
    for (std::uint32_t first = 0; first < group_cols; first += kChunk) {
      const std::uint32_t count = std::min(kChunk, group_cols - first);
      for (std::uint32_t v = 0; v < batch.num_vectors; ++v) {
        const std::int8_t* x = batch.x + v * batch.x_stride;
        std::int32_t sums[kChunk] = {};
        for (std::uint32_t row = 0; row < block.rows; ++row) {
          const std::int8_t* g = cells + std::size_t{row} * block.lanes + first;
          const std::int32_t code = x[row];
          if (count == kChunk) {
            for (std::uint32_t i = 0; i < kChunk; ++i) sums[i] += g[i] * code;
          } else {
            for (std::uint32_t i = 0; i < count; ++i) sums[i] += g[i] * code;
          }
        }
        num_saturated += convert(block, batch, v, group * block.lanes + first, count, sums);
      }
    }
  }
  return num_saturated;
}

bool dac_portable(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes) {
  constexpr float kRoundToInteger =
      12582912.0F;  // 1.5 * 2^23: adding it leaves no fraction bits, rounding half to even
  std::uint32_t not_finite = 0;
  for (std::size_t i = 0; i < count; ++i) {
    not_finite |= std::isfinite(x[i]) ? 0U : 1U;
    const float scaled = x[i] * dac_max / beta;
    const float above = scaled > -dac_max ? scaled : -dac_max;  // NaN becomes -dac_max: no undefined conversion
    const float clamped = above < dac_max ? above : dac_max;
    codes[i] = static_cast<std::int8_t>((clamped + kRoundToInteger) - kRoundToInteger);
  }
  return not_finite == 0;
}

}  // namespace xw::analog::kernels
