// Private: AVX2 registers for kernel_simd.hpp; the two units differ in interleave() and dot().
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace xw::analog::kernels {
namespace {

struct Avx2 {
  using Reg = __m256i;
  using Mask = __m256i;
  static constexpr std::uint32_t kBytes = 32;
  static constexpr std::uint32_t kMatrixVectors = 0;
  static constexpr std::uint32_t kWords = 8;

  struct Adc {
    Reg half, offset, maximum, minimum;
    __m128i shift;
  };

  static Reg zero() { return _mm256_setzero_si256(); }
  static Reg set(std::int32_t value) { return _mm256_set1_epi32(value); }
  static Reg iota() { return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0); }
  static Reg load(const void* from) { return _mm256_loadu_si256(static_cast<const Reg*>(from)); }
  static void store(void* to, Reg value) { _mm256_storeu_si256(static_cast<Reg*>(to), value); }
  static Reg add(Reg a, Reg b) { return _mm256_add_epi32(a, b); }
  static Reg bit_or(Reg a, Reg b) { return _mm256_or_si256(a, b); }
  static Reg bit_xor(Reg a, Reg b) { return _mm256_xor_si256(a, b); }
  static Reg bit_and(Reg a, Reg b) { return _mm256_and_si256(a, b); }
  static Reg multiply_low(Reg a, Reg b) { return _mm256_mullo_epi32(a, b); }
  template <unsigned kBits>
  static Reg shift_right(Reg a) {
    return _mm256_srai_epi32(a, kBits);
  }
  template <unsigned kBits>
  static Reg shift_right_logical(Reg a) {
    return _mm256_srli_epi32(a, kBits);
  }
  template <unsigned kBits>
  static Reg rotate_left(Reg a) {
    return bit_or(_mm256_slli_epi32(a, kBits), _mm256_srli_epi32(a, 32 - kBits));
  }
  static Mask first_words(std::uint32_t count) {
    return _mm256_cmpgt_epi32(set(static_cast<std::int32_t>(count)), iota());
  }
  static Reg load_words(const void* from, Mask mask) {
    return _mm256_maskload_epi32(static_cast<const int*>(from), mask);
  }
  static void store_words(void* to, Mask mask, Reg value) {
    _mm256_maskstore_epi32(static_cast<int*>(to), mask, value);
  }

  /// Four codes of 8 bits or two of 16 bits, in every word.
  static Reg broadcast(const std::byte* from) {
    std::int32_t word = 0;
    __builtin_memcpy(&word, from, 4);
    return _mm256_set1_epi32(word);
  }

  template <int kPieces>
  static Reg load_row(const std::int8_t* const* piece, std::size_t offset) {
    if constexpr (kPieces == 1) {
      return load(piece[0] + offset);
    } else {
      const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(piece[0] + offset));
      const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(piece[1] + offset));
      return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
  }

  static void natural_order(const Reg (&in)[4], Reg (&out)[4]) {
    out[0] = _mm256_permute2x128_si256(in[0], in[1], 0x20);
    out[1] = _mm256_permute2x128_si256(in[2], in[3], 0x20);
    out[2] = _mm256_permute2x128_si256(in[0], in[1], 0x31);
    out[3] = _mm256_permute2x128_si256(in[2], in[3], 0x31);
  }

  static Reg byte_sum(Reg x0, Reg x1) {
    const Reg bytes = _mm256_set1_epi8(1);
    const Reg pairs = _mm256_add_epi16(_mm256_maddubs_epi16(x0, bytes), _mm256_maddubs_epi16(x1, bytes));
    return add(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), set(-1020));
  }

  static Adc make_adc(std::uint32_t shift, std::int32_t adc_max) {
    // AVX2 has no arithmetic 64-bit shift: 2^62 makes the value positive before and is taken away after.
    constexpr std::int64_t kOffset = std::int64_t{1} << 62;
    return {_mm256_set1_epi64x((std::int64_t{1} << (shift - 1)) + kOffset), _mm256_set1_epi64x(kOffset >> shift),
            _mm256_set1_epi64x(adc_max), _mm256_set1_epi64x(-std::int64_t{adc_max}),
            _mm_cvtsi32_si128(static_cast<int>(shift))};
  }

  /// ADC codes of the sums; even and odd columns apart in 64 bits.
  static Reg convert(const Adc& adc, Reg sums, Reg gain, Mask mask, std::uint32_t& num_saturated) {
    Reg even_saturated, odd_saturated;
    const Reg even = code(adc, sums, gain, even_saturated);
    const Reg odd = code(adc, _mm256_srli_epi64(sums, 32), _mm256_srli_epi64(gain, 32), odd_saturated);
    const Reg saturated = bit_and(_mm256_blend_epi32(even_saturated, odd_saturated, 0xAA), mask);
    num_saturated += static_cast<std::uint32_t>(
        __builtin_popcount(static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(saturated)))));
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  }

 private:
  static Reg code(const Adc& adc, Reg sums, Reg gain, Reg& saturated) {
    const Reg biased = _mm256_add_epi64(_mm256_mul_epi32(sums, gain), adc.half);
    const Reg scaled = _mm256_sub_epi64(_mm256_srl_epi64(biased, adc.shift), adc.offset);
    const Reg above = _mm256_cmpgt_epi64(scaled, adc.maximum);
    const Reg below = _mm256_cmpgt_epi64(adc.minimum, scaled);
    saturated = bit_or(above, below);
    return _mm256_blendv_epi8(_mm256_blendv_epi8(scaled, adc.maximum, above), adc.minimum, below);
  }
};

}  // namespace
}  // namespace xw::analog::kernels
