// Private: the loops, compiled once for every instruction set in a namespace of its own (XW_KERNELS).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "models/finetune/cpu_kernels.hpp"
#include "models/finetune/cpu_numbers_impl.hpp"

namespace xw::finetune::cpu::XW_KERNELS {
namespace {

inline constexpr std::int64_t kChunk = 32;          // rows whose sums are added together
inline constexpr std::int64_t kParallel = 1 << 15;  // elements from which on threads pay

template <typename T>
void convert_inputs(const T* x, const Columns& place, float inverse, float largest, T* scaled, T* codes) {
#pragma omp parallel for if (place.rows * (place.end - place.begin) > kParallel)
  for (std::int64_t row = 0; row < place.rows; ++row) {
    const std::int64_t offset = row * place.stride;
    for (std::int64_t i = offset + place.begin; i < offset + place.end; ++i) {
      const float value = load(x + i) * inverse;
      store(scaled + i, value);
      store(codes + i, __builtin_rintf(std::min(std::max(value, -largest), largest)));
    }
  }
}

template <typename T>
void convert_outputs(const T* products, std::int64_t rows, std::int64_t out, const float* factor, float largest,
                     bool is_first, std::uint8_t* passed, T* y) {
#pragma omp parallel for if (rows * out > kParallel)
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* product = products + row * out;
    std::uint8_t* pass = passed + row * out;
    T* target = y + row * out;
    if (is_first) {
      for (std::int64_t i = 0; i < out; ++i) {
        const float code = __builtin_rintf(load(product + i));
        pass[i] = std::fabs(code) <= largest ? 1 : 0;
        store(target + i, std::min(std::max(code, -largest), largest) * factor[i]);
      }
    } else {
      for (std::int64_t i = 0; i < out; ++i) {
        const float code = __builtin_rintf(load(product + i));
        pass[i] = std::fabs(code) <= largest ? 1 : 0;
        store(target + i, load(target + i) + std::min(std::max(code, -largest), largest) * factor[i]);
      }
    }
  }
}

template <typename T>
void mask(const T* dy, const std::uint8_t* passed, std::int64_t count, T* target) {
#pragma omp parallel for if (count > kParallel)
  for (std::int64_t begin = 0; begin < count; begin += 4096) {
    const std::int64_t end = std::min(begin + 4096, count);
    for (std::int64_t i = begin; i < end; ++i) store(target + i, passed[i] != 0 ? load(dy + i) : 0.0F);
  }
}

template <typename T>
Widening input_gradient(T* gradient, const T* scaled, const Columns& place, float largest, float tolerance) {
  const float wide = largest * (1 + tolerance), narrow = largest * (1 - tolerance);
  const std::int64_t chunks = (place.rows + kChunk - 1) / kChunk;
  std::vector<Widening> parts(static_cast<std::size_t>(chunks));
#pragma omp parallel for if (place.rows * (place.end - place.begin) > kParallel)
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    Widening& part = parts[static_cast<std::size_t>(chunk)];
    for (std::int64_t row = chunk * kChunk; row < std::min((chunk + 1) * kChunk, place.rows); ++row) {
      const std::int64_t offset = row * place.stride;
      float sum = 0;
      std::int32_t outside = 0;
      for (std::int64_t i = offset + place.begin; i < offset + place.end; ++i) {
        const float v = load(scaled + i), g = load(gradient + i);
        const float size = std::fabs(v);
        const float turned = v > 0 ? g : -g;
        sum += size >= narrow ? std::min(turned, 0.0F) : 0.0F;
        outside += size >= narrow ? 1 : 0;
        store(gradient + i, size > wide ? 0.0F : g);
      }
      part.sum += static_cast<double>(sum);
      part.outside += outside;
    }
  }
  Widening all;
  for (const Widening& part : parts) {
    all.sum += part.sum;
    all.outside += part.outside;
  }
  return all;
}

template <typename T>
float prepare_row(const WeightRow& row, T* target) {
  float largest = 0;
  for (std::int64_t i = 0; i < row.count; ++i) largest = std::max(largest, std::fabs(row.weight[i]));
  const float inverse = largest > 0 ? 1 / largest : 0;
  const float unit = row.scale > 0 ? row.scale : largest;
  const auto normal = [&](std::int64_t i) {
    const float value = row.weight[i] * inverse;
    return row.levels > 0 ? __builtin_rintf(value * row.levels) / row.levels : value;
  };
  if (row.deviates == nullptr) {
    for (std::int64_t i = 0; i < row.count; ++i) store(target + i, normal(i) * unit);
  } else if (row.table == nullptr) {
    for (std::int64_t i = 0; i < row.count; ++i) store(target + i, (normal(i) + row.sigma * row.deviates[i]) * unit);
  } else {
    const auto last = static_cast<float>(row.points - 1);
    for (std::int64_t i = 0; i < row.count; ++i) {
      const float value = normal(i);
      const float at = std::min(std::fabs(value) * last, last);
      const auto lower = std::min(static_cast<std::int32_t>(at), static_cast<std::int32_t>(row.points - 2));
      const float part = at - static_cast<float>(lower);
      const float sigma = row.table[lower] + part * (row.table[lower + 1] - row.table[lower]);
      store(target + i, (value + row.sigma * sigma * row.deviates[i]) * unit);
    }
  }
  return largest;
}

template <typename T>
constexpr Kernels<T> kKernels{convert_inputs<T>, convert_outputs<T>, mask<T>, input_gradient<T>, prepare_row<T>};

}  // namespace

// Included once for every namespace.
// NOLINTNEXTLINE(misc-definitions-in-headers)
const Kernels<float>& float_kernels() {
  return kKernels<float>;
}
// NOLINTNEXTLINE(misc-definitions-in-headers)
const Kernels<Bf16>& bf16_kernels() {
  return kKernels<Bf16>;
}

}  // namespace xw::finetune::cpu::XW_KERNELS
