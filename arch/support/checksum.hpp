// Checksums of the contract.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace xw {

/// CRC-32 as zlib's (IEEE 802.3), start value 0.
[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t start = 0);
/// A CRC-32 as all texts and JSON have it: eight hexadecimal digits.
[[nodiscard]] std::string crc32_text(std::uint32_t crc);
/// Sum modulo 2^32 of little-endian 32-bit words; the length must be a multiple of 4 (asserted).
[[nodiscard]] std::uint32_t word_sum(std::span<const std::byte> bytes);

}  // namespace xw
