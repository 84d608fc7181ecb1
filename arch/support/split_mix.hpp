// SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, figure 16): its step and its finaliser.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace xw {

/// What a state is advanced by: 2^64 over the golden ratio.
inline constexpr std::uint64_t kSplitMixStep = 0x9E3779B97F4A7C15U;

/// A state or counter, mixed.
[[nodiscard]] constexpr std::uint64_t split_mix(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace xw
