// Weight matrices of the host in 8 bits, multiplied as integers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/transformer/aligned_buffer.hpp"
#include "models/analog/numerics.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::transformer {

/// W[out][in] rounded to nearest in 8 bits with a scale per row. At every product a vector's inputs are rounded likewise, with one
/// scale for all but its four largest, which are multiplied as they are:
///   y[v][o] = s_o (t_v sum over the others of C[o][i] c_v[i] + sum over the four of C[o][i] x_v[i]),
///   s_o = max_i |W[o][i]| / 127,  t_v = max over the others of |x_v[i]| / 127.
/// Few inputs of a transformer are many times as large as the rest, and would take the rest its bits (Dettmers et al.,
/// LLM.int8(), sections 2.1 and 3). Sums of codes are exact integers, by the kernels of the tile MVM.
class Int8Matrix {
 public:
  /// in_features: 1 to 131072, so that every sum fits in 32 bits. Throws Error{kUnsupported} beyond.
  Int8Matrix(std::uint32_t out_features, std::uint32_t in_features);
  Int8Matrix(Int8Matrix&&) noexcept;
  Int8Matrix& operator=(Int8Matrix&&) noexcept;
  ~Int8Matrix();

  /// Rounds rows [begin, begin + values.size() / in_features). Thread safe for different rows. Throws Error{kNotFinite}.
  void set_rows(std::uint32_t begin, std::span<const float> values);
  /// Orders the codes for the kernel in use, once all rows are there.
  void pack();
  /// Memory that codes and scales take, in both orders.
  [[nodiscard]] std::uint64_t bytes() const;

  /// y of n vectors x, as of HostMatrix::multiply(): the bits of y depend neither on n nor on the number of threads. A vector with
  /// an element that is not finite has NaN for all outputs, one of zeros has zeros.
  void multiply(std::span<const float> x, std::size_t n, std::span<float> y, ThreadPool& pool) const;

 private:
  struct Rounded;
  void round(std::span<const float> x, std::size_t vector, Rounded& rounded) const;
  void multiply_columns(std::size_t begin, std::size_t end, const Rounded& rounded, std::span<float> y) const;
  [[nodiscard]] std::size_t group_stride() const;
  /// `columns` outputs from `first` on, a multiple of 64, as a block.
  [[nodiscard]] analog::BlockView block(std::size_t first, std::size_t columns) const;

  std::uint32_t out_features_, in_features_;
  AlignedBuffer<std::int8_t> cells_;  ///< [ceil(out / 64)][in][64]: outputs are the columns of a block
  std::vector<float> row_scales_;
  analog::PackedCells packed_;
};

}  // namespace xw::transformer
