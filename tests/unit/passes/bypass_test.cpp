// Principal directions against a full eigendecomposition.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/bypass.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "compiler/passes/input_statistics.hpp"
#include "tests/unit/passes/numbers.hpp"

namespace xw::passes {
namespace {

using test::plain_product;

Matrix covariance_of(std::size_t features) {
  const Matrix x = test::correlated_vectors(300, features, 5);
  InputStatistics statistics(static_cast<std::uint32_t>(features), 1);
  statistics.add(x.data, plain_product);
  return statistics.covariance();
}

Eigen::MatrixXd dense(const Matrix& m) {
  Eigen::MatrixXd d(static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.cols));
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c)
      d(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) = static_cast<double>(m(r, c));
  }
  return d;
}

TEST(Bypass, DirectionsAreTheTopEigenvectors) {
  const Matrix covariance = covariance_of(40);
  const Directions found = principal_directions(covariance, 4, plain_product);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(dense(covariance));
  for (Eigen::Index k = 0; k < 4; ++k) {
    EXPECT_NEAR(found.variance[static_cast<std::size_t>(k)] / solver.eigenvalues()(39 - k), 1, 1e-4);
    const double cosine = std::abs(dense(found.basis).row(k).dot(solver.eigenvectors().col(39 - k)));
    // Behind the three strong ones the spectrum is nearly flat.
    if (k < 3) {
      EXPECT_GT(cosine, 0.999) << k;
    }
  }
  const std::vector<double> held = held_variance(covariance, found);
  EXPECT_EQ(held.size(), 5U);
  EXPECT_TRUE(std::is_sorted(held.begin(), held.end()));
  EXPECT_LT(held.back(), 1);
}

TEST(Bypass, RestIsTheProjectedCovariance) {
  const Matrix covariance = covariance_of(24);
  const Matrix basis = principal_directions(covariance, 3, plain_product).basis;
  const Eigen::MatrixXd v = dense(basis);
  const Eigen::MatrixXd projector = Eigen::MatrixXd::Identity(24, 24) - v.transpose() * v;
  const Eigen::MatrixXd expected = projector * dense(covariance) * projector;
  EXPECT_LT((dense(rest_of(covariance, basis, plain_product)) - expected).cwiseAbs().maxCoeff(), 1e-4);

  Matrix x = test::random_matrix(1, 24, 9);
  const Eigen::VectorXd removed = projector * dense(x).transpose();
  remove_directions(basis, x.row(0));
  EXPECT_LT((dense(x).transpose() - removed).cwiseAbs().maxCoeff(), 1e-5);
}

TEST(Bypass, RankMayBeNoneOrAll) {
  const Matrix covariance = covariance_of(6);
  EXPECT_EQ(principal_directions(covariance, 0, plain_product).basis.rows, 0U);
  const Matrix all = principal_directions(covariance, 6, plain_product).basis;
  const Matrix rest = rest_of(covariance, all, plain_product);
  for (const float value : rest.data) EXPECT_NEAR(value, 0, 1e-4);
}

}  // namespace
}  // namespace xw::passes
