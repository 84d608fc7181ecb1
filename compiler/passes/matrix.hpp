// Dense matrices of the passes that look at numbers, and the product that they are given.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace xw::passes {

/// Row-major.
struct Matrix {
  std::size_t rows = 0, cols = 0;
  std::vector<float> data;

  Matrix() = default;
  Matrix(std::size_t r, std::size_t c) : rows(r), cols(c), data(r * c) {}
  [[nodiscard]] std::span<float> row(std::size_t r) { return std::span(data).subspan(r * cols, cols); }
  [[nodiscard]] std::span<const float> row(std::size_t r) const { return std::span(data).subspan(r * cols, cols); }
  [[nodiscard]] float& operator()(std::size_t r, std::size_t c) { return data[r * cols + c]; }
  [[nodiscard]] float operator()(std::size_t r, std::size_t c) const { return data[r * cols + c]; }
};

/// y[v][r] = sum over i < k of w[r][i] * x[v][i], v < n, r < rows; strides in elements. Whoever has a fast one lends it.
using Product = void (*)(const float* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                         std::size_t n, std::size_t k, float* y, std::size_t y_stride);

/// x W^T for x [n][k] and W [rows][k].
[[nodiscard]] inline Matrix times_transposed(const Matrix& x, const Matrix& w, Product product) {
  Matrix y(x.rows, w.rows);
  product(w.data.data(), w.cols, w.rows, x.data.data(), x.cols, x.rows, x.cols, y.data.data(), y.cols);
  return y;
}

[[nodiscard]] inline Matrix transposed(const Matrix& m) {
  constexpr std::size_t kPanel = 32;
  Matrix t(m.cols, m.rows);
  for (std::size_t r0 = 0; r0 < m.rows; r0 += kPanel) {
    for (std::size_t c0 = 0; c0 < m.cols; c0 += kPanel) {
      for (std::size_t r = r0; r < m.rows && r < r0 + kPanel; ++r) {
        for (std::size_t c = c0; c < m.cols && c < c0 + kPanel; ++c) t(c, r) = m(r, c);
      }
    }
  }
  return t;
}

/// sum over i of a[i] * b[i] in double.
[[nodiscard]] inline double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace xw::passes
