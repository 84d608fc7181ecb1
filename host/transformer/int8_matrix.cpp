// Weight matrices of the host in 8 bits, multiplied as integers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/int8_matrix.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::transformer {
namespace {

constexpr std::uint32_t kMostInputs = 1U << 17;      // 127 * 127 * 2^17 < 2^31
constexpr std::size_t kStripColumns = 256;           // outputs whose sums are in the cache at a time
constexpr std::size_t kSerialProducts = 256 * 1024;  // below this many a thread costs more than it saves
constexpr int kLargest = 127;
constexpr std::uint16_t kUnitGain = 1U << 15;
constexpr std::uint32_t kUnitShift = 15;  // gain / 2^shift = 1: codes are the sums

/// Gain and scale of the columns of a strip: those of a converter that passes sums on.
const std::uint16_t* unit_tables() {
  static const auto tables = [] {
    std::array<std::uint16_t, 2 * kStripColumns> pairs{};
    for (std::size_t column = 0; column < kStripColumns; ++column) {
      pairs[2 * column] = kUnitGain;
      pairs[2 * column + 1] = 1;
    }
    return pairs;
  }();
  return tables.data();
}

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

/// The largest magnitudes of a vector, descending; of equal ones those that come first. The last one is the largest of the rest.
struct Largest {
  float magnitude[kInt8Outliers + 1] = {};
  std::uint32_t index[kInt8Outliers + 1] = {};

  void offer(float value, std::uint32_t at) {
    std::size_t place = kInt8Outliers;
    if (!(value > magnitude[place])) return;
    for (; place > 0 && value > magnitude[place - 1]; --place) {
      magnitude[place] = magnitude[place - 1];
      index[place] = index[place - 1];
    }
    magnitude[place] = value;
    index[place] = at;
  }
};

Largest largest_of(std::span<const float> values) {
  constexpr std::size_t kTogether = 16;
  Largest largest;
  std::size_t i = 0;
  for (; i + kTogether <= values.size(); i += kTogether) {
    const float bound = largest.magnitude[kInt8Outliers];
    std::uint32_t above = 0;  // compilers make vectors of this
    for (std::size_t lane = 0; lane < kTogether; ++lane) above |= std::fabs(values[i + lane]) > bound ? 1U : 0U;
    if (above == 0) continue;
    for (std::size_t lane = 0; lane < kTogether; ++lane)
      largest.offer(std::fabs(values[i + lane]), static_cast<std::uint32_t>(i + lane));
  }
  for (; i < values.size(); ++i) largest.offer(std::fabs(values[i]), static_cast<std::uint32_t>(i));
  return largest;
}

}  // namespace

Int8Matrix::Int8Matrix(std::uint32_t out_features, std::uint32_t in_features)
    : out_features_(out_features), in_features_(in_features) {
  if (in_features == 0 || in_features > kMostInputs) {
    throw Error(ErrorCode::kUnsupported, "weights in 8 bits: expected 1 to " + std::to_string(kMostInputs) +
                                             " inputs of a layer, found " + std::to_string(in_features));
  }
  const std::size_t groups = (std::size_t{out_features} + kInt8Lanes - 1) / kInt8Lanes;
  cells_ = AlignedBuffer<std::int8_t>::large(groups * group_stride());
  std::fill_n(cells_.data(), cells_.size(), std::int8_t{0});
  row_scales_.resize(out_features);
}

Int8Matrix::Int8Matrix(Int8Matrix&&) noexcept = default;
Int8Matrix& Int8Matrix::operator=(Int8Matrix&&) noexcept = default;
Int8Matrix::~Int8Matrix() = default;

void Int8Matrix::set_rows(std::uint32_t begin, std::span<const float> values) {
  std::vector<std::int8_t> codes(in_features_);
  const std::uint32_t count = static_cast<std::uint32_t>(values.size() / in_features_);
  for (std::uint32_t row = begin; row < begin + count; ++row) {
    const std::span<const float> weights = values.subspan(std::size_t{row - begin} * in_features_, in_features_);
    const float largest = largest_magnitude(weights);
    row_scales_[row] = largest / static_cast<float>(kLargest);
    std::fill(codes.begin(), codes.end(), std::int8_t{0});
    if (!analog::dac_convert(weights, largest > 0 ? largest : 1.0F, kLargest, codes))
      throw Error(ErrorCode::kNotFinite, "row " + std::to_string(row) + ": a weight is not a finite number");
    std::int8_t* cells = cells_.data() + row / kInt8Lanes * group_stride() + row % kInt8Lanes;
    for (std::uint32_t i = 0; i < in_features_; ++i) cells[std::size_t{i} * kInt8Lanes] = codes[i];
  }
}

