// Any bytes are an xclbin that may be given to XRT, or an xw::Error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "arch/support/error.hpp"
#include "host/backends/xrt/xclbin_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)xw::xrt_device::check_xclbin(std::as_bytes(std::span(data, size)), "fuzz");
  } catch (const xw::Error&) {
  }
  return 0;
}
