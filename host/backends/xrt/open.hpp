// Opening the device xrt; works without XRT, by saying so.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "arch/description/description.hpp"
#include "host/device/card_state.hpp"
#include "host/device/device.hpp"

namespace xw::xrt_device {

/// Whether this build has XRT.
[[nodiscard]] bool xrt_is_built();

/// `options`: parse_options. Throws Error{kUnsupported} in a build without XRT, and what XrtDevice throws.
[[nodiscard]] std::unique_ptr<device::Device> open_xrt_device(std::string_view options,
                                                              const arch::EmulatorDescription& emulator);

/// What the card of such a device says of itself now; nothing for other devices.
[[nodiscard]] std::optional<device::CardState> card_state(const device::Device& device);

}  // namespace xw::xrt_device
