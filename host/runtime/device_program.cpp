// A program as it stands in device memory: header and instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/device_program.hpp"

#include <cstddef>
#include <cstdint>

#include "arch/generated/xw_arch.hpp"

namespace xw::runtime {

std::vector<std::byte> device_program(std::span<const program::EncodedInstruction> code) {
  std::vector<std::byte> bytes(arch::kProgramHeaderBytes + code.size_bytes());
  const auto put = [&](std::size_t at, std::uint32_t word) {
    for (unsigned byte = 0; byte < 4; ++byte) bytes[at + byte] = static_cast<std::byte>((word >> (8 * byte)) & 0xFFU);
  };
  put(arch::kProgramHeaderMagicOffset, arch::kProgramHeaderMagic);
  put(arch::kProgramHeaderIsaVersionOffset, arch::kIsaVersion);
  put(arch::kProgramHeaderNumInstructionsOffset, static_cast<std::uint32_t>(code.size()));
  for (std::size_t i = 0; i < arch::kContractHash.size(); ++i) {
    bytes[arch::kProgramHeaderContractHashOffset + i] = static_cast<std::byte>(arch::kContractHash[i]);
  }
  std::size_t at = arch::kProgramHeaderBytes;
  for (const program::EncodedInstruction& words : code) {
    for (const std::uint32_t word : words) {
      put(at, word);
      at += sizeof word;
    }
  }
  return bytes;
}

}  // namespace xw::runtime
