// The inner loops, written once over a vector of 16 lanes; each instruction set includes this file in its own
// translation unit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Only raw pointers and no standard containers here: translation units that include this file are compiled for newer
// processors, and an inline library function emitted by them must not replace the one that the rest of the program
// uses.

#include <cstddef>

#include "host/transformer/kernels.hpp"

namespace xw::transformer::detail {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kWeightBlockBytes = 128 * 1024;  // weights that stay in the second-level cache
constexpr std::size_t kPanelFloats = 32 * 1024;        // weights of a panel, widened to fp32
constexpr std::size_t kWorthAPanel = 8;                // vectors from which on widening once is faster
constexpr std::size_t kTermsAhead = 32;                // that a prefetch is ahead of their use
constexpr int kToSecondLevel = 2;                      // prefetches: rows of a tile ahead do not fit in the first level

/// R weight rows times C vectors, all sums in registers.
template <class V, int R, int C, class T>
inline void dot_tile(const T* w, std::size_t w_stride, const float* x, std::size_t x_stride, std::size_t k, float* y,
                     std::size_t y_stride) {
  V sums[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sums[r][c] = V::zero();
  }
  std::size_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    V weights[R];
    for (int r = 0; r < R; ++r) {
      const T* source = w + static_cast<std::size_t>(r) * w_stride + i;
      if constexpr (C == 1) __builtin_prefetch(source + R * w_stride, 0, kToSecondLevel);
      weights[r] = V::load(source);
    }
    for (int c = 0; c < C; ++c) {
      const V input = V::load(x + static_cast<std::size_t>(c) * x_stride + i);
      for (int r = 0; r < R; ++r) sums[r][c] = V::fma(weights[r], input, sums[r][c]);
    }
  }
  if (i < k) {
    const std::size_t rest = k - i;
    V weights[R];
    for (int r = 0; r < R; ++r) weights[r] = V::load_partial(w + static_cast<std::size_t>(r) * w_stride + i, rest);
    for (int c = 0; c < C; ++c) {
      const V input = V::load_partial(x + static_cast<std::size_t>(c) * x_stride + i, rest);
      for (int r = 0; r < R; ++r) sums[r][c] = V::fma(weights[r], input, sums[r][c]);
    }
  }
  for (int c = 0; c < C; ++c) {
    float* out = y + static_cast<std::size_t>(c) * y_stride;
    int r = 0;
    for (; r + 4 <= R; r += 4) V::fold4(sums[r][c], sums[r + 1][c], sums[r + 2][c], sums[r + 3][c], out + r);
    for (; r < R; ++r) out[r] = sums[r][c].fold();
  }
}

/// Rows [0, rows) times exactly C vectors.
template <class V, int R, int C, class T>
inline void dot_rows(const T* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                     std::size_t k, float* y, std::size_t y_stride) {
  std::size_t r = 0;
  for (; r + R <= rows; r += R) dot_tile<V, R, C>(w + r * w_stride, w_stride, x, x_stride, k, y + r, y_stride);
  for (; r < rows; ++r) dot_tile<V, 1, C>(w + r * w_stride, w_stride, x, x_stride, k, y + r, y_stride);
}

/// `count` vectors, at most C.
template <class V, int R, int C>
inline void dot_rest(const float* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                     std::size_t count, std::size_t k, float* y, std::size_t y_stride) {
  if (count == C) {
    dot_rows<V, R, C>(w, w_stride, rows, x, x_stride, k, y, y_stride);
  } else if constexpr (C > 1) {
    dot_rest<V, R, C - 1>(w, w_stride, rows, x, x_stride, count, k, y, y_stride);
  }
}

