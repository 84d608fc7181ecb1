// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/dequantize.hpp"

namespace xw::checkpoint {
namespace {

// Rows from `first_row` on of a matrix [total_rows][width].
void clamp_rows(const WeightBounds& bounds, std::uint64_t total_rows, std::uint64_t first_row, std::uint64_t width,
                std::span<float> values) {
  for (std::size_t tile = 0; tile < bounds.begins.size(); ++tile) {
    const std::uint64_t begin = bounds.begins[tile];
    const std::uint64_t end = tile + 1 < bounds.begins.size() ? bounds.begins[tile + 1] : width;
    for (std::uint64_t row = 0; row < values.size() / width; ++row) {
      const float bound = bounds.values[tile * total_rows + first_row + row];
      for (std::uint64_t i = begin; i < end; ++i)
        values[row * width + i] = std::clamp(values[row * width + i], -bound, bound);
    }
  }
}

}  // namespace

std::uint64_t Tensor::row_elements() const {
  std::uint64_t elements = 1;
  for (std::size_t i = shape.size() < 2 ? 0 : 1; i < shape.size(); ++i) elements *= shape[i];
  return elements;
}

void read_rows(const Tensor& tensor, std::uint64_t row_begin, std::uint64_t row_end, std::span<float> dst) {
  const std::string what = tensor.location + ": tensor \"" + printable(tensor.name) + "\"";
  if (!is_floating(tensor.dtype)) {
    throw Error(ErrorCode::kUnsupported,
                what + ": expected floating-point or quantised elements, found " + name(tensor.dtype));
  }
  if (row_begin > row_end || row_end > tensor.rows()) {
    throw Error(ErrorCode::kInvalidArgument, what + ": expected rows within [0, " + std::to_string(tensor.rows()) +
                                                 "), found [" + std::to_string(row_begin) + ", " +
                                                 std::to_string(row_end) + ")");
  }
  const std::uint64_t elements = (row_end - row_begin) * tensor.row_elements();
  if (dst.size() != elements) {
    throw Error(ErrorCode::kInvalidArgument, what + ": expected room for " + std::to_string(elements) +
                                                 " elements, found " + std::to_string(dst.size()));
  }
  const std::uint64_t row_bytes = tensor.row_elements() / block_elements(tensor.dtype) * block_bytes(tensor.dtype);
  dequantize(tensor.dtype, tensor.data.subspan(row_begin * row_bytes, (row_end - row_begin) * row_bytes), dst);
  if (tensor.bounds != nullptr) clamp_rows(*tensor.bounds, tensor.rows(), row_begin, tensor.row_elements(), dst);
}

std::vector<std::uint32_t> tile_begins(std::uint32_t inputs, std::uint32_t tiles) {
  std::vector<std::uint32_t> begins;
  for (std::uint32_t tile = 0, begin = 0; tile < tiles; ++tile) {
    begins.push_back(begin);
    begin += inputs / tiles + (tile < inputs % tiles ? 1 : 0);
  }
  return begins;
}

std::vector<float> read_all(const Tensor& tensor) {
  std::vector<float> values(tensor.rows() * tensor.row_elements());
  read_rows(tensor, 0, tensor.rows(), values);
  return values;
}

}  // namespace xw::checkpoint
