// Weight matrices of the host: held once, in the smallest form that loses nothing.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/host_matrix.hpp"

#include <atomic>
#include <bit>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "arch/support/parallel.hpp"

namespace xw::transformer {
namespace {

constexpr std::uint64_t kStripElements = 64 * 1024;  // converted at a time
constexpr std::size_t kRowGranularity = 16;          // rows of one thread come in multiples of this
constexpr std::size_t kSerialProducts = 64 * 1024;  // below this many multiplications a thread costs more than it saves

/// Each returns false if `value` is not exactly representable (or is NaN, which has no one representation).
bool narrow(float value, float& out) {
  out = value;
  return true;
}
bool narrow(float value, Fp16& out) {
  out.bits = float_to_half(value);
  return std::bit_cast<std::uint32_t>(half_to_float(out.bits)) == std::bit_cast<std::uint32_t>(value);
}
bool narrow(float value, Bf16& out) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  out.bits = static_cast<std::uint16_t>(bits >> 16);
  return (bits & 0xFFFFU) == 0;
}

std::string to_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

ir::RowRange resolve_rows(const ir::TensorRef& ref, std::uint64_t rows, const std::string& use) {
  const ir::RowRange range = ref.rows(rows);
  if (range.begin >= range.end || range.end > rows) {
    throw Error(ErrorCode::kShapeMismatch, use + ": rows " + std::to_string(range.begin) + " to " +
                                               std::to_string(range.end) + " of tensor '" + ref.tensor +
                                               "', which has " + std::to_string(rows) + " rows");
  }
  return range;
}

AlignedBuffer<float> load_vector(const TensorSource& source, const ir::TensorRef& ref, std::uint64_t size,
                                 const std::string& use) {
  const std::vector<std::uint64_t> shape = source.shape(ref.tensor);
  std::uint64_t elements = shape.empty() ? 0 : 1;
  for (const std::uint64_t dimension : shape) elements *= dimension;
  // A vector is one row to read_rows, as rank-one tensors are; a range of a reference selects elements of it.
  const ir::RowRange range = resolve_rows(ref, elements, use);
  if (shape.size() != 1 || range.end - range.begin != size) {
    throw Error(ErrorCode::kShapeMismatch, use + ": expected " + std::to_string(size) + " elements of tensor '" +
                                               ref.tensor + "', found " + std::to_string(range.end - range.begin) +
                                               " of shape " + to_text(shape));
  }
  std::vector<float> whole(elements);
  source.read_rows(ref.tensor, 0, 1, whole);
  AlignedBuffer<float> result(size);
  for (std::uint64_t i = 0; i < size; ++i) result.data()[i] = whole[range.begin + i];
  return result;
}

HostMatrix::HostMatrix(const TensorSource& source, const ir::TensorRef& ref, std::uint32_t out_features,
                       std::uint32_t in_features, ThreadPool& pool, HostPrecision precision)
    : out_features_(out_features), in_features_(in_features) {
  const std::vector<std::uint64_t> shape = source.shape(ref.tensor);
  if (shape.size() != 2 || shape[1] != in_features) {
    throw Error(ErrorCode::kShapeMismatch, "tensor '" + ref.tensor + "': expected shape [*, " +
                                               std::to_string(in_features) + "], found " + to_text(shape));
  }
  const ir::RowRange rows = resolve_rows(ref, shape[0], "tensor '" + ref.tensor + "'");
  if (rows.end - rows.begin != out_features) {
    throw Error(ErrorCode::kShapeMismatch, "tensor '" + ref.tensor + "': expected " + std::to_string(out_features) +
                                               " rows, found " + std::to_string(rows.end - rows.begin));
  }
  if (precision == HostPrecision::kInt8) {
    load_int8(source, ref.tensor, rows.begin, pool);
    return;
  }
  if (!load<Bf16>(source, ref.tensor, rows.begin, pool) && !load<Fp16>(source, ref.tensor, rows.begin, pool)) {
    load<float>(source, ref.tensor, rows.begin, pool);
  }
}

void HostMatrix::for_each_strip(const TensorSource& source, const std::string& tensor, std::uint64_t row_begin,
                                ThreadPool& pool, const StripBody& body) const {
  const std::uint64_t strip_rows = std::max<std::uint64_t>(1, kStripElements / in_features_);
  pool.for_each((out_features_ + strip_rows - 1) / strip_rows, [&](std::size_t strip) {
    const std::uint64_t begin = strip * strip_rows;
    const std::uint64_t end = std::min<std::uint64_t>(begin + strip_rows, out_features_);
    body(begin, [&] {
      std::vector<float> values((end - begin) * in_features_);
      source.read_rows(tensor, row_begin + begin, row_begin + end, values);
      return values;
    });
  });
}

template <class T>
bool HostMatrix::load(const TensorSource& source, const std::string& tensor, std::uint64_t row_begin,
                      ThreadPool& pool) {
  AlignedBuffer<T> weights = AlignedBuffer<T>::large(static_cast<std::size_t>(out_features_) * in_features_);
  std::atomic<bool> exact = true;
  for_each_strip(source, tensor, row_begin, pool, [&](std::uint64_t begin, const StripRead& read) {
    if (!exact.load(std::memory_order_relaxed)) return;
    const std::vector<float> values = read();
    T* out = weights.data() + begin * in_features_;
    bool all = true;
    for (std::size_t i = 0; i < values.size() && all; ++i) all = narrow(values[i], out[i]);
    if (!all) exact.store(false, std::memory_order_relaxed);
  });
  if (!exact.load()) return false;
  weights_ = std::move(weights);
  return true;
}

void HostMatrix::load_int8(const TensorSource& source, const std::string& tensor, std::uint64_t row_begin,
                           ThreadPool& pool) {
  Int8Matrix matrix(out_features_, in_features_);
  for_each_strip(source, tensor, row_begin, pool, [&](std::uint64_t begin, const StripRead& read) {
    const std::vector<float> values = read();
    try {
      matrix.set_rows(static_cast<std::uint32_t>(begin), values);
    } catch (const Error& error) {
      throw Error(error.code(), "tensor '" + tensor + "': " + error.what());
    }
  });
  matrix.pack();
  weights_ = std::move(matrix);
}

std::uint64_t HostMatrix::bytes() const {
  if (const auto* int8 = std::get_if<Int8Matrix>(&weights_)) return int8->bytes();
  const std::uint64_t elements = std::uint64_t{out_features_} * in_features_;
  return elements * (storage() == Storage::kF32 ? 4 : 2);
}

void HostMatrix::multiply(std::span<const float> x, std::size_t n, std::span<float> y, ThreadPool& pool) const {
  if (const auto* int8 = std::get_if<Int8Matrix>(&weights_)) {
    int8->multiply(x, n, y, pool);
    return;
  }
  const Kernels& run = kernels();
  const std::size_t in = in_features_;
  const std::size_t out = out_features_;
  const auto rows = [&](std::size_t begin, std::size_t end) {
    const std::size_t count = end - begin;
    float* result = y.data() + begin;
    if (const auto* f32 = std::get_if<AlignedBuffer<float>>(&weights_)) {
      run.matmul_f32(f32->data() + begin * in, in, count, x.data(), in, n, in, result, out);
    } else if (const auto* f16 = std::get_if<AlignedBuffer<Fp16>>(&weights_)) {
      run.matmul_f16(f16->data() + begin * in, in, count, x.data(), in, n, in, result, out);
    } else if (const auto* bf16 = std::get_if<AlignedBuffer<Bf16>>(&weights_)) {
      run.matmul_bf16(bf16->data() + begin * in, in, count, x.data(), in, n, in, result, out);
    }
  };
  if (in * out * n < kSerialProducts) {
    rows(0, out);
  } else {
    pool.for_ranges(out, kRowGranularity, rows);
  }
}

}  // namespace xw::transformer
