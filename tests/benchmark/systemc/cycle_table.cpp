// The emulator profile of the SystemC model beside the Verilated RTL on the calls of a program, as a Markdown table:
//   systemc_cycles PROGRAM [BATCH...]
// Calls of the same shape in different layers are run once.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/systemc/systemc_device.hpp"
#include "host/backends/verilated/verilated_device.hpp"
#include "host/runtime/chip_instance.hpp"

namespace {

/// "layers.7.qkv" without the number.
[[nodiscard]] std::string kind_of(const std::string& call) {
  std::string kind;
  for (const char c : call) {
    if (c >= '0' && c <= '9') {
      if (!kind.empty() && kind.back() == 'N') continue;
      kind += 'N';
    } else {
      kind += c;
    }
  }
  return kind;
}

/// Cycles of one run and the seconds it took.
struct Measured {
  std::uint64_t cycles = 0;
  double seconds = 0;
};

[[nodiscard]] Measured measure(xw::runtime::ChipInstance& chip, std::uint32_t call,
                               const std::vector<std::int8_t>& codes, std::uint32_t batch) {
  chip.reset_stats();
  const auto begin = std::chrono::steady_clock::now();
  static_cast<void>(chip.run_codes(call, codes, batch, 0));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return {chip.stats()[call].device.total_cycles, took.count()};
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s PROGRAM [BATCH...]\n", argv[0]);
    return 2;
  }
  std::vector<std::uint32_t> batches;
  for (int i = 2; i < argc; ++i) batches.push_back(static_cast<std::uint32_t>(std::strtoul(argv[i], nullptr, 10)));
  if (batches.empty()) batches = {1, 16};
  const auto program = xw::program::Program::open(argv[1]);
  const xw::arch::EmulatorDescription emulator =
      xw::arch::parse_emulator(program->manifest().emulator_toml, program->path() + ": emulator");
  xw::ThreadPool pool(2);
  xw::verilated::VerilatedDevice rtl(emulator, {});
  xw::systemc::SystemcDevice model(emulator);
  const xw::runtime::ChipOptions options{1, "ideal", -1};
  xw::runtime::ChipInstance on_rtl(program, rtl, options, pool);
  xw::runtime::ChipInstance on_model(program, model, options, pool);
  std::printf("| call | batch | RTL cycles | SystemC cycles | difference | Verilated ms | SystemC ms |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  std::map<std::string, std::uint32_t> kinds;
  for (std::uint32_t call = 0; call < program->manifest().calls.size(); ++call) {
    const xw::program::CallInfo& info = program->manifest().calls[call];
    if (!kinds.emplace(kind_of(info.name), call).second) continue;
    for (const std::uint32_t batch : batches) {
      std::vector<std::int8_t> codes(std::size_t{batch} * info.in_features);
      for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
      const Measured expected = measure(on_rtl, call, codes, batch);
      const Measured found = measure(on_model, call, codes, batch);
      std::printf("| %s | %u | %llu | %llu | %+.2f %% | %.1f | %.2f |\n", kind_of(info.name).c_str(), batch,
                  static_cast<unsigned long long>(expected.cycles), static_cast<unsigned long long>(found.cycles),
                  100 * (static_cast<double>(found.cycles) / static_cast<double>(expected.cycles) - 1),
                  1e3 * expected.seconds, 1e3 * found.seconds);
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}
