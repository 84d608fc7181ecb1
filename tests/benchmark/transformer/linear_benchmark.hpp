// The problems that all implementations of a linear layer are timed on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <vector>

namespace xw::transformer::benchmarks {

/// y[n][out] = x[n][in] W[out][in]^T with range(0) = out, range(1) = in, range(2) = n.
struct Problem {
  explicit Problem(const benchmark::State& state)
      : out(static_cast<std::size_t>(state.range(0))),
        in(static_cast<std::size_t>(state.range(1))),
        n(static_cast<std::size_t>(state.range(2))),
        weights(random(out * in, 1)),
        x(random(n * in, 2)) {}

  void count(benchmark::State& state, std::uint64_t weight_bytes) const {
    const auto per_run = benchmark::Counter::kIsIterationInvariantRate;
    state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(out * in * n), per_run);
    state.counters["B/s"] = benchmark::Counter(static_cast<double>(weight_bytes), per_run);
  }

  std::size_t out, in, n;
  std::vector<float> weights, x;

 private:
  static std::vector<float> random(std::size_t size, std::uint32_t seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(size);
    for (float& value : values) value = uniform(generator);
    return values;
  }
};

/// Layers of a model with hidden size 576 (output layer, up and down projection), decode and prefill.
inline void add_shapes(benchmark::internal::Benchmark* benchmark, int max_threads) {
  benchmark->ArgNames({"out", "in", "n", "threads"});
  for (int threads = 1; threads <= max_threads; ++threads) {
    benchmark->Args({49152, 576, 1, threads});
    benchmark->Args({2048, 2048, 1, threads});
    benchmark->Args({1536, 576, 512, threads});
    benchmark->Args({576, 1536, 512, threads});
    benchmark->Args({2048, 8192, 512, threads});
  }
}
inline void shapes(benchmark::internal::Benchmark* benchmark) {
  add_shapes(benchmark, 2);
}
inline void serial_shapes(benchmark::internal::Benchmark* benchmark) {
  add_shapes(benchmark, 1);
}

}  // namespace xw::transformer::benchmarks
