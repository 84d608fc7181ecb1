// A build without SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/error.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "host/backends/systemc/open.hpp"

namespace xw::systemc {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kUnsupported,
              "this build has no SystemC model (Debian package libsystemc-dev, XW_WITH_SYSTEMC)");
}

}  // namespace

bool systemc_is_built() {
  return false;
}

std::unique_ptr<device::Device> open_systemc_device(std::string_view, const arch::EmulatorDescription&,
                                                    const program::Program*) {
  refuse();
}

ChipResult simulate_chip(const ChipPlan&, const arch::ChipDescription&, const ChipWorkload&,
                         const ChipSimulationOptions&) {
  refuse();
}

}  // namespace xw::systemc
