// An emulated Alveo card for the whole test program: its environment is set up with the first one.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "host/backends/xrt/emulation/card.hpp"

namespace xw::test {

/// Writes an xclbin that makes the card such a one when it is loaded; removed when the program ends. From the first call
/// on XRT in this process is that of the emulation.
[[nodiscard]] std::filesystem::path emulated_xclbin(const xrt_emulation::CardDescription& card);
/// The same for a kind of card ("functional", "verilated") with this emulator.
[[nodiscard]] std::filesystem::path emulated_xclbin(const std::string& kind, const arch::EmulatorDescription& emulator);

/// Removes their files now: for tests after which the process ends without destroying static objects.
void remove_emulated_cards();

}  // namespace xw::test
