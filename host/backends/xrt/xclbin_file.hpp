// What is looked at in an xclbin before XRT reads it: its parser takes a file's word for everything.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace xw::xrt_device {

/// What the header of an xclbin says.
struct XclbinHeader {
  std::string platform;    ///< that it was linked for
  bool emulation = false;  ///< for XCL_EMULATION_MODE=hw_emu, not for a card
};

/// Sections lie inside of the file and those that a kernel needs are there, the kernel is ours; files of the emulation
/// (by their platform or their mark) also have the checksum that they were written with. Throws Error{kFormat} naming `origin` and what is wrong.
[[nodiscard]] XclbinHeader check_xclbin(std::span<const std::byte> bytes, const std::string& origin);

/// An xclbin of the emulation holds the CRC-32 of all its bytes but these 4 here, where others have room for a signature.
inline constexpr std::size_t kChecksumOffset = 40;
/// Begins the platform name of an xclbin of the emulation.
inline constexpr const char* kEmulatedPlatform = "crossweave_emulated_";
/// Behind it, at kChecksumMarkOffset: says that there is one, whatever has become of the platform's name.
inline constexpr std::string_view kChecksumMark = "crossweave";
inline constexpr std::size_t kChecksumMarkOffset = kChecksumOffset + sizeof(std::uint32_t);
/// The CRC-32 that belongs at kChecksumOffset of a file that is longer.
[[nodiscard]] std::uint32_t xclbin_checksum(std::span<const std::byte> bytes);

}  // namespace xw::xrt_device
