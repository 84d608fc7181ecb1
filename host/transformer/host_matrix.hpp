// Weight matrices of the host: held once, in the smallest form that loses nothing.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/graph.hpp"
#include "host/transformer/aligned_buffer.hpp"
#include "host/transformer/int8_matrix.hpp"
#include "host/transformer/kernels.hpp"
#include "host/transformer/model.hpp"

namespace xw::transformer {

/// W[out][in], row-major. Stored as fp16 or bfloat16 if every element is exactly representable (as in most
/// checkpoints), else as fp32: the product is the same, and a decoding step reads half the bytes. With
/// HostPrecision::kInt8 an Int8Matrix, which takes two bytes a weight where the kernel orders cells its own way.
class HostMatrix {
 public:
  enum class Storage { kF32, kF16, kBF16, kInt8 };

  /// Reads the referenced rows on all threads of `pool`. Throws Error{kShapeMismatch} if the tensor is not
  /// [rows][in_features] with the referenced rows inside, and what Int8Matrix throws.
  HostMatrix(const TensorSource& source, const ir::TensorRef& ref, std::uint32_t out_features,
             std::uint32_t in_features, ThreadPool& pool, HostPrecision precision = HostPrecision::kExact);

  [[nodiscard]] std::uint32_t out_features() const { return out_features_; }
  [[nodiscard]] std::uint32_t in_features() const { return in_features_; }
  [[nodiscard]] Storage storage() const { return static_cast<Storage>(weights_.index()); }
  [[nodiscard]] std::uint64_t bytes() const;

  /// y[v][o] = sum over i of W[o][i] * x[v][i] (in 8 bits as Int8Matrix says); the bits of y depend neither on n nor on the number of threads.
  void multiply(std::span<const float> x, std::size_t n, std::span<float> y, ThreadPool& pool) const;

 private:
  using StripRead = std::function<std::vector<float>()>;
  /// First row of a strip, from 0, and what reads its rows.
  using StripBody = std::function<void(std::uint64_t begin, const StripRead& read)>;
  /// Rows in strips that are converted at a time, on all threads of `pool`.
  void for_each_strip(const TensorSource& source, const std::string& tensor, std::uint64_t row_begin, ThreadPool& pool,
                      const StripBody& body) const;
  template <class T>
  bool load(const TensorSource& source, const std::string& tensor, std::uint64_t row_begin, ThreadPool& pool);
  void load_int8(const TensorSource& source, const std::string& tensor, std::uint64_t row_begin, ThreadPool& pool);

  std::uint32_t out_features_, in_features_;
  std::variant<AlignedBuffer<float>, AlignedBuffer<Fp16>, AlignedBuffer<Bf16>, Int8Matrix> weights_;
};

/// Rows [begin, end) that a reference means. Throws Error{kShapeMismatch} naming `use` if they are not inside the
/// tensor.
[[nodiscard]] ir::RowRange resolve_rows(const ir::TensorRef& ref, std::uint64_t rows, const std::string& use);

/// A vector of `size` elements of a one-dimensional tensor (or of its referenced range).
/// Throws Error{kShapeMismatch} naming `use`.
[[nodiscard]] AlignedBuffer<float> load_vector(const TensorSource& source, const ir::TensorRef& ref, std::uint64_t size,
                                               const std::string& use);

}  // namespace xw::transformer
