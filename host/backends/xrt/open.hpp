// Opening the device xrt; works without XRT, by saying so.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "arch/description/description.hpp"
#include "host/device/device.hpp"

namespace xw::xrt_device {

/// Whether this build has XRT.
[[nodiscard]] bool xrt_is_built();

/// `options`: parse_options. Throws Error{kUnsupported} in a build without XRT, and what XrtDevice throws.
[[nodiscard]] std::unique_ptr<device::Device> open_xrt_device(std::string_view options,
                                                              const arch::EmulatorDescription& emulator);

}  // namespace xw::xrt_device
