// The Verilated kernels of the conformance tests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/verilated_models.hpp"

#include <string>
#include <utility>

#if XW_CONFORMANCE_MODELS
namespace xw::verilated {
std::span<const ModelEntry> conformance_models();  // generated
}  // namespace xw::verilated
#endif

namespace xw::test {

std::span<const verilated::ModelEntry> conformance_models() {
  static const std::vector<verilated::ModelEntry> models = [] {
    const auto built = verilated::built_models();
    std::vector<verilated::ModelEntry> all(built.begin(), built.end());
#if XW_CONFORMANCE_MODELS
    const auto made = verilated::conformance_models();
    all.insert(all.end(), made.begin(), made.end());
#endif
    return all;
  }();
  return models;
}

std::unique_ptr<verilated::VerilatedDevice> open_verilated(const arch::EmulatorDescription& emulator,
                                                           const verilated::Options& options) {
  return std::make_unique<verilated::VerilatedDevice>(emulator, options, conformance_models());
}

std::vector<Backend> verilated_backends() {
  std::vector<Backend> rows;
  if (conformance_models().empty()) return rows;
  const auto add = [&](std::string name, const verilated::Options& options) {
    rows.push_back({std::move(name),
                    [options](const arch::EmulatorDescription& emulator) { return open_verilated(emulator, options); },
                    [](const arch::EmulatorDescription& emulator) {
                      return verilated::find_model(conformance_models(), verilated::shape_of(emulator)) != nullptr;
                    },
                    true});
  };
  add("verilated", {});
  verilated::Options slow;
  slow.latency_cycles = 300;
  slow.bytes_per_cycle = 3.7;
  slow.max_outstanding = 1;
  add("verilated_slow_memory", slow);
  verilated::Options stalls;
  stalls.backpressure = 0.4;
  stalls.seed = 7;
  stalls.latency_cycles = 0;
  add("verilated_random_stalls", stalls);
  return rows;
}

}  // namespace xw::test
