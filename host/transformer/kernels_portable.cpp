// Inner loops in plain C++: the reference for all others, and what other processors run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>

#include "arch/support/half.hpp"
#include "host/transformer/kernels_impl.hpp"
#include "host/transformer/kernels_isa.hpp"

namespace xw::transformer::detail {
namespace {

struct Portable {
  static constexpr int kTileRows = 2, kTileVectors = 2, kSingleRows = 2;
  static constexpr int kPanelVectors = 2;
  static constexpr int kOuterRows = 2, kOuterGroups = 2;
  float v[kLanes];

  static float widen(float value) { return value; }
  static float widen(Fp16 value) { return half_to_float(value.bits); }
  static float widen(Bf16 value) { return bfloat16_to_float(value.bits); }
  static float widen(std::int32_t value) { return static_cast<float>(value); }
  static float widen(std::int16_t value) { return static_cast<float>(value); }
  static float widen(std::int8_t value) { return static_cast<float>(value); }

  template <class F>
  static Portable each(F f) {
    Portable result;
    for (std::size_t l = 0; l < kLanes; ++l) result.v[l] = f(l);
    return result;
  }
  static Portable broadcast(float value) {
    return each([&](std::size_t) { return value; });
  }
  static Portable zero() { return broadcast(0.0F); }
  template <class T>
  static Portable load(const T* p) {
    return each([&](std::size_t l) { return widen(p[l]); });
  }
  template <class T>
  static Portable load_partial(const T* p, std::size_t count) {
    return each([&](std::size_t l) { return l < count ? widen(p[l]) : 0.0F; });
  }
  void store(float* p) const {
    for (std::size_t l = 0; l < kLanes; ++l) p[l] = v[l];
  }

  static Portable fma(const Portable& a, const Portable& b, const Portable& c) {
    return each([&](std::size_t l) { return std::fma(a.v[l], b.v[l], c.v[l]); });
  }
  static Portable add(const Portable& a, const Portable& b) {
    return each([&](std::size_t l) { return a.v[l] + b.v[l]; });
  }
  static Portable sub(const Portable& a, const Portable& b) {
    return each([&](std::size_t l) { return a.v[l] - b.v[l]; });
  }
  static Portable mul(const Portable& a, const Portable& b) {
    return each([&](std::size_t l) { return a.v[l] * b.v[l]; });
  }
  static Portable div(const Portable& a, const Portable& b) {
    return each([&](std::size_t l) { return a.v[l] / b.v[l]; });
  }
  // As x86: the second operand if one of them is NaN.
  static Portable max(const Portable& a, const Portable& b) {
    return each([&](std::size_t l) { return a.v[l] > b.v[l] ? a.v[l] : b.v[l]; });
  }
  static Portable min(const Portable& a, const Portable& b) {
    return each([&](std::size_t l) { return a.v[l] < b.v[l] ? a.v[l] : b.v[l]; });
  }
  static Portable keep_nan(const Portable& x, const Portable& otherwise) {
    return each([&](std::size_t l) { return std::isnan(x.v[l]) ? x.v[l] : otherwise.v[l]; });
  }
  static Portable zero_if_less(const Portable& x, const Portable& bound, const Portable& otherwise) {
    return each([&](std::size_t l) { return x.v[l] < bound.v[l] ? 0.0F : otherwise.v[l]; });
  }
  /// p * 2^n, n in the low bits of `shifted`.
  static Portable scale_by_power(const Portable& p, const Portable& shifted) {
    return each([&](std::size_t l) {
      return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p.v[l]) +
                                  (std::bit_cast<std::uint32_t>(shifted.v[l]) << 23));
    });
  }

  float fold() const {
    float sums[kLanes];
    store(sums);
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
      for (std::size_t l = 0; l < half; ++l) sums[l] += sums[l + half];
    }
    return sums[0];
  }
  static void fold4(const Portable& a, const Portable& b, const Portable& c, const Portable& d, float* out) {
    out[0] = a.fold();
    out[1] = b.fold();
    out[2] = c.fold();
    out[3] = d.fold();
  }
  float highest() const {
    float best[kLanes];
    store(best);
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
      for (std::size_t l = 0; l < half; ++l) best[l] = best[l] > best[l + half] ? best[l] : best[l + half];
    }
    return best[0];
  }
};

}  // namespace

constinit const Kernels kPortableKernels = make_kernels<Portable>("portable");

}  // namespace xw::transformer::detail
