// Random matrices and a plain product for tests of the passes that look at numbers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>

#include "compiler/passes/matrix.hpp"

namespace xw::passes::test {

/// As defined, in double.
inline void plain_product(const float* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                          std::size_t n, std::size_t k, float* y, std::size_t y_stride) {
  for (std::size_t v = 0; v < n; ++v) {
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::size_t i = 0; i < k; ++i)
        sum += static_cast<double>(w[r * w_stride + i]) * static_cast<double>(x[v * x_stride + i]);
      y[v * y_stride + r] = static_cast<float>(sum);
    }
  }
}

inline Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint32_t seed, float sigma = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, sigma);
  Matrix m(rows, cols);
  for (float& value : m.data) value = normal(random);
  return m;
}

/// Vectors with a mean, some strong directions and different powers per feature.
inline Matrix correlated_vectors(std::size_t n, std::size_t features, std::uint32_t seed) {
  const Matrix directions = random_matrix(3, features, seed);
  const Matrix strength = random_matrix(n, 3, seed + 1);
  Matrix x = random_matrix(n, features, seed + 2, 0.3F);
  for (std::size_t v = 0; v < n; ++v) {
    for (std::size_t i = 0; i < features; ++i) {
      x(v, i) *= 1 + static_cast<float>(i % 5);
      x(v, i) += 0.7F * directions(0, i);
      for (std::size_t k = 0; k < 3; ++k)
        x(v, i) += static_cast<float>(3 - k) * strength(v, k) * directions(k, i) * 0.3F;
    }
  }
  return x;
}

}  // namespace xw::passes::test
