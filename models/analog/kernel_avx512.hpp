// Private: AVX-512 (F, BW, DQ, VL) registers for kernel_simd.hpp; the two units differ in interleave() and dot().
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace xw::analog::kernels {
namespace {

struct Avx512 {
  using Reg = __m512i;
  using Mask = __mmask16;
  static constexpr std::uint32_t kBytes = 64;
  static constexpr std::uint32_t kMatrixVectors = 0;
  static constexpr std::uint32_t kWords = 16;

  struct Adc {
    Reg half, maximum, minimum;
    __m128i shift;
  };

  static Reg zero() { return _mm512_setzero_si512(); }
  static Reg set(std::int32_t value) { return _mm512_set1_epi32(value); }
  static Reg iota() { return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0); }
  static Reg load(const void* from) { return _mm512_loadu_si512(from); }
  static void store(void* to, Reg value) { _mm512_storeu_si512(to, value); }
  static Reg add(Reg a, Reg b) { return _mm512_add_epi32(a, b); }
  static Reg bit_or(Reg a, Reg b) { return _mm512_or_si512(a, b); }
  static Reg bit_xor(Reg a, Reg b) { return _mm512_xor_si512(a, b); }
  static Reg bit_and(Reg a, Reg b) { return _mm512_and_si512(a, b); }
  static Reg multiply_low(Reg a, Reg b) { return _mm512_mullo_epi32(a, b); }
  template <unsigned kBits>
  static Reg shift_right(Reg a) {
    return _mm512_srai_epi32(a, kBits);
  }
  template <unsigned kBits>
  static Reg shift_right_logical(Reg a) {
    return _mm512_srli_epi32(a, kBits);
  }
  template <unsigned kBits>
  static Reg rotate_left(Reg a) {
    return _mm512_rol_epi32(a, kBits);
  }
  static Mask first_words(std::uint32_t count) { return static_cast<Mask>((1U << count) - 1U); }
  static Reg load_words(const void* from, Mask mask) { return _mm512_maskz_loadu_epi32(mask, from); }
  static void store_words(void* to, Mask mask, Reg value) { _mm512_mask_storeu_epi32(to, mask, value); }

  /// Four codes of 8 bits or two of 16 bits, in every word.
  static Reg broadcast(const std::byte* from) {
    std::int32_t word = 0;
    __builtin_memcpy(&word, from, 4);
    return _mm512_set1_epi32(word);
  }

  template <int kPieces>
  static Reg load_row(const std::int8_t* const* piece, std::size_t offset) {
    if constexpr (kPieces == 1) {
      return load(piece[0] + offset);
    } else if constexpr (kPieces == 2) {
      const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(piece[0] + offset));
      const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(piece[1] + offset));
      return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    } else {
      const auto part = [&](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(piece[i] + offset)); };
      const Reg low = _mm512_inserti32x4(_mm512_castsi128_si512(part(0)), part(1), 1);
      return _mm512_inserti32x4(_mm512_inserti32x4(low, part(2), 2), part(3), 3);
    }
  }

  /// 4 x 4 transposition of the 128-bit lanes.
  static void natural_order(const Reg (&in)[4], Reg (&out)[4]) {
    const Reg low01 = _mm512_shuffle_i32x4(in[0], in[1], 0x44);
    const Reg low23 = _mm512_shuffle_i32x4(in[2], in[3], 0x44);
    const Reg high01 = _mm512_shuffle_i32x4(in[0], in[1], 0xEE);
    const Reg high23 = _mm512_shuffle_i32x4(in[2], in[3], 0xEE);
    out[0] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    out[1] = _mm512_shuffle_i32x4(low01, low23, 0xDD);
    out[2] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    out[3] = _mm512_shuffle_i32x4(high01, high23, 0xDD);
  }

  static Adc make_adc(std::uint32_t shift, std::int32_t adc_max) {
    return {_mm512_set1_epi64(std::int64_t{1} << (shift - 1)), _mm512_set1_epi64(adc_max),
            _mm512_set1_epi64(-std::int64_t{adc_max}), _mm_cvtsi32_si128(static_cast<int>(shift))};
  }

  /// ADC codes of the sums; even and odd columns apart in 64 bits.
  static Reg convert(const Adc& adc, Reg sums, Reg gain, Mask mask, std::uint32_t& num_saturated) {
    const Reg even = scale(adc, sums, gain);
    const Reg odd = scale(adc, _mm512_srli_epi64(sums, 32), _mm512_srli_epi64(gain, 32));
    const Reg even_code = _mm512_max_epi64(_mm512_min_epi64(even, adc.maximum), adc.minimum);
    const Reg odd_code = _mm512_max_epi64(_mm512_min_epi64(odd, adc.maximum), adc.minimum);
    // Bit 2i of the word mask is the even column i, bit 2i + 1 the odd one.
    const __mmask8 even_mask = static_cast<__mmask8>(_pext_u32(mask, 0x5555U));
    const __mmask8 odd_mask = static_cast<__mmask8>(_pext_u32(mask, 0xAAAAU));
    num_saturated +=
        static_cast<std::uint32_t>(__builtin_popcount(_mm512_mask_cmpneq_epi64_mask(even_mask, even, even_code)) +
                                   __builtin_popcount(_mm512_mask_cmpneq_epi64_mask(odd_mask, odd, odd_code)));
    return _mm512_mask_blend_epi32(0xAAAA, even_code, _mm512_slli_epi64(odd_code, 32));
  }

 private:
  static Reg scale(const Adc& adc, Reg sums, Reg gain) {
    return _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(sums, gain), adc.half), adc.shift);
  }
};

}  // namespace
}  // namespace xw::analog::kernels
