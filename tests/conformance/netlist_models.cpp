// The Verilated kernels of the netlist test: of the RTL, and of what Yosys makes of it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/verilated_models.hpp"

namespace xw::verilated {
std::span<const ModelEntry> conformance_netlists();  // generated
}  // namespace xw::verilated

namespace xw::test {

std::span<const verilated::ModelEntry> conformance_models() {
  return verilated::conformance_netlists();
}

std::unique_ptr<verilated::VerilatedDevice> open_verilated(const arch::EmulatorDescription& emulator,
                                                           const verilated::Options& options) {
  return std::make_unique<verilated::VerilatedDevice>(emulator, options, conformance_models());
}

}  // namespace xw::test
