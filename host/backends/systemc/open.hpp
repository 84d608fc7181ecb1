// Opening the SystemC device; works without SystemC, by saying so.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "arch/description/description.hpp"
#include "host/device/device.hpp"

namespace xw::systemc {

/// `options`: empty, or "timing-only" (SystemcOptions::values off). Throws Error{kInvalidArgument} for others,
/// Error{kUnsupported} in a build without SystemC, and what SystemcDevice throws.
[[nodiscard]] std::unique_ptr<device::Device> open_systemc_device(std::string_view options,
                                                                  const arch::EmulatorDescription& emulator);

}  // namespace xw::systemc