std::size_t Int8Matrix::group_stride() const {
  return std::size_t{in_features_} * kInt8Lanes;
}

analog::BlockView Int8Matrix::block(std::size_t first, std::size_t columns) const {
  analog::BlockView block;
  block.rows = in_features_;
  block.cols = static_cast<std::uint32_t>(columns);
  block.lanes = kInt8Lanes;
  block.cells = cells_.data() + first / kInt8Lanes * group_stride();
  return block;
}

void Int8Matrix::pack() {
  packed_ = analog::PackedCells(block(0, out_features_));
}

std::uint64_t Int8Matrix::bytes() const {
  return cells_.size() + packed_.bytes() + std::uint64_t{out_features_} * sizeof(float);
}

/// Vectors in 8 bits.
struct Int8Matrix::Rounded {
  Rounded(std::size_t vectors, std::size_t inputs)
      : n(vectors),
        codes(vectors * inputs),
        units(vectors),
        outliers(vectors * kInt8Outliers),
        values(outliers.size()) {}
  std::size_t n;
  AlignedBuffer<std::int8_t> codes;     ///< [n][in], those of outliers 0
  std::vector<float> units;             ///< NaN for a vector that is not finite
  std::vector<std::uint32_t> outliers;  ///< [n][kInt8Outliers]
  std::vector<float> values;            ///< theirs
};

void Int8Matrix::round(std::span<const float> x, std::size_t vector, Rounded& rounded) const {
  const std::span<const float> input = x.subspan(vector * in_features_, in_features_);
  const std::span<std::int8_t> codes(rounded.codes.data() + vector * in_features_, in_features_);
  const Largest largest = largest_of(input);
  const float rest = largest.magnitude[kInt8Outliers];
  const bool is_finite = analog::dac_convert(input, rest > 0 ? rest : 1.0F, kLargest, codes);
  rounded.units[vector] = is_finite ? rest / static_cast<float>(kLargest) : std::numeric_limits<float>::quiet_NaN();
  for (std::size_t t = 0; t < kInt8Outliers; ++t) {
    // Where there are fewer, a place left over names input 0 with the value 0.
    const bool is_there = largest.magnitude[t] > 0;
    const std::size_t place = vector * kInt8Outliers + t;
    rounded.outliers[place] = largest.index[t];
    rounded.values[place] = is_there ? input[largest.index[t]] : 0.0F;
    if (is_there) codes[largest.index[t]] = 0;
  }
}

void Int8Matrix::multiply_columns(std::size_t begin, std::size_t end, const Rounded& rounded,
                                  std::span<float> y) const {
  std::vector<std::int32_t> sums(rounded.n * kStripColumns);
  const Kernels& run = kernels();
  for (std::size_t first = begin; first < end; first += kStripColumns) {
    const std::size_t columns = std::min(kStripColumns, end - first);
    analog::BlockView strip = block(first, columns);
    strip.adc_shift = kUnitShift;
    strip.adc_max = std::numeric_limits<std::int32_t>::max();
    strip.column_tables = unit_tables();
    strip.packed = &packed_;
    strip.packed_col = static_cast<std::uint32_t>(first);
    analog::MvmBatch batch;
    batch.x = rounded.codes.data();
    batch.x_stride = in_features_;
    batch.y = sums.data();
    batch.y_stride = columns;
    batch.num_vectors = static_cast<std::uint32_t>(rounded.n);
    analog::tile_mvm(strip, batch);
    for (std::size_t v = 0; v < rounded.n; ++v) {
      const Int8Finish finish{strip.cells,
                              group_stride(),
                              rounded.outliers.data() + v * kInt8Outliers,
                              rounded.values.data() + v * kInt8Outliers,
                              row_scales_.data() + first,
                              rounded.units[v]};
      run.int8_finish(finish, sums.data() + v * columns, columns, y.data() + v * out_features_ + first);
    }
  }
}

void Int8Matrix::multiply(std::span<const float> x, std::size_t n, std::span<float> y, ThreadPool& pool) const {
  Rounded rounded(n, in_features_);
  const auto vectors = [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v) round(x, v, rounded);
  };
  const auto columns = [&](std::size_t begin, std::size_t end) { multiply_columns(begin, end, rounded, y); };
  if (std::size_t{out_features_} * in_features_ * n < kSerialProducts) {
    vectors(0, n);
    columns(0, out_features_);
    return;
  }
  pool.for_ranges(n, 1, vectors);
  pool.for_ranges(out_features_, kInt8Lanes, columns);
}

}  // namespace xw::transformer
