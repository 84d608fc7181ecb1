// Principal directions of a layer's input.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/bypass.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <random>

namespace xw::passes {
namespace {

constexpr std::size_t kExtra = 8;  ///< directions beside the wanted ones, which make them converge faster
constexpr int kIterations = 24;
constexpr std::uint32_t kSeed = 1;

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Makes the rows orthonormal.
void orthonormalise(Matrix& rows) {
  RowMajor q(rows.cols, rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < rows.cols; ++c)
      q(static_cast<Eigen::Index>(c), static_cast<Eigen::Index>(r)) = static_cast<double>(rows(r, c));
  }
  const Eigen::HouseholderQR<RowMajor> qr(q);
  const RowMajor thin = qr.householderQ() * RowMajor::Identity(q.rows(), q.cols());
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < rows.cols; ++c)
      rows(r, c) = static_cast<float>(thin(static_cast<Eigen::Index>(c), static_cast<Eigen::Index>(r)));
  }
}

}  // namespace

Directions principal_directions(const Matrix& covariance, std::size_t rank, Product product) {
  const std::size_t features = covariance.rows;
  const std::size_t size = std::min(features, rank + kExtra);
  Directions result;
  result.basis = Matrix(rank, features);
  if (rank == 0) return result;
  Matrix rows(size, features);
  std::mt19937 random(kSeed);
  for (float& value : rows.data) value = static_cast<float>(random()) / 4294967296.0F - 0.5F;
  orthonormalise(rows);
  for (int i = 0; i < kIterations; ++i) {
    rows = times_transposed(rows, covariance, product);
    orthonormalise(rows);
  }
  // Rayleigh-Ritz: the eigenvectors within the subspace.
  const Matrix image = times_transposed(rows, covariance, product);
  RowMajor small(size, size);
  for (std::size_t a = 0; a < size; ++a) {
    for (std::size_t b = 0; b < size; ++b)
      small(static_cast<Eigen::Index>(a), static_cast<Eigen::Index>(b)) = dot(rows.row(a), image.row(b));
  }
  const Eigen::SelfAdjointEigenSolver<RowMajor> solver(RowMajor((small + small.transpose()) / 2));
  for (std::size_t k = 0; k < rank; ++k) {
    const auto column = static_cast<Eigen::Index>(size - 1 - k);  // ascending order
    result.variance.push_back(std::max(0.0, solver.eigenvalues()(column)));
    for (std::size_t a = 0; a < size; ++a) {
      const auto share = static_cast<float>(solver.eigenvectors()(static_cast<Eigen::Index>(a), column));
      for (std::size_t i = 0; i < features; ++i) result.basis(k, i) += share * rows(a, i);
    }
  }
  orthonormalise(result.basis);
  return result;
}

void remove_directions(const Matrix& basis, std::span<float> vector) {
  std::vector<double> along(basis.rows);
  for (std::size_t k = 0; k < basis.rows; ++k) along[k] = dot(basis.row(k), vector);
  for (std::size_t k = 0; k < basis.rows; ++k) {
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] -= static_cast<float>(along[k]) * basis(k, i);
  }
}

Matrix rest_of(const Matrix& covariance, const Matrix& basis, Product product) {
  // With B = V C (rows) and S = B V^T: C - V^T B - B^T V + V^T S V.
  Matrix rest = covariance;
  const Matrix image = times_transposed(basis, covariance, product);
  const std::size_t rank = basis.rows;
  Matrix inner(rank, rank);
  for (std::size_t a = 0; a < rank; ++a) {
    for (std::size_t b = 0; b < rank; ++b) inner(a, b) = static_cast<float>(dot(image.row(a), basis.row(b)));
  }
  const Matrix back = times_transposed(transposed(basis), inner, product);  // [features][rank]: V^T S^T, S symmetric
  for (std::size_t i = 0; i < rest.rows; ++i) {
    for (std::size_t k = 0; k < rank; ++k) {
      const float v = basis(k, i);
      const float c = back(i, k) - image(k, i);
      for (std::size_t j = 0; j < rest.cols; ++j) rest(i, j) += c * basis(k, j) - v * image(k, j);
    }
  }
  return rest;
}

std::vector<double> held_variance(const Matrix& covariance, const Directions& directions) {
  double trace = 0;
  for (std::size_t i = 0; i < covariance.rows; ++i) trace += static_cast<double>(covariance(i, i));
  std::vector<double> held = {0};
  for (const double variance : directions.variance) held.push_back(held.back() + (trace > 0 ? variance / trace : 0));
  return held;
}

}  // namespace xw::passes
