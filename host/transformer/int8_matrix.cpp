// Weight matrices of the host in 8 bits, multiplied as integers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/int8_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"

namespace xw::transformer {
namespace {

constexpr std::uint32_t kMostInputs = 1U << 17;      // 127 * 127 * 2^17 < 2^31
constexpr std::uint32_t kLanes = 64;                 // columns of a group of cells
constexpr std::size_t kStripColumns = 256;           // outputs whose sums are in the cache at a time
constexpr std::size_t kSerialProducts = 256 * 1024;  // below this many a thread costs more than it saves
constexpr int kLargest = 127;
constexpr std::uint16_t kUnitGain = 1U << 15;
constexpr std::uint32_t kUnitShift = 15;  // gain / 2^shift = 1: codes are the sums

float largest_magnitude(std::span<const float> values) {
  constexpr std::size_t kTogether = 16;  // as many independent maxima: compilers make vectors of them
  float lanes[kTogether] = {};
  std::size_t i = 0;
  for (; i + kTogether <= values.size(); i += kTogether) {
    for (std::size_t lane = 0; lane < kTogether; ++lane) {
      const float magnitude = std::fabs(values[i + lane]);
      lanes[lane] = magnitude > lanes[lane] ? magnitude : lanes[lane];
    }
  }
  for (; i < values.size(); ++i) lanes[0] = std::max(lanes[0], std::fabs(values[i]));
  return *std::max_element(lanes, lanes + kTogether);
}

}  // namespace

Int8Matrix::Int8Matrix(std::uint32_t out_features, std::uint32_t in_features)
    : out_features_(out_features), in_features_(in_features) {
  if (in_features == 0 || in_features > kMostInputs) {
    throw Error(ErrorCode::kUnsupported, "weights in 8 bits: expected 1 to " + std::to_string(kMostInputs) +
                                             " inputs of a layer, found " + std::to_string(in_features));
  }
  const std::size_t groups = (std::size_t{out_features} + kLanes - 1) / kLanes;
  cells_ = AlignedBuffer<std::int8_t>::large(groups * in_features * kLanes);
  std::fill_n(cells_.data(), cells_.size(), std::int8_t{0});
  row_scales_.resize(out_features);
  tables_.resize(2 * std::size_t{out_features});
  for (std::size_t column = 0; column < out_features; ++column) {
    tables_[2 * column] = kUnitGain;
    tables_[2 * column + 1] = 1;
  }
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
    std::int8_t* cells = cells_.data() + std::size_t{row / kLanes} * in_features_ * kLanes + row % kLanes;
    for (std::uint32_t i = 0; i < in_features_; ++i) cells[std::size_t{i} * kLanes] = codes[i];
  }
}

void Int8Matrix::pack() {
  analog::BlockView block;
  block.rows = in_features_;
  block.cols = out_features_;
  block.lanes = kLanes;
  block.cells = cells_.data();
  packed_ = analog::PackedCells(block);
}

std::uint64_t Int8Matrix::bytes() const {
  return cells_.size() + packed_.bytes() + std::uint64_t{out_features_} * sizeof(float);
}

void Int8Matrix::multiply_columns(std::size_t begin, std::size_t end, const std::int8_t* codes,
                                  std::span<const float> scales, std::span<float> y) const {
  std::vector<std::int32_t> sums(scales.size() * kStripColumns);
  for (std::size_t first = begin; first < end; first += kStripColumns) {
    const std::size_t columns = std::min(kStripColumns, end - first);
    analog::BlockView block;
    block.rows = in_features_;
    block.cols = static_cast<std::uint32_t>(columns);
    block.lanes = kLanes;
    block.adc_shift = kUnitShift;
    block.adc_max = std::numeric_limits<std::int32_t>::max();
    block.column_tables = tables_.data();
    block.cells = cells_.data() + first / kLanes * in_features_ * kLanes;
    block.packed = &packed_;
    block.packed_col = static_cast<std::uint32_t>(first);
    analog::MvmBatch batch;
    batch.x = codes;
    batch.x_stride = in_features_;
    batch.y = sums.data();
    batch.y_stride = columns;
    batch.num_vectors = static_cast<std::uint32_t>(scales.size());
    analog::tile_mvm(block, batch);
    for (std::size_t v = 0; v < scales.size(); ++v) {
      const std::int32_t* sum = sums.data() + v * columns;
      float* out = y.data() + v * out_features_ + first;
      for (std::size_t c = 0; c < columns; ++c)
        out[c] = static_cast<float>(sum[c]) * row_scales_[first + c] * scales[v];
    }
  }
}

void Int8Matrix::multiply(std::span<const float> x, std::size_t n, std::span<float> y, ThreadPool& pool) const {
  AlignedBuffer<std::int8_t> codes(n * in_features_);
  std::vector<float> scales(n);
  const auto round_vectors = [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v) {
      const std::span<const float> input = x.subspan(v * in_features_, in_features_);
      const std::span<std::int8_t> code(codes.data() + v * in_features_, in_features_);
      const float largest = largest_magnitude(input);
      const bool is_finite = analog::dac_convert(input, largest > 0 ? largest : 1.0F, kLargest, code);
      scales[v] = is_finite ? largest / static_cast<float>(kLargest) : std::numeric_limits<float>::quiet_NaN();
    }
  };
  const auto columns = [&](std::size_t begin, std::size_t end) {
    multiply_columns(begin, end, codes.data(), scales, y);
  };
  if (std::size_t{out_features_} * in_features_ * n < kSerialProducts) {
    round_vectors(0, n);
    columns(0, out_features_);
    return;
  }
  pool.for_ranges(n, 1, round_vectors);
  pool.for_ranges(out_features_, kLanes, columns);
}

}  // namespace xw::transformer
