// Inner loops for AVX-512F: the 16 lanes are one register.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "host/transformer/kernels_impl.hpp"
#include "host/transformer/kernels_isa.hpp"

namespace xw::transformer::detail {
namespace {

struct Avx512 {
  static constexpr int kTileRows = 4, kTileVectors = 4, kSingleRows = 8;
  static constexpr int kPanelVectors = 6;
  static constexpr int kOuterRows = 6, kOuterGroups = 4;
  __m512 v;

  static Avx512 zero() { return {_mm512_setzero_ps()}; }
  static Avx512 broadcast(float value) { return {_mm512_set1_ps(value)}; }
  static Avx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Avx512 load(const Fp16* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Avx512 load(const Bf16* p) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
  }
  static Avx512 load(const std::int32_t* p) { return {_mm512_cvtepi32_ps(_mm512_loadu_si512(p))}; }
  static Avx512 load(const std::int16_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))))};
  }
  static Avx512 load(const std::int8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }
  static Avx512 load_partial(const float* p, std::size_t count) {
    return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), p)};
  }
  template <class T>
  static Avx512 load_partial(const T* p, std::size_t count) {
    T copy[kLanes] = {};
    for (std::size_t l = 0; l < count; ++l) copy[l] = p[l];
    return load(copy);
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }

  static Avx512 fma(Avx512 a, Avx512 b, Avx512 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Avx512 add(Avx512 a, Avx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Avx512 sub(Avx512 a, Avx512 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Avx512 mul(Avx512 a, Avx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Avx512 div(Avx512 a, Avx512 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Avx512 max(Avx512 a, Avx512 b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Avx512 min(Avx512 a, Avx512 b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Avx512 keep_nan(Avx512 x, Avx512 otherwise) {
    return {_mm512_mask_mov_ps(otherwise.v, _mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q), x.v)};
  }
  static Avx512 zero_if_less(Avx512 x, Avx512 bound, Avx512 otherwise) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, bound.v, _CMP_NLT_UQ), otherwise.v)};
  }
  /// p * 2^n, n in the low bits of `shifted`.
  static Avx512 scale_by_power(Avx512 p, Avx512 shifted) {
    return {_mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_castps_si512(p.v), _mm512_slli_epi32(_mm512_castps_si512(shifted.v), 23)))};
  }

  float fold() const {
    const __m512 fold8 = _mm512_add_ps(v, _mm512_shuffle_f32x4(v, v, 0x4E));
    const __m512 fold4 = _mm512_add_ps(fold8, _mm512_shuffle_f32x4(fold8, fold8, 0xB1));
    const __m512 fold2 = _mm512_add_ps(fold4, _mm512_permute_ps(fold4, 0x4E));
    return _mm512_cvtss_f32(_mm512_add_ps(fold2, _mm512_permute_ps(fold2, 0xB1)));
  }
  static void fold4(Avx512 a, Avx512 b, Avx512 c, Avx512 d, float* out) {
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a.v, b.v, 0x44), _mm512_shuffle_f32x4(a.v, b.v, 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c.v, d.v, 0x44), _mm512_shuffle_f32x4(c.v, d.v, 0xEE));
    const __m512 fold4 = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
    const __m512 fold2 = _mm512_add_ps(fold4, _mm512_permute_ps(fold4, 0x4E));
    const __m512 all = _mm512_add_ps(fold2, _mm512_permute_ps(fold2, 0xB1));
    const __m512i pick = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(pick, all)));
  }
  float highest() const {
    const __m512 fold8 = _mm512_max_ps(v, _mm512_shuffle_f32x4(v, v, 0x4E));
    const __m512 fold4 = _mm512_max_ps(fold8, _mm512_shuffle_f32x4(fold8, fold8, 0xB1));
    const __m512 fold2 = _mm512_max_ps(fold4, _mm512_permute_ps(fold4, 0x4E));
    return _mm512_cvtss_f32(_mm512_max_ps(fold2, _mm512_permute_ps(fold2, 0xB1)));
  }
};

}  // namespace

constinit const Kernels kAvx512Kernels = make_kernels<Avx512>("avx512");

}  // namespace xw::transformer::detail
