// Opening the SystemC device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/open.hpp"

#include <string>

#include "arch/support/error.hpp"
#include "host/backends/systemc/systemc_device.hpp"

namespace xw::systemc {

std::unique_ptr<device::Device> open_systemc_device(std::string_view options,
                                                    const arch::EmulatorDescription& emulator) {
  if (!options.empty() && options != "timing-only") {
    throw Error(ErrorCode::kInvalidArgument,
                "--device systemc: expected no options or timing-only, found '" + std::string(options) + "'");
  }
  return std::make_unique<SystemcDevice>(emulator, SystemcOptions{options.empty()});
}

}  // namespace xw::systemc
