// Any text is a description of a card with or without power and clock.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/backends/xrt/readings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto power = xw::xrt_device::power_in(text);
  const auto clock = xw::xrt_device::clock_in(text);
  if ((power && !(*power > 0)) || (clock && !(*clock > 0))) std::abort();
  return 0;
}
