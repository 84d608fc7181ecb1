// From weights to stored targets: normalise by the largest weight of a column, round, transpose.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace xw::compiler {

/// Index of the first NaN or infinity, or SIZE_MAX.
[[nodiscard]] std::size_t first_not_finite(std::span<const float> values);

/// Largest magnitude of finite values; 0 for none.
[[nodiscard]] float max_magnitude(std::span<const float> values);

/// Quantises a block of a strip of W[out][in]. Column c of the block is `strip[c * stride + in_begin ..+rows]`, its targets are
/// rne(w / w_max * target_max) clamped to +-target_max, computed in fp32 in this order; a column of zeros has w_max 0 and targets 0.
/// `targets` is [rows][cols] (transposed), `w_max` has cols entries. docs/numerics.md#targets.
/// w_max is the largest magnitude of the column or, with `full_scales` (cols entries), what stands there, which must be at
/// least that (Error{kInternal}).
struct BlockWeights {
  const float* strip = nullptr;
  std::size_t stride = 0;
  std::uint32_t in_begin = 0, rows = 0, cols = 0;
  std::span<const float> full_scales = {};
};
void quantize_block(const BlockWeights& block, int target_max, std::span<std::int16_t> targets, std::span<float> w_max);
void quantize_block(const BlockWeights& block, int target_max, std::span<std::int8_t> targets, std::span<float> w_max);

}  // namespace xw::compiler
