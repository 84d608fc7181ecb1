// Checksums against their definitions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/checksum.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// CRC-32 of IEEE 802.3, bit by bit.
std::uint32_t reference_crc(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

std::vector<std::byte> random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random() & 0xFFU);
  return bytes;
}

TEST(Crc32, MatchesThePublishedCheckValue) {
  EXPECT_EQ(xw::crc32(bytes_of("123456789")), 0xCBF43926U);
}

TEST(Crc32, MatchesTheBitwiseDefinition) {
  for (const std::size_t size : {0U, 1U, 3U, 60U, 64U, 4097U}) {
    const auto bytes = random_bytes(size, 5);
    EXPECT_EQ(xw::crc32(bytes), reference_crc(bytes)) << "size " << size << ", seed 5";
  }
}

TEST(Crc32, ContinuesFromAStartValue) {
  const std::uint32_t first = xw::crc32(bytes_of("1234"));
  EXPECT_EQ(xw::crc32(bytes_of("56789"), first), 0xCBF43926U);
  EXPECT_EQ(xw::crc32({}, first), first);
}

TEST(WordSum, AddsLittleEndianWordsModulo32Bits) {
  const std::vector<std::byte> bytes = {std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF},
                                        std::byte{0x03}, std::byte{0x02}, std::byte{0x00}, std::byte{0x01}};
  EXPECT_EQ(xw::word_sum(bytes), 0x01000202U);
  EXPECT_EQ(xw::word_sum({}), 0U);
}

TEST(WordSum, MatchesThePlainLoopAtEveryLengthAndAlignment) {
  const auto bytes = random_bytes(1024, 9);
  for (std::size_t offset = 0; offset < 4; ++offset) {
    for (std::size_t size = 0; size + offset <= 600; size += 4) {
      std::uint32_t expected = 0;
      for (std::size_t i = 0; i < size; ++i) {
        expected += std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * (i % 4));
      }
      ASSERT_EQ(xw::word_sum(std::span(bytes).subspan(offset, size)), expected)
          << size << " at " << offset << ", seed 9";
    }
  }
}

}  // namespace