/// Many vectors: 16-bit weights are widened to fp32 once for all of them, a panel of rows at a time.
template <class V, class T>
void matmul_panels(const T* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride,
                   std::size_t n, std::size_t k, float* y, std::size_t y_stride) {
  constexpr int kRows = V::kTileRows;
  constexpr std::size_t kVectors = V::kPanelVectors;
  alignas(64) float panel[kPanelFloats];
  const std::size_t stride = (k + kLanes - 1) / kLanes * kLanes;
  const std::size_t most = kPanelFloats / stride / kRows * kRows;
  for (std::size_t begin = 0; begin < rows; begin += most) {
    const std::size_t count = rows - begin < most ? rows - begin : most;
    for (std::size_t r = 0; r < count; ++r) {
      const T* from = w + (begin + r) * w_stride;
      float* to = panel + r * stride;
      std::size_t i = 0;
      for (; i + kLanes <= k; i += kLanes) V::load(from + i).store(to + i);
      if (i < k) V::load_partial(from + i, k - i).store(to + i);
    }
    for (std::size_t v = 0; v < n; v += kVectors) {
      const std::size_t vectors = n - v < kVectors ? n - v : kVectors;
      dot_rest<V, kRows, V::kPanelVectors>(panel, stride, count, x + v * x_stride, x_stride, vectors, k,
                                           y + v * y_stride + begin, y_stride);
    }
  }
}

template <class V, class T>
void matmul(const T* w, std::size_t w_stride, std::size_t rows, const float* x, std::size_t x_stride, std::size_t n,
            std::size_t k, float* y, std::size_t y_stride) {
  constexpr int kRows = V::kTileRows;
  constexpr int kVectors = V::kTileVectors;
  if constexpr (sizeof(T) < sizeof(float)) {
    if (n >= kWorthAPanel && k > 0 && k <= kPanelFloats / kRows / kLanes * kLanes) {
      matmul_panels<V>(w, w_stride, rows, x, x_stride, n, k, y, y_stride);
      return;
    }
  }
  std::size_t block = kWeightBlockBytes / (sizeof(T) * (k == 0 ? 1 : k));
  block = block < 16 ? 16 : block / 16 * 16;
  for (std::size_t begin = 0; begin < rows; begin += block) {
    const std::size_t count = rows - begin < block ? rows - begin : block;
    const T* weights = w + begin * w_stride;
    std::size_t v = 0;
    for (; v + kVectors <= n; v += kVectors) {
      dot_rows<V, kRows, kVectors>(weights, w_stride, count, x + v * x_stride, x_stride, k, y + v * y_stride + begin,
                                   y_stride);
    }
    for (; v < n; ++v) {
      dot_rows<V, V::kSingleRows, 1>(weights, w_stride, count, x + v * x_stride, x_stride, k, y + v * y_stride + begin,
                                     y_stride);
    }
  }
}

template <class V, int R, int G, class T>
inline void outer_tile(const float* a, std::size_t a_stride, const T* b, std::size_t b_term, std::size_t b_group,
                       std::size_t terms, float* c, std::size_t c_stride) {
  V sums[R][G];
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < G; ++g) sums[r][g] = V::zero();
  }
  // Few rows wait for the memory of b: the groups of the next tile, or terms that are next where groups lie side by side.
  const std::size_t ahead = G * b_group > kTermsAhead * b_term ? G * b_group : kTermsAhead * b_term;
  for (std::size_t t = 0; t < terms; ++t) {
    V right[G];
    for (int g = 0; g < G; ++g) {
      const T* source = b + t * b_term + static_cast<std::size_t>(g) * b_group;
      if constexpr (R <= 3) __builtin_prefetch(source + ahead, 0, kToSecondLevel);
      right[g] = V::load(source);
    }
    for (int r = 0; r < R; ++r) {
      const V left = V::broadcast(a[static_cast<std::size_t>(r) * a_stride + t]);
      for (int g = 0; g < G; ++g) sums[r][g] = V::fma(left, right[g], sums[r][g]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < G; ++g) {
      sums[r][g].store(c + static_cast<std::size_t>(r) * c_stride + static_cast<std::size_t>(g) * kLanes);
    }
  }
}

template <class V, int R, class T>
inline void outer_rows(const float* a, std::size_t a_stride, const T* b, std::size_t b_term, std::size_t b_group,
                       std::size_t terms, std::size_t groups, float* c, std::size_t c_stride) {
  std::size_t g = 0;
  for (; g + V::kOuterGroups <= groups; g += V::kOuterGroups) {
    outer_tile<V, R, V::kOuterGroups>(a, a_stride, b + g * b_group, b_term, b_group, terms, c + g * kLanes, c_stride);
  }
  for (; g < groups; ++g)
    outer_tile<V, R, 1>(a, a_stride, b + g * b_group, b_term, b_group, terms, c + g * kLanes, c_stride);
}

