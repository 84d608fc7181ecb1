// Element-wise passes of the analog layer on CPUs, fused: each is one pass over its data.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace xw::finetune::cpu {

/// A number in bf16.
struct Bf16 {
  std::uint16_t bits;
};

/// Columns [begin, end) of a matrix of `rows` rows that are `stride` elements apart.
struct Columns {
  std::int64_t rows = 0, stride = 0, begin = 0, end = 0;
};

struct Widening {
  double sum = 0;            ///< of min(g sign(v), 0) where the DAC is at its limit
  std::int64_t outside = 0;  ///< inputs there
};

/// One row of one block of weights.
struct WeightRow {
  const float* weight = nullptr;
  const float* deviates = nullptr;  ///< null: no noise
  std::int64_t count = 0;
  float sigma = 0;  ///< of deviates, in units of the largest weight; with a table a factor of its values
  const float* table = nullptr;
  std::int64_t points = 0;
  float levels = 0;  ///< weights are rounded to multiples of largest / levels; 0: they are not
  float scale = 0;   ///< the result is in units of largest / scale; 0: in units of 1
};

template <typename T>
struct Kernels {
  using Number = T;
  /// scaled = x * inverse, codes = rne(clamp(scaled)); T -> T.
  void (*convert_inputs)(const T* x, const Columns& place, float inverse, float largest, T* scaled, T* codes);
  /// Products [rows][out] in units of ADC steps -> where they are not clamped, and y (+)= clamp(rne(p)) * factor[out].
  void (*convert_outputs)(const T* products, std::int64_t rows, std::int64_t out, const float* factor, float largest,
                          bool is_first, std::uint8_t* passed, T* y);
  /// target = passed ? dy : 0.
  void (*mask)(const T* dy, const std::uint8_t* passed, std::int64_t count, T* target);
  /// In place: gradient behind the DAC -> gradient before it, with tolerance for inputs at the limit.
  Widening (*input_gradient)(T* gradient, const T* scaled, const Columns& place, float largest, float tolerance);
  /// Returns the largest magnitude.
  float (*prepare_row)(const WeightRow& row, T* target);
};

/// For the instruction set of this processor.
[[nodiscard]] const Kernels<float>& float_kernels();
[[nodiscard]] const Kernels<Bf16>& bf16_kernels();

}  // namespace xw::finetune::cpu
