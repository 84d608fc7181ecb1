// Simulation speed of the SystemC model: emulated cycles per second with and without values, chip time per second.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <memory>

#include "arch/support/parallel.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "host/backends/systemc/systemc_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw {
namespace {

/// A layer of 4 x 4 full blocks, streamed from memory.
void emulator(benchmark::State& state) {
  test::Hardware hardware = test::Hardware::of(arch::load_emulator("alveo-u55c"), 512, 512);
  test::ProgramShape shape;
  shape.calls.push_back({2048, {2048}, {}});
  const auto program = test::make_program(shape, hardware, 1);
  systemc::SystemcDevice device(hardware.emulator(), {state.range(0) != 0});
  ThreadPool pool(1);
  runtime::ChipInstance chip(program, device, {1, "ideal", 0, 0}, pool);
  const auto num_vectors = static_cast<std::uint32_t>(state.range(1));
  const std::vector<std::int8_t> codes(std::size_t{num_vectors} * 2048, 1);
  for (auto _ : state) benchmark::DoNotOptimize(chip.run_codes(0, codes, num_vectors, 0));
  const device::RunStats& stats = chip.stats()[0].device;
  state.counters["cycles/s"] = benchmark::Counter(static_cast<double>(stats.total_cycles), benchmark::Counter::kIsRate);
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(stats.macs), benchmark::Counter::kIsRate);
}
BENCHMARK(emulator)->ArgNames({"values", "vectors"})->Args({1, 1})->Args({1, 16})->Args({0, 1})->Args({0, 16});

/// The same layer on the tiles of afm-512; cycles are nanoseconds of the chip.
void chip_device(benchmark::State& state) {
  const test::Hardware hardware = test::Hardware::of(arch::load_emulator("alveo-u55c"), 512, 512);
  test::ProgramShape shape;
  shape.calls.push_back({2048, {2048}, {}});
  const auto program = test::make_program(shape, hardware, 1);
  auto target = std::make_shared<systemc::ChipTarget>();
  target->description = arch::load_chip("afm-512");
  target->layout = systemc::chip_layout(*program);
  systemc::SystemcDevice device(hardware.emulator(), {state.range(0) != 0, target});
  ThreadPool pool(1);
  runtime::ChipInstance chip(program, device, {1, "ideal", 0, 0}, pool);
  const auto num_vectors = static_cast<std::uint32_t>(state.range(1));
  const std::vector<std::int8_t> codes(std::size_t{num_vectors} * 2048, 1);
  for (auto _ : state) benchmark::DoNotOptimize(chip.run_codes(0, codes, num_vectors, 0));
  const device::RunStats& stats = chip.stats()[0].device;
  state.counters["ns/s"] = benchmark::Counter(static_cast<double>(stats.chip_ns), benchmark::Counter::kIsRate);
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(stats.macs), benchmark::Counter::kIsRate);
}
BENCHMARK(chip_device)->ArgNames({"values", "vectors"})->Args({1, 1})->Args({1, 16})->Args({0, 1})->Args({0, 16});

/// A model of the shape of Llama-3.2-1B: 16 layers of 4 calls, 512 x 512 tiles, output layer in tiles, no attention.
[[nodiscard]] systemc::ChipPlan llama_shape() {
  systemc::ChipPlan plan;
  plan.num_layers = 16;
  const auto add = [&](std::uint32_t layer, std::uint32_t in, std::uint32_t out) {
    systemc::CallWork call{"call", in, out, {}};
    for (std::uint32_t row = 0; row < in; row += 512) {
      for (std::uint32_t col = 0; col < out; col += 512) {
        call.blocks.push_back({plan.num_tiles++, 512, std::min(512U, out - col), row});
      }
    }
    systemc::Step norm;
    norm.layer = layer;
    norm.work.macs = 2 * in;
    plan.steps.push_back(norm);
    systemc::Step step;
    step.kind = systemc::StepKind::kCall;
    step.layer = layer;
    step.call = static_cast<std::uint32_t>(plan.calls.size());
    plan.steps.push_back(step);
    plan.calls.push_back(std::move(call));
  };
  for (std::uint32_t layer = 0; layer < 16; ++layer) {
    add(layer, 2048, 3072);
    add(layer, 2048, 2048);
    add(layer, 2048, 16384);
    add(layer, 8192, 2048);
  }
  add(16, 2048, 128256);
  return plan;
}

void chip_llama_token(benchmark::State& state) {
  const systemc::ChipPlan plan = llama_shape();
  const arch::ChipDescription chip = arch::load_chip("afm-512");
  systemc::ChipWorkload workload;
  workload.num_sequences = static_cast<std::uint32_t>(state.range(0));
  double simulated_ns = 0;
  for (auto _ : state) simulated_ns += systemc::simulate_chip(plan, chip, workload).total_ns;
  state.counters["simulated_ns/s"] = benchmark::Counter(simulated_ns, benchmark::Counter::kIsRate);
  state.counters["token_ns"] = simulated_ns / static_cast<double>(state.iterations());
}
BENCHMARK(chip_llama_token)->ArgName("sequences")->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xw

BENCHMARK_MAIN();
