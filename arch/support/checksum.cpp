// CRC-32 through zlib; the word sum in a form that compilers vectorise.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/checksum.hpp"

#include <zlib.h>

#include <array>
#include <bit>
#include <cassert>
#include <cstdio>
#include <cstring>

namespace xw {

static_assert(std::endian::native == std::endian::little, "files and device memory are read as they stand");

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t start) {
  if (bytes.empty()) return start;  // zlib gives 0 for a null pointer, whatever the start
  return static_cast<std::uint32_t>(
      ::crc32_z(start, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

std::string crc32_text(std::uint32_t crc) {
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", crc);
  return digits.data();
}

std::uint32_t word_sum(std::span<const std::byte> bytes) {
  assert(bytes.size() % 4 == 0);
  constexpr std::size_t kLanes = 16;  // independent sums: the order does not matter modulo 2^32
  constexpr std::size_t kStride = kLanes * sizeof(std::uint32_t);
  std::array<std::uint32_t, kLanes> lanes{};
  std::size_t at = 0;
  for (; at + kStride <= bytes.size(); at += kStride) {
    std::array<std::uint32_t, kLanes> words;
    std::memcpy(words.data(), bytes.data() + at, kStride);
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += words[lane];
  }
  std::uint32_t sum = 0;
  for (const std::uint32_t lane : lanes) sum += lane;
  for (; at + sizeof(std::uint32_t) <= bytes.size(); at += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    sum += word;
  }
  return sum;
}

}  // namespace xw
