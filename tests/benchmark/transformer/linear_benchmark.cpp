// Digital linear layers with the host's own kernels. FLOP/s count two operations per weight and vector, B/s the weights read.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/benchmark/transformer/linear_benchmark.hpp"

#include "arch/support/half.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/host_matrix.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::transformer::benchmarks {
namespace {

/// A tensor whose values are exact in bfloat16 or not.
class OneTensor : public TensorSource {
 public:
  OneTensor(const Problem& problem, bool sixteen_bits) : problem_(problem), weights_(problem.weights) {
    if (!sixteen_bits) return;
    for (float& value : weights_) value = half_to_float(float_to_half(value));
  }
  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string&) const override {
    return {problem_.out, problem_.in};
  }
  void read_rows(const std::string&, std::uint64_t begin, std::uint64_t, std::span<float> dst) const override {
    std::copy_n(weights_.begin() + static_cast<std::ptrdiff_t>(begin * problem_.in), dst.size(), dst.begin());
  }

 private:
  const Problem& problem_;
  std::vector<float> weights_;
};

void own(benchmark::State& state, bool sixteen_bits) {
  const Problem problem(state);
  ThreadPool pool(static_cast<unsigned>(state.range(3)));
  const HostMatrix matrix(OneTensor(problem, sixteen_bits), {"w", 0, 0}, static_cast<std::uint32_t>(problem.out),
                          static_cast<std::uint32_t>(problem.in), pool);
  std::vector<float> y(problem.n * problem.out);
  for (auto _ : state) {
    matrix.multiply(problem.x, problem.n, y, pool);
    benchmark::DoNotOptimize(y.data());
  }
  problem.count(state, matrix.bytes());
  state.SetLabel(kernels().name);
}

void own_fp32(benchmark::State& state) {
  own(state, false);
}
void own_fp16(benchmark::State& state) {
  own(state, true);
}

BENCHMARK(own_fp32)->Apply(shapes)->UseRealTime();
BENCHMARK(own_fp16)->Apply(shapes)->UseRealTime();

}  // namespace
}  // namespace xw::transformer::benchmarks
