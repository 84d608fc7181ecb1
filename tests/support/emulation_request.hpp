// Requests to an emulated card as XRT's driver sends them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "host/backends/xrt/emulation/server.hpp"

namespace xw::test {

/// Header and payload.
[[nodiscard]] inline std::vector<std::byte> request_message(xrt_emulation::Call call,
                                                            const std::vector<std::byte>& payload) {
  std::vector<std::byte> bytes(xrt_emulation::kRequestHeaderBytes);
  bytes[0] = std::byte{0x09};
  bytes[9] = std::byte{0x15};
  for (std::size_t i = 0; i < 8; ++i) bytes[1 + i] = static_cast<std::byte>(payload.size() >> (8 * i));
  bytes[10] = static_cast<std::byte>(call);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

}  // namespace xw::test
