// The tile MVM and the DAC with AVX2: products in 16 bits.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/kernel_avx2_base.hpp"
#include "models/analog/kernel_simd.hpp"

namespace xw::analog::kernels {
namespace {

struct Avx2Madd : Avx2 {
  static constexpr std::uint32_t kStep = 2;
  static constexpr std::size_t kCodeBytes = 2;
  static constexpr std::int32_t kCellBias = 0;
  static constexpr int kStreamVectors = 2;
  static constexpr int kBlockVectors = 2;

  static Reg dot(Reg acc, Reg cells, Reg codes) { return add(acc, _mm256_madd_epi16(cells, codes)); }

  static void interleave(const Reg (&rows)[2], Reg (&packed)[4]) {
    const Reg low0 = _mm256_srai_epi16(_mm256_unpacklo_epi8(rows[0], rows[0]), 8);
    const Reg high0 = _mm256_srai_epi16(_mm256_unpackhi_epi8(rows[0], rows[0]), 8);
    const Reg low1 = _mm256_srai_epi16(_mm256_unpacklo_epi8(rows[1], rows[1]), 8);
    const Reg high1 = _mm256_srai_epi16(_mm256_unpackhi_epi8(rows[1], rows[1]), 8);
    packed[0] = _mm256_unpacklo_epi16(low0, low1);
    packed[1] = _mm256_unpackhi_epi16(low0, low1);
    packed[2] = _mm256_unpacklo_epi16(high0, high1);
    packed[3] = _mm256_unpackhi_epi16(high0, high1);
  }

  /// Widens codes to 16 bits, zero behind them. No bias, no sum.
  static std::int32_t prepare_codes(const std::int8_t* x, std::uint32_t rows, std::byte* to, std::size_t padded) {
    std::uint32_t row = 0;
    for (; row + 16 <= rows; row += 16) {
      const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + row));
      store(to + 2 * std::size_t{row}, _mm256_cvtepi8_epi16(codes));
    }
    for (; 2 * row < padded; ++row) {
      const std::int16_t code = row < rows ? x[row] : std::int16_t{0};
      __builtin_memcpy(to + 2 * std::size_t{row}, &code, 2);
    }
    return 0;
  }
};

}  // namespace

std::uint64_t mvm_avx2(const BlockView& block, const MvmBatch& batch, const std::byte* /*packed*/, std::byte* scratch) {
  return SimdMvm<Avx2Madd>::run(block, batch, nullptr, scratch);
}

bool dac_avx2(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes) {
  const __m256 scale = _mm256_set1_ps(dac_max);
  const __m256 range = _mm256_set1_ps(beta);
  const __m256 minimum = _mm256_set1_ps(-dac_max);
  const __m256 exponent = _mm256_castsi256_ps(_mm256_set1_epi32(0x7F800000));
  __m256 not_finite = _mm256_setzero_ps();
  for (std::size_t i = 0; i < count; i += 8) {
    const auto left = static_cast<std::uint32_t>(count - i < 8 ? count - i : 8);
    const __m256i mask = Avx2::first_words(left);
    const __m256 value = _mm256_maskload_ps(x + i, mask);
    const __m256i exponent_bits = _mm256_castps_si256(_mm256_and_ps(value, exponent));
    not_finite =
        _mm256_or_ps(not_finite, _mm256_castsi256_ps(_mm256_cmpeq_epi32(exponent_bits, _mm256_castps_si256(exponent))));
    const __m256 scaled = _mm256_div_ps(_mm256_mul_ps(value, scale), range);
    // The clamp's bounds are integers, so it may come before the rounding; max(NaN, b) is b.
    const __m256 clamped = _mm256_min_ps(_mm256_max_ps(scaled, minimum), scale);
    const __m256i words = _mm256_cvtps_epi32(clamped);
    const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    const __m128i bytes = _mm_packs_epi16(halves, halves);
    if (left == 8) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(codes + i), bytes);
    } else {
      std::int8_t tail[16];
      _mm_storeu_si128(reinterpret_cast<__m128i*>(tail), bytes);
      __builtin_memcpy(codes + i, tail, left);
    }
  }
  return _mm256_movemask_ps(not_finite) == 0;
}

}  // namespace xw::analog::kernels
