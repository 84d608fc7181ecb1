// Any bytes are a saved run or an xw::Error; what is accepted lies inside the file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "arch/support/error.hpp"
#include "host/device/run_capture.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    const xw::device::RunCapture capture = xw::device::parse_capture(bytes, "fuzz");
    std::size_t stored = 0;
    for (const auto& segment : capture.segments) {
      if (segment.data.size() > segment.bytes) std::abort();
      stored += segment.data.size();
    }
    if (stored > size) std::abort();
  } catch (const xw::Error&) {
  }
  return 0;
}
