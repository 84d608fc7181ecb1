// The card's end of the driver's protocol.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "host/backends/xrt/emulation/card.hpp"
#include "host/backends/xrt/emulation/wire.hpp"

namespace xw::xrt_emulation {

/// Largest piece of memory or of registers that one request may ask for.
inline constexpr std::uint64_t kMostReadBytes = kMostPayloadBytes;
inline constexpr std::uint64_t kMostRegisterBytes = 4096;

/// Base address of the kernel's registers, as the xclbin has it.
inline constexpr std::uint64_t kKernelBase = 0x0180'0000;

struct ServerCounts {
  std::map<std::uint32_t, std::uint64_t> calls;  ///< by number
  std::uint64_t stray_accesses = 0;              ///< of memory that the driver did not allocate: zeros, or nothing
  std::uint64_t unknown_calls = 0;
};

/// Carries out one request. Throws Error{kFormat} for a payload or sizes that are wrong, and what the card throws.
void answer(std::uint32_t call, std::span<const std::byte> payload, Card& card, ServerCounts& counts, Answer& answer);

/// Serves a connected socket until the driver closes (true) or is gone (false). Throws as `answer`.
[[nodiscard]] bool serve(int socket, Card& card, ServerCounts& counts);

}  // namespace xw::xrt_emulation
