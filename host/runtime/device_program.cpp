// A program as it stands in device memory: header and instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/device_program.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "arch/generated/xw_arch.hpp"

namespace xw::runtime {

static_assert(std::endian::native == std::endian::little, "words are copied to device memory as they are");

std::vector<std::byte> device_program(std::span<const program::EncodedInstruction> code) {
  std::array<std::byte, arch::kProgramHeaderBytes> header{};
  const auto put = [&](std::uint32_t offset, std::uint32_t value) {
    std::memcpy(header.data() + offset, &value, sizeof value);
  };
  put(arch::kProgramHeaderMagicOffset, arch::kProgramHeaderMagic);
  put(arch::kProgramHeaderIsaVersionOffset, arch::kIsaVersion);
  put(arch::kProgramHeaderNumInstructionsOffset, static_cast<std::uint32_t>(code.size()));
  std::memcpy(header.data() + arch::kProgramHeaderContractHashOffset, arch::kContractHash.data(),
              arch::kContractHash.size());
  const std::span<const std::byte> instructions = std::as_bytes(code);
  std::vector<std::byte> bytes(header.size() + instructions.size());
  std::copy(header.begin(), header.end(), bytes.begin());
  std::copy(instructions.begin(), instructions.end(), bytes.begin() + arch::kProgramHeaderBytes);
  return bytes;
}

}  // namespace xw::runtime
