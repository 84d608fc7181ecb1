// Digital linear layers with OpenBLAS, for comparison.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cblas.h>

#include "tests/benchmark/transformer/linear_benchmark.hpp"

namespace xw::transformer::benchmarks {
namespace {

void openblas(benchmark::State& state) {
  const Problem problem(state);
  openblas_set_num_threads(static_cast<int>(state.range(3)));
  const int n = static_cast<int>(problem.n);
  const int in = static_cast<int>(problem.in);
  const int out = static_cast<int>(problem.out);
  std::vector<float> y(problem.n * problem.out);
  for (auto _ : state) {
    if (n == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, out, in, 1.0F, problem.weights.data(), in, problem.x.data(), 1, 0.0F,
                  y.data(), 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, in, 1.0F, problem.x.data(), in,
                  problem.weights.data(), in, 0.0F, y.data(), out);
    }
    benchmark::DoNotOptimize(y.data());
  }
  problem.count(state, problem.weights.size() * sizeof(float));
}

BENCHMARK(openblas)->Apply(shapes)->UseRealTime();

}  // namespace
}  // namespace xw::transformer::benchmarks
