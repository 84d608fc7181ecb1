// The inner loops of programming with AVX-512 (F, BW, CD, DQ, VL).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "models/cells/cell_kernels_simd.hpp"

namespace xw::cells::detail {
namespace {

struct Avx512 {
  using Reg = __m512i;
  using Floats = __m512;
  static constexpr std::size_t kWords = 16;

  static Reg load_words(const std::uint32_t* from) { return _mm512_load_si512(from); }
  static void store_words(std::uint32_t* to, Reg words) { _mm512_store_si512(to, words); }
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

  static void store(float* to, Floats numbers) { _mm512_store_ps(to, numbers); }
  static Floats plus(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats minus(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  template <unsigned kBits>
  static Reg shift_right(Reg a) {
    return _mm512_srli_epi32(a, kBits);
  }
  template <unsigned kBits>
  static Reg shift_right16(Reg a) {
    return _mm512_srli_epi16(a, kBits);
  }
  static Reg add16(Reg a, Reg b) { return _mm512_add_epi16(a, b); }
  static Reg multiply_add16(Reg a, Reg b) { return _mm512_madd_epi16(a, b); }
  static Reg shift_right(Reg a, unsigned bits) {
    return _mm512_srl_epi32(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static Floats load(const float* from) { return _mm512_loadu_ps(from); }
  static Reg load_some(const std::int32_t* from, std::size_t count) {
    return _mm512_maskz_loadu_epi32(count < kWords ? static_cast<__mmask16>((1U << count) - 1U) : __mmask16{0xFFFF},
                                    from);
  }
  static Floats set_number(float number) { return _mm512_set1_ps(number); }
  static Floats times(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats least(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  static Floats greatest(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static Floats magnitude(Floats a) { return _mm512_abs_ps(a); }
  static Floats to_numbers(Reg words) { return _mm512_cvtepi32_ps(words); }
  static Reg to_words(Floats numbers) { return _mm512_cvttps_epi32(numbers); }
  static Reg bits(Floats numbers) { return _mm512_castps_si512(numbers); }
  static void gather_entries(const DeviceEntry* entries, Reg places, Floats& sigmas, Reg& exponents) {
    const Reg low = _mm512_i32gather_epi64(_mm512_castsi512_si256(places), entries, sizeof(DeviceEntry));
    const Reg high = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(places, 1), entries, sizeof(DeviceEntry));
    const Reg even = _mm512_slli_epi32(iota(), 1);
    sigmas = _mm512_castsi512_ps(_mm512_permutex2var_epi32(low, even, high));
    exponents = _mm512_permutex2var_epi32(low, _mm512_or_si512(even, _mm512_set1_epi32(1)), high);
  }

  class Table32 {
   public:
    explicit Table32(const float* entries) : low_(_mm512_load_ps(entries)), high_(_mm512_load_ps(entries + kWords)) {}
    [[gnu::always_inline]] __m512 look_up(Reg words) const { return _mm512_permutex2var_ps(low_, words, high_); }

   private:
    __m512 low_, high_;
  };

  class Terms {
   public:
    Terms() : terms_(_mm512_load_si512(kDeviateTerms)) {}
    [[gnu::always_inline]] Reg terms(Reg words) const { return _mm512_permutexvar_epi16(words, terms_); }

   private:
    Reg terms_;
  };

  /// A 4 x 4 transposition in each quarter: from rows to columns.
  [[gnu::always_inline]] static void four_columns(const float* rows, const std::uint32_t* at, Floats (&columns)[4]) {
    const __m512 row0 = four_cubics(rows, at);
    const __m512 row1 = four_cubics(rows, at + 1);
    const __m512 row2 = four_cubics(rows, at + 2);
    const __m512 row3 = four_cubics(rows, at + 3);
    const __m512d low01 = _mm512_castps_pd(_mm512_unpacklo_ps(row0, row1));
    const __m512d low23 = _mm512_castps_pd(_mm512_unpacklo_ps(row2, row3));
    const __m512d high01 = _mm512_castps_pd(_mm512_unpackhi_ps(row0, row1));
    const __m512d high23 = _mm512_castps_pd(_mm512_unpackhi_ps(row2, row3));
    columns[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23));
    columns[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23));
    columns[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23));
    columns[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23));
  }

  /// Deviates of the four largest octaves come from tables in registers, for all words at once; the words of the others, one in
  /// sixteen, are collected and done at the end.
  class Normals {
   public:
    [[gnu::always_inline]] Normals(const float* cubics, float* deviates) : cubics_(cubics), deviates_(deviates) {
      for (std::size_t i = 0; i < 16; ++i) planes_[i] = _mm512_load_ps(cubics + kCubicPlanes + i * kWords);
    }

    [[gnu::always_inline]] __m512 normal(Reg bits, std::size_t place) {
      const Scaled scaled(bits);
      // The top bit of `normalized` is set: 16 too many, hence the order of the octaves in the planes.
      const Reg index = _mm512_add_epi32(_mm512_srli_epi32(scaled.normalized, kCubicFractionBits),
                                         _mm512_slli_epi32(scaled.octave, 4));
      const __mmask16 upper = _mm512_test_epi32_mask(scaled.octave, _mm512_set1_epi32(2));
      const __mmask16 rare = _mm512_cmpgt_epi32_mask(scaled.octave, _mm512_set1_epi32(3));
      const Reg places = _mm512_add_epi32(set(static_cast<std::uint32_t>(place)), _mm512_slli_epi32(iota(), 1));
      _mm512_storeu_si512(places_ + rare_, _mm512_maskz_compress_epi32(rare, places));
      _mm512_storeu_si512(words_ + rare_, _mm512_maskz_compress_epi32(rare, bits));
      rare_ += static_cast<std::size_t>(__builtin_popcount(rare));
      return scaled.value(coefficient(3, index, upper), coefficient(2, index, upper), coefficient(1, index, upper),
                          coefficient(0, index, upper), bits);
    }

    void finish() {
      _mm512_storeu_si512(words_ + rare_, _mm512_setzero_si512());  // what the last round takes too many
      for (std::size_t first = 0; first < rare_; first += kWords) {
        const Reg bits = _mm512_loadu_si512(words_ + first);
        const Scaled scaled(bits);
        const Reg segment = _mm512_and_si512(_mm512_srli_epi32(scaled.normalized, kCubicFractionBits),
                                             _mm512_set1_epi32(static_cast<int>(kCubicSegments - 1)));
        alignas(64) std::uint32_t at[kWords];
        _mm512_store_si512(at, _mm512_slli_epi32(_mm512_or_si512(_mm512_slli_epi32(scaled.octave, 4), segment), 2));
        Floats c[4];
        four_columns(cubics_, at, c);
        alignas(64) float values[kWords];
        _mm512_store_ps(values, scaled.value(c[3], c[2], c[1], c[0], bits));
        const std::size_t count = rare_ - first < kWords ? rare_ - first : kWords;
        for (std::size_t i = 0; i < count; ++i) deviates_[places_[first + i]] = values[i];
      }
    }

   private:
    /// 2 m + 1 = normalized / 2^octave, and what becomes of the fraction of its segment.
    struct Scaled {
      [[gnu::always_inline]] explicit Scaled(Reg bits) {
        const Reg odd = _mm512_or_si512(_mm512_slli_epi32(bits, 1), _mm512_set1_epi32(1));
        octave = _mm512_lzcnt_epi32(odd);
        normalized = _mm512_sllv_epi32(odd, octave);
      }
      [[gnu::always_inline]] __m512 value(__m512 c3, __m512 c2, __m512 c1, __m512 c0, Reg bits) const {
        const Reg fraction = _mm512_and_si512(normalized, _mm512_set1_epi32((1 << kCubicFractionBits) - 1));
        const __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(fraction), _mm512_set1_ps(1.0F / (1U << kCubicFractionBits)));
        __m512 magnitude = _mm512_add_ps(_mm512_mul_ps(c3, t), c2);
        magnitude = _mm512_add_ps(_mm512_mul_ps(magnitude, t), c1);
        magnitude = _mm512_add_ps(_mm512_mul_ps(magnitude, t), c0);
        const Reg sign = _mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0x80000000U)));
        return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(magnitude), sign));
      }
      Reg octave, normalized;
    };

    [[gnu::always_inline]] __m512 coefficient(std::size_t which, Reg index, __mmask16 upper) const {
      const __m512 low = _mm512_permutex2var_ps(planes_[4 * which], index, planes_[4 * which + 1]);
      const __m512 high = _mm512_permutex2var_ps(planes_[4 * which + 2], index, planes_[4 * which + 3]);
      return _mm512_mask_blend_ps(upper, low, high);
    }

    const float* cubics_;
    float* deviates_;
    __m512 planes_[16];  ///< in registers, or at least where no store can touch them
    std::size_t rare_ = 0;
    std::uint32_t places_[kChunk + kDeviateStep + kWords], words_[kChunk + kDeviateStep + kWords];
  };

  static void store_pairs(__m512 even, __m512 odd, float* to) {
    const Reg low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const Reg high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    _mm512_storeu_ps(to, _mm512_permutex2var_ps(even, low, odd));
    _mm512_storeu_ps(to + kWords, _mm512_permutex2var_ps(even, high, odd));
  }
};

}  // namespace

constinit const CellKernels kAvx512CellKernels = make_cell_kernels("avx512", simd_kernels<Avx512>());

}  // namespace xw::cells::detail
