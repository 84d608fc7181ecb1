// The Verilated kernels of the conformance tests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "host/backends/verilated/verilated_device.hpp"
#include "tests/conformance/backends.hpp"

namespace xw::test {

/// Models of tests/conformance/emulators and those of the build; empty when the build had no Verilator.
[[nodiscard]] std::span<const verilated::ModelEntry> conformance_models();
[[nodiscard]] std::unique_ptr<verilated::VerilatedDevice> open_verilated(const arch::EmulatorDescription& emulator,
                                                                         const verilated::Options& options = {});
/// Rows of backends(): memory as described, slow and narrow memory, random stalls.
[[nodiscard]] std::vector<Backend> verilated_backends();

}  // namespace xw::test
