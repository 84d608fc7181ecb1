// The tile MVM with AVX-VNNI (256 bits): 32 products per instruction.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/kernel_avx2_base.hpp"
#include "models/analog/kernel_simd.hpp"

namespace xw::analog::kernels {
namespace {

/// As Avx512Vnni, with 256-bit registers.
struct AvxVnni : Avx2 {
  static constexpr std::uint32_t kStep = 4;
  static constexpr std::size_t kCodeBytes = 1;
  static constexpr std::int32_t kCellBias = 128;
  static constexpr int kStreamVectors = 2;
  static constexpr int kBlockVectors = 2;

  static Reg dot(Reg acc, Reg cells, Reg codes) { return _mm256_dpbusd_avx_epi32(acc, cells, codes); }

  static void interleave(const Reg (&rows)[4], Reg (&packed)[4]) {
    const Reg bias = _mm256_set1_epi8(-128);
    const Reg low01 = _mm256_unpacklo_epi8(rows[0], rows[1]);
    const Reg high01 = _mm256_unpackhi_epi8(rows[0], rows[1]);
    const Reg low23 = _mm256_unpacklo_epi8(rows[2], rows[3]);
    const Reg high23 = _mm256_unpackhi_epi8(rows[2], rows[3]);
    packed[0] = bit_xor(_mm256_unpacklo_epi16(low01, low23), bias);
    packed[1] = bit_xor(_mm256_unpackhi_epi16(low01, low23), bias);
    packed[2] = bit_xor(_mm256_unpacklo_epi16(high01, high23), bias);
    packed[3] = bit_xor(_mm256_unpackhi_epi16(high01, high23), bias);
  }

  /// Copies codes, zero behind them; returns their sum.
  static std::int32_t prepare_codes(const std::int8_t* x, std::uint32_t rows, std::byte* to, std::size_t padded) {
    __builtin_memcpy(to, x, rows);
    __builtin_memset(to + rows, 0, padded - rows);
    Reg sum = zero();
    for (std::size_t i = 0; i < padded; i += kBytes) sum = dot(sum, _mm256_set1_epi8(1), load(to + i));
    __m128i words = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    words = _mm_add_epi32(words, _mm_shuffle_epi32(words, 0x4E));
    words = _mm_add_epi32(words, _mm_shuffle_epi32(words, 0xB1));
    return _mm_cvtsi128_si32(words);
  }
};

}  // namespace

std::uint64_t mvm_avxvnni(const BlockView& block, const MvmBatch& batch, const std::byte* /*packed*/,
                          std::byte* scratch) {
  return SimdMvm<AvxVnni>::run(block, batch, nullptr, scratch);
}

}  // namespace xw::analog::kernels
