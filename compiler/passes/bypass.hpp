// The part of a layer's input that is taken digitally: its mean, and its principal directions. Exact in fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/passes/matrix.hpp"

namespace xw::passes {

/// Directions in descending order of the variance along them.
struct Directions {
  Matrix basis;                  ///< [rank][features], orthonormal rows
  std::vector<double> variance;  ///< along each
};

/// The top `rank` eigenvectors of a covariance [features][features] by subspace iteration; rank at most the features. The
/// same covariance gives the same directions.
[[nodiscard]] Directions principal_directions(const Matrix& covariance, std::size_t rank, Product product);

/// What is left of `vector` without its part along the basis: v - V^T (V v).
void remove_directions(const Matrix& basis, std::span<float> vector);

/// (I - V^T V) C (I - V^T V) for a symmetric C.
[[nodiscard]] Matrix rest_of(const Matrix& covariance, const Matrix& basis, Product product);

/// Variance that the first r directions hold, r = 0 ... rank, over the trace.
[[nodiscard]] std::vector<double> held_variance(const Matrix& covariance, const Directions& directions);

}  // namespace xw::passes
