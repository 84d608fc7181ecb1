// Threefry 2x32: the counter-based random function behind every random number of the analog models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace xw::analog {

/// Rotation amounts of Threefry 2x32, one per round, repeating (Salmon et al., "Parallel random numbers: as easy as
/// 1, 2, 3", SC11, table 2).
inline constexpr std::array<unsigned, 8> kThreefryRotations = {13, 15, 26, 6, 17, 29, 16, 24};
/// Parity constant of the key schedule.
inline constexpr std::uint32_t kThreefryParity = 0x1BD11BDAU;

/// Word `index` (modulo 3) of the extended key {k0, k1, k0 ^ k1 ^ parity}.
[[nodiscard]] constexpr std::uint32_t threefry_key_word(std::uint32_t k0, std::uint32_t k1, unsigned index) {
  const std::uint32_t words[3] = {k0, k1, kThreefryParity ^ k0 ^ k1};
  return words[index % 3];
}

/// Returns threefry2x32 with `kRounds` rounds of the counter {c0, c1} under the key {k0, k1}.
template <unsigned kRounds>
[[nodiscard]] constexpr std::array<std::uint32_t, 2> threefry2x32(std::uint32_t k0, std::uint32_t k1, std::uint32_t c0,
                                                                  std::uint32_t c1) {
  std::uint32_t x0 = c0 + k0;
  std::uint32_t x1 = c1 + k1;
  for (unsigned round = 0; round < kRounds; ++round) {
    x0 += x1;
    x1 = std::rotl(x1, static_cast<int>(kThreefryRotations[round % 8])) ^ x0;
    if (round % 4 == 3) {  // key injection after every fourth round
      const unsigned injection = round / 4 + 1;
      x0 += threefry_key_word(k0, k1, injection);
      x1 += threefry_key_word(k0, k1, injection + 1) + injection;
    }
  }
  return {x0, x1};
}

}  // namespace xw::analog
