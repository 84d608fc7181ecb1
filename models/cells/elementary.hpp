// Powers and logarithms from + - * / alone: the same bits on every processor and C library, and loops vectorise.
// The fp32 functions leave no copy for the linker, so that units for newer processors may use them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace xw::cells {

/// Natural logarithm of a normal number x > 0. Error below 1e-15 (relative to the larger of 1 and the result).
[[nodiscard]] inline double natural_log(double x) {
  constexpr double kLn2 = 0.69314718055994530942;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  // The exponent of x / sqrt(1/2), so that the mantissa is in [sqrt(1/2), sqrt(2)).
  constexpr std::uint64_t kSqrtHalf = 0x3FE6A09E667F3BCDULL;
  const auto exponent = static_cast<std::int64_t>(bits - kSqrtHalf) >> 52;
  const auto mantissa = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  const double s = (mantissa - 1.0) / (mantissa + 1.0);  // log m = 2 (s + s^3/3 + s^5/5 + ...), |s| <= 0.172
  double sum = 0.0;
  for (int n = 23; n >= 1; n -= 2) sum = sum * (s * s) + 1.0 / n;
  return static_cast<double>(exponent) * kLn2 + 2.0 * s * sum;
}

/// Binary logarithm of a normal number x > 0, fp32 arithmetic. Error below 3e-7 (relative to the larger of 1 and the
/// result).
[[nodiscard, gnu::always_inline]] inline float fast_log2(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  constexpr std::uint32_t kSqrtHalf = 0x3F3504F3U;
  const std::int32_t exponent = static_cast<std::int32_t>(bits - kSqrtHalf) >> 23;
  const auto mantissa = __builtin_bit_cast(float, bits - (static_cast<std::uint32_t>(exponent) << 23));
  const float s = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float square = s * s;
  // 2 / (n ln 2) for n = 9, 7, 5, 3, 1.
  const float sum =
      (((0.32059888F * square + 0.41219858F) * square + 0.57707802F) * square + 0.96179669F) * square + 2.8853901F;
  return static_cast<float>(exponent) + s * sum;
}

/// 2^x for |x| <= 120, fp32 arithmetic. Relative error below 3e-7.
[[nodiscard, gnu::always_inline]] inline float fast_exp2(float x) {
  constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23
  const float whole = (x + kRoundToInteger) - kRoundToInteger;
  const float y = (x - whole) * 0.69314718F;  // |y| <= 0.347
  const float power =
      ((((((y * (1.0F / 5040) + 1.0F / 720) * y + 1.0F / 120) * y + 1.0F / 24) * y + 1.0F / 6) * y + 0.5F) * y + 1.0F) *
          y +
      1.0F;
  const auto scale = static_cast<std::uint32_t>(static_cast<std::int32_t>(whole) + 127) << 23;
  return power * __builtin_bit_cast(float, scale);
}

}  // namespace xw::cells
