// A build without XRT.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/error.hpp"
#include "host/backends/xrt/open.hpp"
#include "host/backends/xrt/options.hpp"

namespace xw::xrt_device {

bool xrt_is_built() {
  return false;
}

std::unique_ptr<device::Device> open_xrt_device(std::string_view options, const arch::EmulatorDescription&) {
  (void)parse_options(options);
  throw Error(ErrorCode::kUnsupported,
              "device xrt: this crossweave was built without XRT (Debian packages libxrt-dev libxrt1 uuid-dev, "
              "XW_WITH_XRT)");
}

std::optional<device::CardState> card_state(const device::Device&) {
  return std::nullopt;
}

}  // namespace xw::xrt_device
