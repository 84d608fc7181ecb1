// Inner loops of the host transformer, in one bit-identical form per instruction set.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xw::transformer {

/// Storage of 16-bit weights.
struct Fp16 {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};

inline constexpr std::size_t kInt8Outliers = 4;  ///< inputs of a vector that are not rounded to 8 bits
inline constexpr std::size_t kInt8Lanes = 64;    ///< outputs that lie side by side in 8-bit weights

/// What follows the integer sums of 8-bit weights and inputs of one vector (Int8Matrix).
struct Int8Finish {
  const std::int8_t* weights;     ///< [ceil(n / 64)][in][64], outputs side by side
  std::size_t group_stride;       ///< 64 in
  const std::uint32_t* outliers;  ///< kInt8Outliers inputs that the sums leave out
  const float* values;            ///< theirs
  const float* row_scales;        ///< per output
  float unit;                     ///< of the codes of the others
};

/// One implementation of every inner loop.
///
/// All implementations agree bit for bit, whatever the number of rows or vectors of a call: a sum over k runs in 16
/// lanes (lane l adds the products of k = l, l + 16, ... with fused multiply-add, a last partial group is filled with
/// zeros), then lanes are folded l + (l + 8), l + (l + 4), l + (l + 2), l + (l + 1). Strides are in elements.
struct Kernels {
  const char* name;  ///< "avx512", "avx2", "portable"

  /// y[v][r] = sum over k of w[r][k] * x[v][k], v < n, r < rows.
  void (*matmul_f32)(const float* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                     std::size_t n, std::size_t k, float* y, std::size_t y_stride);
  void (*matmul_f16)(const Fp16* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                     std::size_t n, std::size_t k, float* y, std::size_t y_stride);
  void (*matmul_bf16)(const Bf16* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                      std::size_t n, std::size_t k, float* y, std::size_t y_stride);

  /// c[r][16 g + lane] = sum over t < terms, in ascending order, of a[r][t] * b[t * b_term + g * b_group + lane], g <
  /// groups.
  void (*outer)(const float* a, std::size_t a_stride, std::size_t rows, const float* b, std::size_t b_term,
                std::size_t b_group, std::size_t terms, std::size_t groups, float* c, std::size_t c_stride);
  /// The same with b of 16-bit floating-point numbers or of integers, which are converted exactly.
  void (*outer_f16)(const float* a, std::size_t a_stride, std::size_t rows, const Fp16* b, std::size_t b_term,
                    std::size_t b_group, std::size_t terms, std::size_t groups, float* c, std::size_t c_stride);
  void (*outer_i16)(const float* a, std::size_t a_stride, std::size_t rows, const std::int16_t* b, std::size_t b_term,
                    std::size_t b_group, std::size_t terms, std::size_t groups, float* c, std::size_t c_stride);
  void (*outer_i8)(const float* a, std::size_t a_stride, std::size_t rows, const std::int8_t* b, std::size_t b_term,
                   std::size_t b_group, std::size_t terms, std::size_t groups, float* c, std::size_t c_stride);

  /// y[c] = (unit * sums[c] + sum over t < kInt8Outliers, in ascending order, of values[t] * weight of input outliers[t]) *
  /// row_scales[c], c < n.
  void (*int8_finish)(const Int8Finish& finish, const std::int32_t* sums, std::size_t n, float* y);

  /// Replaces s[begin, end) by exp(s - max) and the rest of s[0, padded) by 0, and returns the sum; begin < end <=
  /// padded, padded is a multiple of 16. `max` is over [begin, end).
  float (*softmax)(float* s, std::size_t begin, std::size_t end, std::size_t padded);
  /// Sum of exp(x[i] - shift), in double over blocks of 1024.
  double (*sum_exp)(const float* x, std::size_t n, float shift);

  /// y = x / sqrt(mean(x^2) + eps) * weight. Source: Zhang and Sennrich, Root Mean Square Layer Normalization, eq. 4.
  void (*rms_norm)(const float* x, const float* weight, std::size_t n, float eps, float* y);
  /// y = gate / (1 + exp(-gate)) * up. Source: Shazeer, GLU Variants Improve Transformer, eq. 6.
  void (*swiglu)(const float* gate, const float* up, std::size_t n, float* y);
  /// y = gate / (1 + exp(-2 u)) * up, u = sqrt(2 / pi) (gate + 0.044715 gate^3), which is 0.5 gate (1 + tanh(u)) up.
  /// Source: Hendrycks and Gimpel, Gaussian Error Linear Units, section 2; Shazeer, GLU Variants, eq. 6.
  void (*geglu)(const float* gate, const float* up, std::size_t n, float* y);
};

/// The fastest implementation that this processor can run.
[[nodiscard]] const Kernels& kernels();
/// All implementations that this processor can run, fastest first (tests compare them).
[[nodiscard]] std::vector<const Kernels*> available_kernels();

}  // namespace xw::transformer
