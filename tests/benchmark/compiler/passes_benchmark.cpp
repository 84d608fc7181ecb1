// Time of activation statistics.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "compiler/passes/calibration.hpp"

namespace xw::passes {
namespace {

std::vector<float> samples(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> x(count);
  for (float& value : x) value = normal(random);
  return x;
}

void add(benchmark::State& state) {
  const std::vector<float> x = samples(1 << 16);
  RangeStatistics statistics;
  for (auto _ : state) statistics.add(x);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(x.size()));
}
BENCHMARK(add);

void mse_range(benchmark::State& state) {
  RangeStatistics statistics;
  statistics.add(samples(1 << 16));
  for (auto _ : state) benchmark::DoNotOptimize(statistics.mse_range(127));
}
BENCHMARK(mse_range)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xw::passes
