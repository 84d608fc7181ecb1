// Attention of one layer: prefill of 512 tokens, and one token after a long context.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "arch/support/parallel.hpp"
#include "host/transformer/attention.hpp"

namespace xw::transformer::benchmarks {
namespace {

/// range(0): tokens already in the cache, range(1): new tokens, range(2): threads. Nine query heads, three key-value heads.
void attention(benchmark::State& state) {
  const auto past = static_cast<std::uint32_t>(state.range(0));
  const auto n = static_cast<std::uint32_t>(state.range(1));
  ThreadPool pool(static_cast<unsigned>(state.range(2)));
  const AttentionConfig config{9, 3, 64, 0, 0.125F};
  RopeConfig rope_config;
  rope_config.style = RopeStyle::kHalf;
  rope_config.dims = 64;
  RopeTable rope(rope_config, 1 << 20);
  rope.extend(past + n);
  KvCache cache(3, 64);
  AttentionScratch scratch;
  cache.reserve(past + n);
  const std::vector<float> q(std::size_t{n} * 576, 0.5F), kv(std::size_t{n} * 192, 0.25F);
  std::vector<float> y(q.size());
  for (auto _ : state) {
    attend(config, &rope, cache, scratch, q, kv, kv, n, past, y, pool);
    benchmark::DoNotOptimize(y.data());
  }
  state.counters["tokens/s"] = benchmark::Counter(n, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(attention)
    ->ArgNames({"past", "n", "threads"})
    ->ArgsProduct({{0}, {512}, {1, 2}})
    ->ArgsProduct({{0, 512, 8000}, {1}, {1, 2}})
    ->UseRealTime();

}  // namespace
}  // namespace xw::transformer::benchmarks
