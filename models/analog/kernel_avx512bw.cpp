// The tile MVM and the DAC with AVX-512 without VNNI: products in 16 bits.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/kernel_avx512.hpp"
#include "models/analog/kernel_simd.hpp"

namespace xw::analog::kernels {
namespace {

struct Avx512Bw : Avx512 {
  static constexpr std::uint32_t kStep = 2;
  static constexpr std::size_t kCodeBytes = 2;
  static constexpr std::int32_t kCellBias = 0;
  static constexpr int kStreamVectors = 4;
  static constexpr int kBlockVectors = 5;

  static Reg dot(Reg acc, Reg cells, Reg codes) { return add(acc, _mm512_madd_epi16(cells, codes)); }

  static void interleave(const Reg (&rows)[2], Reg (&packed)[4]) {
    const Reg low0 = _mm512_srai_epi16(_mm512_unpacklo_epi8(rows[0], rows[0]), 8);
    const Reg high0 = _mm512_srai_epi16(_mm512_unpackhi_epi8(rows[0], rows[0]), 8);
    const Reg low1 = _mm512_srai_epi16(_mm512_unpacklo_epi8(rows[1], rows[1]), 8);
    const Reg high1 = _mm512_srai_epi16(_mm512_unpackhi_epi8(rows[1], rows[1]), 8);
    packed[0] = _mm512_unpacklo_epi16(low0, low1);
    packed[1] = _mm512_unpackhi_epi16(low0, low1);
    packed[2] = _mm512_unpacklo_epi16(high0, high1);
    packed[3] = _mm512_unpackhi_epi16(high0, high1);
  }

  static Reg byte_sum(Reg x0, Reg x1) {
    const Reg bytes = _mm512_set1_epi8(1);
    const Reg pairs = _mm512_add_epi16(_mm512_maddubs_epi16(x0, bytes), _mm512_maddubs_epi16(x1, bytes));
    return add(_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)), set(-1020));
  }

  /// Widens codes to 16 bits, zero behind them. No bias, no sum.
  static std::int32_t prepare_codes(const std::int8_t* x, std::uint32_t rows, std::byte* to, std::size_t padded) {
    for (std::uint32_t row = 0; 2 * row < padded; row += 32) {
      const std::uint32_t count = row >= rows ? 0 : (rows - row < 32 ? rows - row : 32);
      const auto mask = static_cast<__mmask32>((std::uint64_t{1} << count) - 1);
      store(to + 2 * std::size_t{row}, _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, x + row)));
    }
    return 0;
  }
};

}  // namespace

std::uint64_t mvm_avx512bw(const BlockView& block, const MvmBatch& batch, const std::byte* /*packed*/,
                           std::byte* scratch) {
  return SimdMvm<Avx512Bw>::run(block, batch, nullptr, scratch);
}

bool dac_avx512(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes) {
  const __m512 scale = _mm512_set1_ps(dac_max);
  const __m512 range = _mm512_set1_ps(beta);
  const __m512 minimum = _mm512_set1_ps(-dac_max);
  unsigned not_finite = 0;
  for (std::size_t i = 0; i < count; i += 16) {
    const auto mask = static_cast<__mmask16>(count - i < 16 ? (1U << (count - i)) - 1U : 0xFFFFU);
    const __m512 value = _mm512_maskz_loadu_ps(mask, x + i);
    not_finite |= _mm512_fpclass_ps_mask(value, 0x99);  // quiet NaN, +infinity, -infinity, signalling NaN
    const __m512 scaled = _mm512_div_ps(_mm512_mul_ps(value, scale), range);
    // The clamp's bounds are integers, so it may come before the rounding; max(NaN, b) is b.
    const __m512 clamped = _mm512_min_ps(_mm512_max_ps(scaled, minimum), scale);
    _mm512_mask_cvtepi32_storeu_epi8(codes + i, mask, _mm512_cvtps_epi32(clamped));
  }
  return not_finite == 0;
}

}  // namespace xw::analog::kernels
