// From weights to stored targets.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/quantize.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "arch/support/error.hpp"

namespace xw::compiler {
namespace {

constexpr std::uint32_t kMagnitude = 0x7FFFFFFFU;
constexpr std::uint32_t kInfinity = 0x7F800000U;
constexpr std::size_t kScanChunk = 4096;
constexpr std::uint32_t kPanel = 32;  ///< columns and rows that are transposed at a time

/// Largest bit pattern of the magnitudes: ordered as the magnitudes are, NaN above all.
std::uint32_t max_bits(const float* values, std::size_t count) {
  std::int32_t largest = 0;  // signed compare: magnitudes fit, and it vectorises without SSE4
  for (std::size_t i = 0; i < count; ++i) {
    largest = std::max(largest, static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(values[i]) & kMagnitude));
  }
  return static_cast<std::uint32_t>(largest);
}

/// Round half to even for |x| <= 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
inline float round_even(float x) {
  constexpr float kShift = 0x1.8p23F;
  return (x + kShift) - kShift;
}

template <typename Target>
void quantize(const BlockWeights& block, int target_max, std::span<Target> targets, std::span<float> w_max) {
  assert(targets.size() == std::size_t{block.rows} * block.cols && w_max.size() == block.cols);
  const auto scale = static_cast<float>(target_max);
  std::array<std::array<Target, kPanel>, kPanel> panel{};  // [col][row]
  for (std::uint32_t c0 = 0; c0 < block.cols; c0 += kPanel) {
    const std::uint32_t cols = std::min(kPanel, block.cols - c0);
    for (std::uint32_t c = 0; c < cols; ++c) {
      float& largest = w_max[c0 + c];
      largest = std::bit_cast<float>(max_bits(block.strip + (c0 + c) * block.stride + block.in_begin, block.rows));
      if (block.full_scales.empty()) continue;
      if (!(largest <= block.full_scales[c0 + c]))
        throw Error(ErrorCode::kInternal, "targets: a weight exceeds the full scale of its column");
      largest = block.full_scales[c0 + c];
    }
    for (std::uint32_t r0 = 0; r0 < block.rows; r0 += kPanel) {
      const std::uint32_t rows = std::min(kPanel, block.rows - r0);
      for (std::uint32_t c = 0; c < cols; ++c) {
        const float largest = w_max[c0 + c];
        const float divisor = largest == 0 ? 1.0F : largest;
        const float* weights = block.strip + (c0 + c) * block.stride + block.in_begin + r0;
        // |w / w_max| <= 1, so the product never exceeds target_max: clamping cannot change it.
        for (std::uint32_t r = 0; r < rows; ++r)
          panel[c][r] = static_cast<Target>(static_cast<std::int32_t>(round_even(weights[r] / divisor * scale)));
      }
      for (std::uint32_t r = 0; r < rows; ++r) {
        Target* row = targets.data() + std::size_t{r0 + r} * block.cols + c0;
        for (std::uint32_t c = 0; c < cols; ++c) row[c] = panel[c][r];
      }
    }
  }
}

}  // namespace

std::size_t first_not_finite(std::span<const float> values) {
  for (std::size_t begin = 0; begin < values.size(); begin += kScanChunk) {
    const std::size_t count = std::min(kScanChunk, values.size() - begin);
    if (max_bits(values.data() + begin, count) < kInfinity) continue;
    for (std::size_t i = begin; i < begin + count; ++i) {
      if ((std::bit_cast<std::uint32_t>(values[i]) & kMagnitude) >= kInfinity) return i;
    }
  }
  return SIZE_MAX;
}

float max_magnitude(std::span<const float> values) {
  return std::bit_cast<float>(max_bits(values.data(), values.size()));
}

void quantize_block(const BlockWeights& block, int target_max, std::span<std::int16_t> targets,
                    std::span<float> w_max) {
  quantize(block, target_max, targets, w_max);
}
void quantize_block(const BlockWeights& block, int target_max, std::span<std::int8_t> targets, std::span<float> w_max) {
  quantize(block, target_max, targets, w_max);
}

}  // namespace xw::compiler
