// Digital linear layers with Eigen, for comparison; compiled for the processor of the build machine.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Core>

#include "tests/benchmark/transformer/linear_benchmark.hpp"

namespace xw::transformer::benchmarks {
namespace {

void eigen(benchmark::State& state) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Problem problem(state);
  const Eigen::Index n = static_cast<Eigen::Index>(problem.n);
  const Eigen::Index in = static_cast<Eigen::Index>(problem.in);
  const Eigen::Index out = static_cast<Eigen::Index>(problem.out);
  const Eigen::Map<const Matrix> w(problem.weights.data(), out, in);
  const Eigen::Map<const Matrix> x(problem.x.data(), n, in);
  Matrix y(n, out);
  for (auto _ : state) {
    y.noalias() = x * w.transpose();
    benchmark::DoNotOptimize(y.data());
  }
  problem.count(state, problem.weights.size() * sizeof(float));
}

BENCHMARK(eigen)->Apply(serial_shapes)->UseRealTime();

}  // namespace
}  // namespace xw::transformer::benchmarks