template <class V, class T>
void outer(const float* a, std::size_t a_stride, std::size_t rows, const T* b, std::size_t b_term, std::size_t b_group,
           std::size_t terms, std::size_t groups, float* c, std::size_t c_stride) {
  constexpr std::size_t kRows = V::kOuterRows;
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows) {
    outer_rows<V, kRows>(a + r * a_stride, a_stride, b, b_term, b_group, terms, groups, c + r * c_stride, c_stride);
  }
  for (; r + 3 <= rows; r += 3) {
    outer_rows<V, 3>(a + r * a_stride, a_stride, b, b_term, b_group, terms, groups, c + r * c_stride, c_stride);
  }
  for (; r < rows; ++r) {
    outer_rows<V, 1>(a + r * a_stride, a_stride, b, b_term, b_group, terms, groups, c + r * c_stride, c_stride);
  }
}

template <class V>
void int8_finish(const Int8Finish& finish, const std::int32_t* sums, std::size_t n, float* y) {
  const V unit = V::broadcast(finish.unit);
  V values[kInt8Outliers];
  const std::int8_t* weights[kInt8Outliers];
  for (std::size_t t = 0; t < kInt8Outliers; ++t) {
    values[t] = V::broadcast(finish.values[t]);
    weights[t] = finish.weights + finish.outliers[t] * kInt8Lanes;
  }
  const auto one = [&](std::size_t c, V sum, V scales) {
    const std::size_t place = c / kInt8Lanes * finish.group_stride + c % kInt8Lanes;
    V result = V::mul(sum, unit);
    for (std::size_t t = 0; t < kInt8Outliers; ++t) result = V::fma(V::load(weights[t] + place), values[t], result);
    return V::mul(result, scales);
  };
  std::size_t c = 0;
  for (; c + kLanes <= n; c += kLanes) one(c, V::load(sums + c), V::load(finish.row_scales + c)).store(y + c);
  if (c == n) return;
  float rest[kLanes];
  one(c, V::load_partial(sums + c, n - c), V::load_partial(finish.row_scales + c, n - c)).store(rest);
  for (std::size_t l = 0; l < n - c; ++l) y[c + l] = rest[l];
}

/// exp(x), relative error below 2e-7; 0 below -87.3 (no subnormal results), 2.4e38 above 88.3; NaN stays NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts (Cody and Waite), exp(r) by its Taylor polynomial of degree 7
/// (remainder below 6e-9), 2^n through the exponent bits.
template <class V>
inline V exp_lanes(V x) {
  constexpr float kLowest = -87.3F;
  constexpr float kHighest = 88.3F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer, which stands in the low bits
  const V clamped = V::min(V::max(x, V::broadcast(kLowest)), V::broadcast(kHighest));
  const V shifted = V::fma(clamped, V::broadcast(1.44269504088896341F), V::broadcast(kRound));
  const V n = V::sub(shifted, V::broadcast(kRound));
  V r = V::fma(n, V::broadcast(-0.693359375F), clamped);
  r = V::fma(n, V::broadcast(2.12194440e-4F), r);
  V p = V::broadcast(1.0F / 5040.0F);
  p = V::fma(p, r, V::broadcast(1.0F / 720.0F));
  p = V::fma(p, r, V::broadcast(1.0F / 120.0F));
  p = V::fma(p, r, V::broadcast(1.0F / 24.0F));
  p = V::fma(p, r, V::broadcast(1.0F / 6.0F));
  p = V::fma(p, r, V::broadcast(0.5F));
  p = V::fma(p, r, V::broadcast(1.0F));
  p = V::fma(p, r, V::broadcast(1.0F));
  return V::keep_nan(x, V::zero_if_less(x, V::broadcast(kLowest), V::scale_by_power(p, shifted)));
}

