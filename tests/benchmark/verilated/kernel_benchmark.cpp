// Simulated cycles and MACs per second of the Verilated kernels, and how well the hardware itself is used.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "arch/support/parallel.hpp"
#include "host/backends/verilated/verilated_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw {
namespace {

/// A layer of 4 x 4 full blocks per engine, streamed from memory, `num_vectors` at a time.
void run_layer(benchmark::State& state, const std::string& emulator_name, std::uint32_t num_vectors) {
  const arch::EmulatorDescription emulator = arch::load_emulator(emulator_name);
  const test::Hardware hardware = test::Hardware::of(emulator, emulator.block_rows, emulator.block_cols);
  const std::uint32_t in = 4 * emulator.block_rows;
  const std::uint32_t out = 4 * emulator.block_cols;
  test::ProgramShape shape;
  shape.calls.push_back({in, {out}, {}});
  const auto program = test::make_program(shape, hardware, 1);
  verilated::VerilatedDevice device(hardware.emulator(), {});
  ThreadPool pool(1);
  runtime::ChipInstance chip(program, device, {1, "ideal", 0, state.range(0) != 0 ? 0.02 : 0.0}, pool);
  std::vector<std::int8_t> codes(std::size_t{num_vectors} * in);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
  for (auto _ : state) benchmark::DoNotOptimize(chip.run_codes(0, codes, num_vectors, 0));
  const device::RunStats& stats = chip.stats()[0].device;
  const auto macs = static_cast<double>(stats.macs);
  const auto cycles = static_cast<double>(stats.total_cycles);
  state.counters["cycles/s"] = benchmark::Counter(cycles, benchmark::Counter::kIsRate);
  state.counters["MAC/s"] = benchmark::Counter(macs, benchmark::Counter::kIsRate);
  state.counters["MAC_utilisation"] = macs / (cycles * emulator.num_engines * emulator.lanes);
}

}  // namespace
}  // namespace xw

int main(int argc, char** argv) {
  for (const xw::verilated::ModelEntry& model : xw::verilated::built_models()) {
    for (const std::uint32_t vectors : {1U, 16U}) {
      const std::string name(model.name);
      benchmark::RegisterBenchmark((name + "/vectors_" + std::to_string(vectors) + "/read_noise").c_str(),
                                   [=](benchmark::State& state) { xw::run_layer(state, name, vectors); })
          ->Arg(0)
          ->Arg(1)
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
