// Simulated cycles and MACs per second of the Verilated kernels beside the functional device, and how well the hardware itself is used.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/backends/verilated/verilated_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw {
namespace {

using Open = std::unique_ptr<device::Device> (*)(const arch::EmulatorDescription&, ThreadPool&);

[[nodiscard]] std::unique_ptr<device::Device> open_rtl(const arch::EmulatorDescription& emulator, ThreadPool&) {
  return std::make_unique<verilated::VerilatedDevice>(emulator, verilated::Options{});
}
[[nodiscard]] std::unique_ptr<device::Device> open_functional(const arch::EmulatorDescription& emulator,
                                                              ThreadPool& pool) {
  return std::make_unique<functional::FunctionalDevice>(emulator, pool);
}

/// A layer of 4 x 4 full blocks per engine, streamed from memory, `num_vectors` at a time.
void run_layer(benchmark::State& state, Open open, const std::string& emulator_name, std::uint32_t num_vectors) {
  const arch::EmulatorDescription emulator = arch::load_emulator(emulator_name);
  const test::Hardware hardware = test::Hardware::of(emulator, emulator.block_rows, emulator.block_cols);
  const std::uint32_t in = 4 * emulator.block_rows;
  const std::uint32_t out = 4 * emulator.block_cols;
  test::ProgramShape shape;
  shape.calls.push_back({in, {out}, {}});
  const auto program = test::make_program(shape, hardware, 1);
  ThreadPool pool(1);
  const std::unique_ptr<device::Device> device = open(hardware.emulator(), pool);
  runtime::ChipInstance chip(program, *device, {1, "ideal", 0, state.range(0) != 0 ? 0.02 : 0.0}, pool);
  std::vector<std::int8_t> codes(std::size_t{num_vectors} * in);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
  for (auto _ : state) benchmark::DoNotOptimize(chip.run_codes(0, codes, num_vectors, 0));
  const device::RunStats& stats = chip.stats()[0].device;
  const auto macs = static_cast<double>(stats.macs);
  const auto cycles = static_cast<double>(stats.total_cycles);
  state.counters["MAC/s"] = benchmark::Counter(macs, benchmark::Counter::kIsRate);
  if (stats.total_cycles == 0) return;
  state.counters["cycles/s"] = benchmark::Counter(cycles, benchmark::Counter::kIsRate);
  state.counters["MAC_utilisation"] = macs / (cycles * emulator.num_engines * emulator.lanes);
}

}  // namespace
}  // namespace xw

int main(int argc, char** argv) {
  for (const xw::verilated::ModelEntry& model : xw::verilated::built_models()) {
    for (const std::uint32_t vectors : {1U, 16U, 64U}) {
      const std::string name(model.name);
      if (vectors > model.shape.max_batch) continue;
      const auto add = [&](const std::string& device, xw::Open open) {
        const std::string title = name + "/" + device + "/vectors_" + std::to_string(vectors) + "/read_noise";
        benchmark::RegisterBenchmark(title.c_str(),
                                     [=](benchmark::State& state) { xw::run_layer(state, open, name, vectors); })
            ->Arg(0)
            ->Arg(1)
            ->Unit(benchmark::kMillisecond);
      };
      add("rtl", xw::open_rtl);
      add("functional", xw::open_functional);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
