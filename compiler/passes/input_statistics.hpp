// First and second moments of what flows into linear layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compiler/passes/matrix.hpp"

namespace xw::passes {

/// Mean and covariance of vectors, and some of the vectors themselves. Not thread safe.
class InputStatistics {
 public:
  /// `features` of every vector; `kept` vectors are kept at most, evenly among those that come.
  InputStatistics(std::uint32_t features, std::size_t kept);
  /// Adds x [n][features]. Throws Error{kNotFinite} naming the feature; nothing is added then.
  void add(std::span<const float> x, Product product);

  [[nodiscard]] std::uint32_t features() const { return features_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::vector<float> mean() const;
  /// E[(x - mean) (x - mean)^T], divided by the count; zeros if there is nothing.
  [[nodiscard]] Matrix covariance() const;
  /// E[x x^T].
  [[nodiscard]] Matrix second_moment() const;
  /// Some of the vectors, [n][features].
  [[nodiscard]] const Matrix& samples() const { return samples_; }
  /// Bytes that an object of so many features holds.
  [[nodiscard]] static std::uint64_t bytes(std::uint32_t features, std::size_t kept);

 private:
  /// E[(x - about) (x - about)^T].
  [[nodiscard]] Matrix moment_about(std::span<const float> about) const;

  std::uint32_t features_;
  std::size_t max_kept_;
  std::uint64_t count_ = 0;
  std::uint64_t stride_ = 1;  ///< every stride-th vector is kept
  std::vector<float>
      reference_;            ///< mean of the first vectors: sums are about it, so that a large mean costs no digits
  std::vector<double> sum_;  ///< of x - reference
  Matrix products_;          ///< sum of (x - reference) (x - reference)^T
  Matrix samples_;
};

}  // namespace xw::passes