template <class V>
float softmax(float* s, std::size_t begin, std::size_t end, std::size_t padded) {
  const std::size_t first = begin / kLanes * kLanes;
  const std::size_t last = (end + kLanes - 1) / kLanes * kLanes;
  for (std::size_t i = 0; i < begin; ++i) s[i] = 0.0F;
  for (std::size_t i = last; i < padded; ++i) s[i] = 0.0F;
  // The ends of the first and last group that do not count get a value that does not change the maximum.
  for (std::size_t i = first; i < begin; ++i) s[i] = s[begin];
  for (std::size_t i = end; i < last; ++i) s[i] = s[begin];
  V highest = V::load(s + first);
  for (std::size_t i = first + kLanes; i < last; i += kLanes) highest = V::max(highest, V::load(s + i));
  const V shift = V::broadcast(highest.highest());
  for (std::size_t i = first; i < last; i += kLanes) exp_lanes(V::sub(V::load(s + i), shift)).store(s + i);
  for (std::size_t i = first; i < begin; ++i) s[i] = 0.0F;
  for (std::size_t i = end; i < last; ++i) s[i] = 0.0F;
  V sum = V::zero();
  for (std::size_t i = first; i < last; i += kLanes) sum = V::add(sum, V::load(s + i));
  return sum.fold();
}

template <class V>
double sum_exp(const float* x, std::size_t n, float shift) {
  constexpr std::size_t kBlock = 1024;
  const V offset = V::broadcast(shift);
  double total = 0;
  std::size_t i = 0;
  while (i + kLanes <= n) {
    const std::size_t stop = i + kBlock < n ? i + kBlock : n;
    V sum = V::zero();
    for (; i + kLanes <= stop; i += kLanes) sum = V::add(sum, exp_lanes(V::sub(V::load(x + i), offset)));
    total += static_cast<double>(sum.fold());
  }
  if (i < n) {
    float rest[kLanes];
    exp_lanes(V::sub(V::load_partial(x + i, n - i), offset)).store(rest);
    for (std::size_t l = 0; l < n - i; ++l) total += static_cast<double>(rest[l]);
  }
  return total;
}

template <class V>
void rms_norm(const float* x, const float* weight, std::size_t n, float eps, float* y) {
  float squares = 0;
  dot_tile<V, 1, 1>(x, n, x, n, n, &squares, 1);
  const float factor = 1.0F / __builtin_sqrtf(squares / static_cast<float>(n) + eps);
  const V scale = V::broadcast(factor);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) V::mul(V::mul(V::load(x + i), scale), V::load(weight + i)).store(y + i);
  for (; i < n; ++i) y[i] = x[i] * factor * weight[i];
}

template <class V>
inline V swiglu_lanes(V gate, V up) {
  const V denominator = V::add(V::broadcast(1.0F), exp_lanes(V::sub(V::zero(), gate)));
  return V::mul(V::div(gate, denominator), up);
}

template <class V>
inline V geglu_lanes(V gate, V up) {
  constexpr float kMinusTwoRoots = -1.59576912160573071F;  // -2 sqrt(2 / pi)
  constexpr float kCubic = 0.044715F;
  const V slope = V::fma(V::mul(gate, gate), V::broadcast(kMinusTwoRoots * kCubic), V::broadcast(kMinusTwoRoots));
  const V denominator = V::add(V::broadcast(1.0F), exp_lanes(V::mul(gate, slope)));
  return V::mul(V::div(gate, denominator), up);
}

template <class V, V (*kLaneFunction)(V, V)>
void gated(const float* gate, const float* up, std::size_t n, float* y) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) kLaneFunction(V::load(gate + i), V::load(up + i)).store(y + i);
  if (i < n) {
    float rest[kLanes];
    kLaneFunction(V::load_partial(gate + i, n - i), V::load_partial(up + i, n - i)).store(rest);
    for (std::size_t l = 0; l < n - i; ++l) y[i + l] = rest[l];
  }
}

template <class V>
constexpr Kernels make_kernels(const char* name) {
  return Kernels{name,
                 matmul<V, float>,
                 matmul<V, Fp16>,
                 matmul<V, Bf16>,
                 outer<V, float>,
                 outer<V, Fp16>,
                 outer<V, std::int16_t>,
                 outer<V, std::int8_t>,
                 int8_finish<V>,
                 softmax<V>,
                 sum_exp<V>,
                 rms_norm<V>,
                 gated<V, swiglu_lanes<V>>,
                 gated<V, geglu_lanes<V>>};
}

}  // namespace
}  // namespace xw::transformer::detail
