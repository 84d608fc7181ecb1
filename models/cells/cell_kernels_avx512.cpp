// The inner loops of programming with AVX-512 (F, BW, CD, DQ, VL).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "models/cells/cell_kernels_simd.hpp"

namespace xw::cells::detail {
namespace {

struct Avx512 {
  using Reg = __m512i;
  static constexpr std::size_t kWords = 16;

  static Reg set(std::uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static Reg iota() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
  static Reg add(Reg a, Reg b) { return _mm512_add_epi32(a, b); }
  static Reg bit_xor(Reg a, Reg b) { return _mm512_xor_si512(a, b); }
  template <unsigned kRotation>
  static Reg rotate_left(Reg a) {
    return _mm512_rol_epi32(a, static_cast<int>(kRotation));
  }

  /// Coefficients of segments `at[i]`, `at[i + 4]`, `at[i + 8]`, `at[i + 12]`.
  [[gnu::always_inline]] static __m512 four_cubics(const float* cubics, const std::uint32_t* at) {
    __m512 rows = _mm512_castps128_ps512(_mm_load_ps(cubics + at[0]));
    rows = _mm512_insertf32x4(rows, _mm_load_ps(cubics + at[4]), 1);
    rows = _mm512_insertf32x4(rows, _mm_load_ps(cubics + at[8]), 2);
    return _mm512_insertf32x4(rows, _mm_load_ps(cubics + at[12]), 3);
  }

  [[gnu::always_inline]] static __m512 normal(Reg bits, const float* cubics) {
    const Reg odd = _mm512_or_si512(_mm512_slli_epi32(bits, 1), _mm512_set1_epi32(1));
    const Reg octave = _mm512_lzcnt_epi32(odd);
    const Reg normalized = _mm512_sllv_epi32(odd, octave);
    const Reg segment = _mm512_and_si512(_mm512_srli_epi32(normalized, kCubicFractionBits),
                                         _mm512_set1_epi32(static_cast<int>(kCubicSegments - 1)));
    const Reg index = _mm512_or_si512(_mm512_slli_epi32(octave, 4), segment);
    alignas(64) std::uint32_t at[kWords];
    _mm512_store_si512(at, _mm512_slli_epi32(index, 2));
    // A 4 x 4 transposition in each quarter: from the coefficients of a segment to one coefficient of all segments.
    const __m512 row0 = four_cubics(cubics, at);
    const __m512 row1 = four_cubics(cubics, at + 1);
    const __m512 row2 = four_cubics(cubics, at + 2);
    const __m512 row3 = four_cubics(cubics, at + 3);
    const __m512d low01 = _mm512_castps_pd(_mm512_unpacklo_ps(row0, row1));
    const __m512d low23 = _mm512_castps_pd(_mm512_unpacklo_ps(row2, row3));
    const __m512d high01 = _mm512_castps_pd(_mm512_unpackhi_ps(row0, row1));
    const __m512d high23 = _mm512_castps_pd(_mm512_unpackhi_ps(row2, row3));
    const __m512 c0 = _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23));
    const __m512 c1 = _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23));
    const __m512 c2 = _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23));
    const __m512 c3 = _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23));
    const Reg fraction = _mm512_and_si512(normalized, _mm512_set1_epi32((1 << kCubicFractionBits) - 1));
    const __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(fraction), _mm512_set1_ps(1.0F / (1U << kCubicFractionBits)));
    __m512 magnitude = _mm512_add_ps(_mm512_mul_ps(c3, t), c2);
    magnitude = _mm512_add_ps(_mm512_mul_ps(magnitude, t), c1);
    magnitude = _mm512_add_ps(_mm512_mul_ps(magnitude, t), c0);
    const Reg sign = _mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0x80000000U)));
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(magnitude), sign));
  }

  static void store_pairs(__m512 even, __m512 odd, float* to) {
    const Reg low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const Reg high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    _mm512_storeu_ps(to, _mm512_permutex2var_ps(even, low, odd));
    _mm512_storeu_ps(to + kWords, _mm512_permutex2var_ps(even, high, odd));
  }
};

}  // namespace

constinit const CellKernels kAvx512CellKernels = make_cell_kernels("avx512", SimdDeviates<Avx512>::draw);

}  // namespace xw::cells::detail
