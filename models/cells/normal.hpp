// Standard normal deviates from 32 random bits, the same on every processor.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace xw::cells {

/// Inverse of the normal distribution function as a table of cubics: bit 31 is the sign, the other 31 bits are the tail
/// probability p = (2 m + 1) / 2^33 (from 2^-33 to 1/2, so |deviate| <= 6.34). Segments: 16 for every octave of p.
/// Only +, -, *, / and comparisons, in a fixed order, build and read the table: no libm, hence no platform differences.
class NormalTable {
 public:
  NormalTable();

  /// The one shared table (immutable; built on first use, about 2 ms).
  [[nodiscard]] static const NormalTable& instance();

  /// The table for the kernels of programming, aligned to 64 bytes: [segment of all octaves][c0, c1, c2, c3], and behind it, from
  /// kPlanes on, the same of the four largest octaves (15/16 of all deviates) as [c0 .. c3][octaves 1, 0, 3, 2][segment].
  [[nodiscard]] const float* coefficients() const { return reinterpret_cast<const float*>(&storage_); }
  static constexpr std::size_t kPlanes = std::size_t{32} * 16 * 4;

  /// Normal deviate of 32 random bits; absolute error below 2e-6, fp32 arithmetic.
  [[nodiscard]] float operator()(std::uint32_t bits) const {
    const std::uint32_t odd = (bits << 1) | 1U;  // 2 m + 1: the sign bit falls off
    const int octave = std::countl_zero(odd);
    const std::uint32_t normalized = odd << octave;  // top bit set
    const Cubic& cubic =
        storage_
            .cubics[static_cast<std::uint32_t>(octave) * kSegments + ((normalized >> kFractionBits) & (kSegments - 1))];
    const auto fraction = static_cast<std::int32_t>(normalized & ((1U << kFractionBits) - 1));
    const float t = static_cast<float>(fraction) * (1.0F / (1U << kFractionBits));
    const float magnitude = ((cubic.c3 * t + cubic.c2) * t + cubic.c1) * t + cubic.c0;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) ^ (bits & 0x80000000U));
  }

 private:
  static constexpr std::uint32_t kOctaves = 32;
  static constexpr std::uint32_t kSegments = 16;
  static constexpr unsigned kFractionBits = 27;
  struct alignas(16) Cubic {
    float c0 = 0, c1 = 0, c2 = 0, c3 = 0;
  };
  struct alignas(64) Storage {
    std::array<Cubic, kOctaves * kSegments> cubics;
    std::array<std::array<float, 4 * kSegments>, 4> planes;
  };
  static_assert(sizeof(Storage::cubics) == kPlanes * sizeof(float));
  Storage storage_;
};

/// Deviate z >= 0 with upper tail probability p, 0 < p <= 1/2, in double; `guess` starts the iteration.
[[nodiscard]] double normal_upper_quantile(double p, double guess);

}  // namespace xw::cells
