// The inner loops of programming with AVX2.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "models/cells/cell_kernels_simd.hpp"

namespace xw::cells::detail {
namespace {

struct Avx2 {
  using Reg = __m256i;
  using Floats = __m256;
  static constexpr std::size_t kWords = 8;

  static Reg load_words(const std::uint32_t* from) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(from)); }
  static void store_words(std::uint32_t* to, Reg words) { _mm256_store_si256(reinterpret_cast<__m256i*>(to), words); }
  static Reg set(std::uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  static Reg iota() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
  static Reg add(Reg a, Reg b) { return _mm256_add_epi32(a, b); }
  static Reg bit_xor(Reg a, Reg b) { return _mm256_xor_si256(a, b); }
  template <unsigned kRotation>
  static Reg rotate_left(Reg a) {
    return _mm256_or_si256(_mm256_slli_epi32(a, static_cast<int>(kRotation)),
                           _mm256_srli_epi32(a, static_cast<int>(32 - kRotation)));
  }

  /// Coefficients of segments `at[i]` and `at[i + 4]`.
  [[gnu::always_inline]] static __m256 two_cubics(const float* cubics, const std::uint32_t* at) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(cubics + at[0])), _mm_load_ps(cubics + at[4]), 1);
  }

  static void store(float* to, Floats numbers) { _mm256_store_ps(to, numbers); }
  static Floats plus(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats minus(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  template <unsigned kBits>
  static Reg shift_right(Reg a) {
    return _mm256_srli_epi32(a, kBits);
  }
  template <unsigned kBits>
  static Reg shift_right16(Reg a) {
    return _mm256_srli_epi16(a, kBits);
  }
  static Reg add16(Reg a, Reg b) { return _mm256_add_epi16(a, b); }
  static Reg multiply_add16(Reg a, Reg b) { return _mm256_madd_epi16(a, b); }
  static Reg shift_right(Reg a, unsigned bits) {
    return _mm256_srl_epi32(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static Floats load(const float* from) { return _mm256_loadu_ps(from); }
  static Reg load_some(const std::int32_t* from, std::size_t count) {
    if (count >= kWords) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm256_maskload_epi32(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), iota()));
  }
  static Floats set_number(float number) { return _mm256_set1_ps(number); }
  static Floats times(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats least(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  static Floats greatest(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats magnitude(Floats a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a); }
  static Floats to_numbers(Reg words) { return _mm256_cvtepi32_ps(words); }
  static Reg to_words(Floats numbers) { return _mm256_cvttps_epi32(numbers); }
  static Reg bits(Floats numbers) { return _mm256_castps_si256(numbers); }
  static void gather_entries(const DeviceEntry* entries, Reg places, Floats& sigmas, Reg& exponents) {
    sigmas = _mm256_i32gather_ps(&entries->sigma, places, sizeof(DeviceEntry));
    exponents = _mm256_i32gather_epi32(reinterpret_cast<const int*>(&entries->exponents), places, sizeof(DeviceEntry));
  }

  class Table32 {
   public:
    explicit Table32(const float* entries) : entries_(entries) {}
    [[gnu::always_inline]] __m256 look_up(Reg words) const {
      return _mm256_i32gather_ps(entries_, _mm256_and_si256(words, _mm256_set1_epi32(31)), sizeof(float));
    }

   private:
    const float* entries_;
  };

  /// Bits 0 ... 3 choose a magnitude, which bytes 0 ... 15 of two registers hold, low and high bytes; bit 4 is the sign.
  class Terms {
   public:
    Terms() {
      const __m256i words = _mm256_load_si256(reinterpret_cast<const __m256i*>(kDeviateTerms));
      const __m256i low = _mm256_and_si256(words, _mm256_set1_epi16(0xFF));
      const __m256i high = _mm256_srli_epi16(words, 8);
      const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xD8);
      low_ = _mm256_broadcastsi128_si256(_mm256_castsi256_si128(bytes));
      high_ = _mm256_broadcastsi128_si256(_mm256_extracti128_si256(bytes, 1));
    }
    [[gnu::always_inline]] Reg terms(Reg words) const {
      const Reg number = _mm256_and_si256(words, _mm256_set1_epi16(15));
      // A byte with the highest bit set looks up 0.
      const Reg low = _mm256_shuffle_epi8(low_, _mm256_or_si256(number, _mm256_set1_epi16(static_cast<short>(0x8000))));
      const Reg high =
          _mm256_shuffle_epi8(high_, _mm256_or_si256(_mm256_slli_epi16(number, 8), _mm256_set1_epi16(0x80)));
      const Reg sign = _mm256_or_si256(_mm256_slli_epi16(words, 11), _mm256_set1_epi16(1));
      return _mm256_sign_epi16(_mm256_or_si256(low, high), sign);
    }

   private:
    Reg low_, high_;
  };

  /// A 4 x 4 transposition in each half: from rows to columns.
  [[gnu::always_inline]] static void four_columns(const float* rows, const std::uint32_t* at, Floats (&columns)[4]) {
    const __m256 row0 = two_cubics(rows, at);
    const __m256 row1 = two_cubics(rows, at + 1);
    const __m256 row2 = two_cubics(rows, at + 2);
    const __m256 row3 = two_cubics(rows, at + 3);
    const __m256d low01 = _mm256_castps_pd(_mm256_unpacklo_ps(row0, row1));
    const __m256d low23 = _mm256_castps_pd(_mm256_unpacklo_ps(row2, row3));
    const __m256d high01 = _mm256_castps_pd(_mm256_unpackhi_ps(row0, row1));
    const __m256d high23 = _mm256_castps_pd(_mm256_unpackhi_ps(row2, row3));
    columns[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(low01, low23));
    columns[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low01, low23));
    columns[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high01, high23));
    columns[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high01, high23));
  }

  class Normals {
   public:
    Normals(const float* cubics, float* /*deviates*/) : cubics_(cubics) {}
    [[gnu::always_inline]] __m256 normal(Reg bits, std::size_t /*place*/) const { return deviates_of(bits, cubics_); }
    void finish() const {}

   private:
    const float* cubics_;
  };

  [[gnu::always_inline]] static __m256 deviates_of(Reg bits, const float* cubics) {
    // Leading zeros of odd = 2 m + 1 from the exponent of m as fp32. Clearing what is 8 places below a set bit keeps the
    // conversion from rounding up to the next power of two; for m = 0 the exponent is 0, and there are 31.
    const Reg m = _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF));
    const Reg odd = _mm256_or_si256(_mm256_slli_epi32(bits, 1), _mm256_set1_epi32(1));
    const Reg rounded_down = _mm256_andnot_si256(_mm256_srli_epi32(m, 8), m);
    const Reg exponent = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(rounded_down)), 23);
    const Reg octave = _mm256_min_epi32(_mm256_sub_epi32(_mm256_set1_epi32(157), exponent), _mm256_set1_epi32(31));
    const Reg normalized = _mm256_sllv_epi32(odd, octave);
    const Reg segment = _mm256_and_si256(_mm256_srli_epi32(normalized, kCubicFractionBits),
                                         _mm256_set1_epi32(static_cast<int>(kCubicSegments - 1)));
    const Reg index = _mm256_or_si256(_mm256_slli_epi32(octave, 4), segment);
    alignas(32) std::uint32_t at[kWords];
    _mm256_store_si256(reinterpret_cast<__m256i*>(at), _mm256_slli_epi32(index, 2));
    Floats c[4];
    four_columns(cubics, at, c);
    const Reg fraction = _mm256_and_si256(normalized, _mm256_set1_epi32((1 << kCubicFractionBits) - 1));
    const __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(fraction), _mm256_set1_ps(1.0F / (1U << kCubicFractionBits)));
    __m256 magnitude = _mm256_add_ps(_mm256_mul_ps(c[3], t), c[2]);
    magnitude = _mm256_add_ps(_mm256_mul_ps(magnitude, t), c[1]);
    magnitude = _mm256_add_ps(_mm256_mul_ps(magnitude, t), c[0]);
    const Reg sign = _mm256_and_si256(bits, _mm256_set1_epi32(static_cast<int>(0x80000000U)));
    return _mm256_castsi256_ps(_mm256_xor_si256(_mm256_castps_si256(magnitude), sign));
  }

  static void store_pairs(__m256 even, __m256 odd, float* to) {
    const __m256 low = _mm256_unpacklo_ps(even, odd);
    const __m256 high = _mm256_unpackhi_ps(even, odd);
    _mm256_storeu_ps(to, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(to + kWords, _mm256_permute2f128_ps(low, high, 0x31));
  }
};

}  // namespace

constinit const CellKernels kAvx2CellKernels = make_cell_kernels("avx2", simd_kernels<Avx2>());

}  // namespace xw::cells::detail
