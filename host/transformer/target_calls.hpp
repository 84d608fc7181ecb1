// The calls of a program in floating point on the host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compiler/program/program.hpp"
#include "host/transformer/aligned_buffer.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::transformer {

/// y = W x + bias with the weights that the program holds, target / target_max * w_max, without converters and noise
/// (docs/numerics.md#tokens-on-the-host). Targets are read where the program has them; nothing is kept of them. Bits do not depend on
/// threads, the split of vectors into batches or instruction sets. Not thread safe.
class TargetCalls {
 public:
  /// Throws Error{kFormat} for a bias that is missing or of another size.
  TargetCalls(std::shared_ptr<const program::Program> program, ThreadPool& pool);

  /// x [num_vectors][in_features]; outputs[k] is [num_vectors][out_features], k in the order of CallInfo::matrices. Throws
  /// Error{kInvalidArgument} for a call that is not there, Error{kShapeMismatch} for other sizes, Error{kNotFinite} naming call,
  /// vector and input, Error{kFormat} for corrupt targets (checked when a call first runs).
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                std::span<const std::span<float>> outputs);

 private:
  /// Outputs [out_begin, out_begin + cols) of a matrix of a call.
  struct Strip {
    std::uint32_t matrix = 0;  ///< position in CallInfo::matrices
    std::uint32_t out_begin = 0, cols = 0;
    std::vector<std::uint32_t> blocks;  ///< that hold them, in the order of their inputs
  };
  struct Call {
    std::vector<Strip> strips;
    std::vector<AlignedBuffer<float>> biases;  ///< per matrix; empty: none
    bool checked = false;
  };

  void check_shapes(const program::CallInfo& info, std::span<const float> x, std::uint32_t num_vectors,
                    std::span<const std::span<float>> outputs) const;
  void check_targets(Call& call);
  void run_strip(const program::CallInfo& info, const Call& call, const Strip& strip, std::span<const float> x,
                 std::uint32_t num_vectors, std::span<float> output) const;

  std::shared_ptr<const program::Program> program_;
  ThreadPool& pool_;
  std::vector<Call> calls_;
};

}  // namespace xw::transformer
