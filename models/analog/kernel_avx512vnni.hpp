// Private: the tile MVM with AVX-512 VNNI, 64 products per instruction.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/kernel_avx512.hpp"
#include "models/analog/kernel_simd.hpp"

namespace xw::analog::kernels {
namespace {

/// vpdpbusd multiplies unsigned by signed bytes. The cells become unsigned by adding 128, which adds 128 * sum(x) to
/// every column: known before the first product, and exact for all int8 cells and codes.
struct Avx512Vnni : Avx512 {
  static constexpr std::uint32_t kStep = 4;
  static constexpr std::size_t kCodeBytes = 1;
  static constexpr std::int32_t kCellBias = 128;
  static constexpr int kStreamVectors = 4;
  static constexpr int kBlockVectors = 6;

  static Reg dot(Reg acc, Reg cells, Reg codes) { return _mm512_dpbusd_epi32(acc, cells, codes); }

  static void interleave(const Reg (&rows)[4], Reg (&packed)[4]) {
    const Reg bias = _mm512_set1_epi8(-128);
    const Reg low01 = _mm512_unpacklo_epi8(rows[0], rows[1]);
    const Reg high01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
    const Reg low23 = _mm512_unpacklo_epi8(rows[2], rows[3]);
    const Reg high23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
    packed[0] = bit_xor(_mm512_unpacklo_epi16(low01, low23), bias);
    packed[1] = bit_xor(_mm512_unpackhi_epi16(low01, low23), bias);
    packed[2] = bit_xor(_mm512_unpacklo_epi16(high01, high23), bias);
    packed[3] = bit_xor(_mm512_unpackhi_epi16(high01, high23), bias);
  }

  static Reg byte_sum(Reg x0, Reg x1) {
    const Reg ones = _mm512_set1_epi8(1);
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_set1_epi32(-1020), x0, ones), x1, ones);
  }

  /// Copies codes, zero behind them; returns their sum.
  static std::int32_t prepare_codes(const std::int8_t* x, std::uint32_t rows, std::byte* to, std::size_t padded) {
    Reg sum = zero();
    for (std::uint32_t row = 0; row < padded; row += 64) {
      const std::uint32_t count = rows - row < 64 ? rows - row : 64;
      const __mmask64 mask = ~std::uint64_t{0} >> (64 - count);
      const Reg codes = _mm512_maskz_loadu_epi8(mask, x + row);
      store(to + row, codes);
      sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), codes);
    }
    return _mm512_reduce_add_epi32(sum);
  }
};

}  // namespace
}  // namespace xw::analog::kernels
