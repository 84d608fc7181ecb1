// A program as it stands in device memory: header and instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/device_program.hpp"

#include <cstdint>

#include "arch/generated/xw_arch.hpp"

namespace xw::runtime {

static_assert(arch::kProgramHeaderMagicOffset == 0 && arch::kProgramHeaderIsaVersionOffset == 4 &&
              arch::kProgramHeaderNumInstructionsOffset == 8 && arch::kProgramHeaderReserved0Offset == 12 &&
              arch::kProgramHeaderContractHashOffset == 16);

std::vector<std::byte> device_program(std::span<const program::EncodedInstruction> code) {
  std::vector<std::byte> bytes;
  bytes.reserve(arch::kProgramHeaderBytes + code.size_bytes());
  const auto put = [&](std::uint32_t word) {
    for (unsigned shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::byte>((word >> shift) & 0xFFU));
  };
  put(arch::kProgramHeaderMagic);
  put(arch::kIsaVersion);
  put(static_cast<std::uint32_t>(code.size()));
  put(0);
  for (const std::uint8_t byte : arch::kContractHash) bytes.push_back(static_cast<std::byte>(byte));
  bytes.resize(arch::kProgramHeaderBytes);
  for (const program::EncodedInstruction& words : code) {
    for (const std::uint32_t word : words) put(word);
  }
  return bytes;
}

}  // namespace xw::runtime
