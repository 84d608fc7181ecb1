// Inner loops for AVX2, FMA and F16C: the 16 lanes are two registers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "host/transformer/kernels_impl.hpp"
#include "host/transformer/kernels_isa.hpp"

namespace xw::transformer::detail {
namespace {

struct Avx2 {
  static constexpr int kTileRows = 2, kTileVectors = 3, kSingleRows = 4;
  static constexpr int kPanelVectors = 3;
  static constexpr int kOuterRows = 4, kOuterGroups = 1;
  __m256 lo, hi;

  static Avx2 both(__m256 value) { return {value, value}; }
  static Avx2 zero() { return both(_mm256_setzero_ps()); }
  static Avx2 broadcast(float value) { return both(_mm256_set1_ps(value)); }
  static Avx2 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Avx2 load(const Fp16* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static __m256 widen(const Bf16* p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static Avx2 load(const Bf16* p) { return {widen(p), widen(p + 8)}; }
  static Avx2 load(const std::int32_t* p) {
    const __m256i* halves = reinterpret_cast<const __m256i*>(p);
    return {_mm256_cvtepi32_ps(_mm256_loadu_si256(halves)), _mm256_cvtepi32_ps(_mm256_loadu_si256(halves + 1))};
  }
  static Avx2 load(const std::int16_t* p) {
    const __m128i* halves = reinterpret_cast<const __m128i*>(p);
    return {_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(halves))),
            _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(halves + 1)))};
  }
  static Avx2 load(const std::int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
  }
  template <class T>
  static Avx2 load_partial(const T* p, std::size_t count) {
    T copy[kLanes] = {};
    for (std::size_t l = 0; l < count; ++l) copy[l] = p[l];
    return load(copy);
  }
  void store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }

  static Avx2 fma(Avx2 a, Avx2 b, Avx2 c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static Avx2 add(Avx2 a, Avx2 b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  static Avx2 sub(Avx2 a, Avx2 b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
  static Avx2 mul(Avx2 a, Avx2 b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  static Avx2 div(Avx2 a, Avx2 b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
  static Avx2 max(Avx2 a, Avx2 b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
  static Avx2 min(Avx2 a, Avx2 b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
  static Avx2 keep_nan(Avx2 x, Avx2 otherwise) {
    return {_mm256_blendv_ps(otherwise.lo, x.lo, _mm256_cmp_ps(x.lo, x.lo, _CMP_UNORD_Q)),
            _mm256_blendv_ps(otherwise.hi, x.hi, _mm256_cmp_ps(x.hi, x.hi, _CMP_UNORD_Q))};
  }
  static Avx2 zero_if_less(Avx2 x, Avx2 bound, Avx2 otherwise) {
    return {_mm256_andnot_ps(_mm256_cmp_ps(x.lo, bound.lo, _CMP_LT_OQ), otherwise.lo),
            _mm256_andnot_ps(_mm256_cmp_ps(x.hi, bound.hi, _CMP_LT_OQ), otherwise.hi)};
  }
  static __m256 add_exponent(__m256 p, __m256 shifted) {
    return _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(shifted), 23)));
  }
  /// p * 2^n, n in the low bits of `shifted`.
  static Avx2 scale_by_power(Avx2 p, Avx2 shifted) {
    return {add_exponent(p.lo, shifted.lo), add_exponent(p.hi, shifted.hi)};
  }

  /// Lanes l + (l + 8), then l + (l + 4).
  __m128 folded_to_four() const {
    const __m256 fold8 = _mm256_add_ps(lo, hi);
    return _mm_add_ps(_mm256_castps256_ps128(fold8), _mm256_extractf128_ps(fold8, 1));
  }
  float fold() const {
    const __m128 four = folded_to_four();
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
  static void fold4(Avx2 a, Avx2 b, Avx2 c, Avx2 d, float* out) {
    const __m128 a4 = a.folded_to_four(), b4 = b.folded_to_four(), c4 = c.folded_to_four(), d4 = d.folded_to_four();
    const __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a4, b4), _mm_unpackhi_ps(a4, b4));  // a02 b02 a13 b13
    const __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c4, d4), _mm_unpackhi_ps(c4, d4));
    _mm_storeu_ps(out, _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab)));
  }
  float highest() const {
    const __m256 fold8 = _mm256_max_ps(lo, hi);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(fold8), _mm256_extractf128_ps(fold8, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
};

}  // namespace

constinit const Kernels kAvx2Kernels = make_kernels<Avx2>("avx2");

}  // namespace xw::transformer::detail
