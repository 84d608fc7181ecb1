// Time to plan real models: cutting, packing, placing.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "compiler/mapping/plan.hpp"
#include "tests/unit/mapping/model_shapes.hpp"

namespace xw::mapping {
namespace {

void plan(benchmark::State& state, const std::vector<MatrixShape>& matrices, const TileShape& tile) {
  Plan result;
  for (auto _ : state) {
    result = make_plan(matrices, tile);
    benchmark::DoNotOptimize(result);
  }
  state.counters["tiles"] = result.num_tiles;
  state.counters["bound"] = result.tiles_lower_bound;
  state.counters["blocks"] = static_cast<double>(result.blocks.size());
}

BENCHMARK_CAPTURE(plan, smollm2_135m, test::llama_matrices(test::kSmolLm2), TileShape{512, 512})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, smollm2_135m_tiles_of_256, test::llama_matrices(test::kSmolLm2), TileShape{256, 256})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, qwen2_05b, test::llama_matrices(test::kQwen05b), TileShape{512, 512})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, llama_32_1b, test::llama_matrices(test::kLlama1b), TileShape{512, 512})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, phi3_mini, test::phi3_matrices(), TileShape{512, 512})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan, awkward, test::llama_matrices({20, 1000, 300, 2700}), TileShape{512, 512})
    ->Unit(benchmark::kMillisecond);

void verify(benchmark::State& state) {
  const std::vector<MatrixShape> matrices = test::phi3_matrices();
  const Plan result = make_plan(matrices, {512, 512});
  for (auto _ : state) verify_plan(result, matrices, {512, 512});
}
BENCHMARK(verify)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xw::mapping
