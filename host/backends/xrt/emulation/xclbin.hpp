// An xclbin for the emulated card, from the contract and an emulator description.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/backends/xrt/emulation/card.hpp"

namespace xw::xrt_emulation {

/// Sections as v++ writes them for hardware emulation: metadata (XML), memory and its groups, the kernel and what its
/// arguments are connected to, the clock; in place of a simulator the description of the card. One memory bank per AXI
/// master, from device::DeviceMemory::kDefaultBase on. Every call makes another uuid.
[[nodiscard]] std::vector<std::byte> make_xclbin(const CardDescription& description);

/// The embedded metadata alone.
[[nodiscard]] std::string make_metadata(const arch::EmulatorDescription& emulator);

}  // namespace xw::xrt_emulation
