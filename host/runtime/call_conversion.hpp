// The host side of a call: fp32 activations to DAC codes, and Y words to fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/program/program.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::runtime {

/// Conversions of one call of a program (docs/numerics.md#input-conversion and the last step of the contract).
/// Immutable and thread safe; `pool` is used for batches that are worth it.
class CallConversion {
 public:
  /// Throws Error{kFormat} if tables of the call contradict each other.
  CallConversion(const program::Program& program, std::uint32_t call, int dac_max);

  [[nodiscard]] const program::CallInfo& call() const { return *call_; }
  [[nodiscard]] const std::vector<program::InputRange>& input_ranges() const { return *ranges_; }
  /// Bias of every output of a matrix of the call (by position in CallInfo::matrices); empty if it has none.
  [[nodiscard]] const std::vector<float>& bias(std::size_t matrix) const { return biases_[matrix]; }

  /// Throws Error{kShapeMismatch} unless `x` and `outputs` have the sizes of `num_vectors` vectors.
  void check_shapes(std::span<const float> x, std::uint32_t num_vectors,
                    std::span<const std::span<float>> outputs) const;
  /// x [num_vectors][in_features] to codes; vector v stands at codes + v * stride, followed by zeros up to `stride`.
  /// Throws Error{kNotFinite} naming call, vector and input. `first_vector` is what messages call vector 0.
  void to_codes(std::span<const float> x, std::uint32_t num_vectors, std::int8_t* codes, std::size_t stride,
                std::uint32_t first_vector, ThreadPool& pool) const;
  /// Words (vector v at words + v * stride) to outputs[k][first_vector + v][out] = Y * unit + bias.
  void to_reals(const std::int32_t* words, std::size_t stride, std::uint32_t num_vectors, std::uint32_t first_vector,
                std::span<const std::span<float>> outputs, ThreadPool& pool) const;

 private:
  /// Words of Y that are outputs of one matrix.
  struct Segment {
    std::uint32_t matrix = 0;  ///< position in CallInfo::matrices
    std::uint32_t out_begin = 0, y_word = 0, length = 0;
  };
  void convert_row(const std::int32_t* words, std::uint32_t vector, std::span<const std::span<float>> outputs) const;

  const program::CallInfo* call_;
  const std::vector<program::InputRange>* ranges_;
  int dac_max_;
  std::vector<std::uint32_t> out_features_;  ///< by position
  std::vector<std::vector<float>> biases_;   ///< by position
  std::vector<std::vector<float>> units_;    ///< by position, of every output
  std::vector<Segment> segments_;
};

}  // namespace xw::runtime
