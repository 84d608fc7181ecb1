// Private: the loops of programming that compilers vectorise, written once; each instruction set includes this file in its own
// translation unit, hence the anonymous namespace.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// No std:: templates may be instantiated here: the linker would keep one copy of them for all callers, and that copy could use
// instructions that this processor lacks.

#include "arch/generated/xw_arch.hpp"
#include "models/cells/cell_kernels.hpp"
#include "models/cells/deviate_terms.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/pcm_constants.hpp"

namespace xw::cells::detail {
namespace {

constexpr std::size_t kCubicSegments = 16;     // segments of one octave in the table of normal deviates
constexpr unsigned kCubicFractionBits = 27;    // of a place within a segment
constexpr std::size_t kCubicCoefficients = 4;  // c0 + c1 t + c2 t^2 + c3 t^3
constexpr std::size_t kCubicPlanes = std::size_t{32} * kCubicSegments * kCubicCoefficients;  // NormalTable::kPlanes
constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23: adding it rounds half to even to an integer

[[gnu::always_inline]] inline int clamped(int value, int lowest, int highest) {
  const int above = value > lowest ? value : lowest;
  return above < highest ? above : highest;
}

template <typename Target>
void normalize(const Target* __restrict targets, std::size_t count, int target_max, float* __restrict weights) {
  const auto full_scale = static_cast<float>(target_max);
  for (std::size_t i = 0; i < count; ++i) {
    weights[i] = static_cast<float>(clamped(targets[i], -target_max, target_max)) / full_scale;
  }
}

void add_scaled(const float* __restrict deviates, std::size_t count, float gamma, float* __restrict weights) {
  for (std::size_t i = 0; i < count; ++i) weights[i] += gamma * deviates[i];
}

template <typename Target>
void add_spread(const Target* __restrict targets, std::size_t count, int target_max, const float* __restrict sigmas,
                const float* __restrict deviates, float* __restrict weights) {
  std::int32_t magnitudes[kChunk];  // in a loop of their own, so that both loops vectorise
  for (std::size_t i = 0; i < count; ++i) {
    const int magnitude = targets[i] < 0 ? -targets[i] : targets[i];
    magnitudes[i] = magnitude < target_max ? magnitude : target_max;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const float sigma = sigmas[magnitudes[i]];
    const float spread = weights[i] + sigma * deviates[i];
    weights[i] = sigma > 0.0F ? spread : 0.0F;
  }
}

[[gnu::always_inline]] inline std::int8_t cell_code(float weight, float g_unit) {
  constexpr auto kCellMax = static_cast<float>(arch::kCellMax);
  const float code = weight * g_unit;
  const float above = code > -kCellMax ? code : -kCellMax;
  const float within = above < kCellMax ? above : kCellMax;
  return static_cast<std::int8_t>(static_cast<std::int32_t>((within + kRoundToInteger) - kRoundToInteger));
}

void store_cells(const float* __restrict weights, std::size_t count, float g_unit, std::int8_t* __restrict cells) {
  for (std::size_t i = 0; i < count; ++i) cells[i] = cell_code(weights[i], g_unit);
}

template <typename Target>
void magnitudes(const Target* __restrict targets, std::size_t count, int target_max,
                std::int32_t* __restrict magnitudes, std::int32_t* __restrict negative) {
  for (std::size_t i = 0; i < count; ++i) {
    const int magnitude = targets[i] < 0 ? -targets[i] : targets[i];
    magnitudes[i] = magnitude < target_max ? magnitude : target_max;
    negative[i] = targets[i] < 0 ? -1 : 0;
  }
}

/// 2^-|exponent|, at least 2^-120; relative error below 4e-6: a cell has 8 bits.
[[gnu::always_inline]] inline float decay(float exponent) {
  const float magnitude = __builtin_fabsf(exponent);
  const float x = magnitude < 120.0F ? magnitude : 120.0F;
  const float shifted = kRoundToInteger - x;  // its low bits are the whole part of -x; what else it has is shifted out
  const float f = x + (shifted - kRoundToInteger);
  const float power = (((0.0096663685F * f - 0.0559219758F) * f + 0.2402234904F) * f - 0.6931210452F) * f + 1.0F;
  return __builtin_bit_cast(
      float, __builtin_bit_cast(std::uint32_t, power) + (__builtin_bit_cast(std::uint32_t, shifted) << 23U));
}

[[gnu::always_inline]] inline float read(float conductance, float coefficient, float scale, float noise) {
  const float noisy = conductance + conductance * (coefficient * scale) * noise;
  return noisy > 0.0F ? noisy : 0.0F;
}

[[gnu::always_inline]] inline float exponent_of(std::uint32_t steps, float step, float noise) {
  const auto mean = static_cast<float>(static_cast<std::int32_t>(steps >> 16U));
  const auto deviation = static_cast<float>(static_cast<std::int32_t>(steps & 0xFFFFU));
  return (mean + deviation * noise) * step;
}

template <bool kDrift, bool kRead>
void store_pairs(const std::int32_t* __restrict negative, const float* __restrict conductance,
                 const float* __restrict idle, const std::uint32_t* __restrict exponents,
                 const float* __restrict coefficients, const float* __restrict idle_coefficients,
                 const float* __restrict drift_noise, const float* __restrict idle_drift_noise,
                 const float* __restrict read_noise, const float* __restrict idle_read_noise, Aging aging,
                 std::size_t count, float g_unit, std::int8_t* __restrict cells) {
  for (std::size_t i = 0; i < count; ++i) {
    float loaded = conductance[i];
    float other = idle[i];
    if constexpr (kDrift) {
      loaded *= decay(exponent_of(exponents[i], aging.drift.step, drift_noise[i]));
      other *= decay(aging.drift.idle_mean + aging.drift.idle_deviation * idle_drift_noise[i]);
    }
    if constexpr (kRead) {
      loaded = read(loaded, coefficients[i], aging.read_scale, read_noise[i]);
      other = read(other, idle_coefficients[i], aging.read_scale, idle_read_noise[i]);
    }
    const float difference = loaded - other;
    cells[i] = cell_code(negative[i] < 0 ? -difference : difference, g_unit);
  }
}

/// CellKernels::store_pairs.
template <bool kDrift, bool kRead>
void store_pairs(const Pairs& pairs, const Aging& aging, std::size_t count, float g_unit, std::int8_t* cells) {
  store_pairs<kDrift, kRead>(pairs.negative, pairs.conductance, pairs.idle, pairs.exponents, pairs.coefficients,
                             pairs.idle_coefficients, pairs.drift_noise, pairs.idle_drift_noise, pairs.read_noise,
                             pairs.idle_read_noise, aging, count, g_unit, cells);
}

void age_weights(const float* __restrict means, const float* __restrict deviations,
                 const float* __restrict coefficients, float read_scale, std::size_t count,
                 const float* __restrict drift_noise, const float* __restrict read_noise, float* __restrict weights) {
  for (std::size_t i = 0; i < count; ++i) {
    const float drifted = __builtin_fabsf(weights[i]) * decay(means[i] + deviations[i] * drift_noise[i]);
    const float conductance = read(drifted, coefficients[i], read_scale, read_noise[i]);
    weights[i] = weights[i] < 0.0F ? -conductance : conductance;
  }
}

constexpr auto kCmoLowest = static_cast<float>(pcm::ReramCmo::kGMin);
constexpr auto kCmoHighest = static_cast<float>(pcm::ReramCmo::kGMax);
constexpr float kCmoHalf = (kCmoHighest - kCmoLowest) / 2;

void program_cmo(const float* __restrict noise, float offset, float slope, std::size_t count,
                 float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = kCmoLowest + (values[i] + 1.0F) * kCmoHalf;
    values[i] = g + (offset + slope * g) * noise[i];
  }
}

void age_cmo(const float* __restrict noise, const float* __restrict read_noise, float shift, float relaxation,
             float scale, std::size_t count, float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = (values[i] + shift) + relaxation * noise[i];
    const float bounded = g > 0.01F ? g : 0.01F;  // relaxation may leave nothing
    const float read = g + scale * fast_log2(bounded) * read_noise[i];
    const float above = read > kCmoLowest ? read : kCmoLowest;
    values[i] = above < kCmoHighest ? above : kCmoHighest;
  }
}

void cmo_weights(std::size_t count, float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = (values[i] - kCmoLowest) / kCmoHalf - 1.0F;
}

/// Loops with a form of their own per instruction set.
struct OwnKernels {
  decltype(CellKernels::deviates) deviates;
  decltype(CellKernels::deviate_pairs) deviate_pairs;
  decltype(CellKernels::deviate_singles) deviate_singles;
  decltype(CellKernels::program_pairs) program_pairs;
  decltype(CellKernels::read_coefficients) read_coefficients;
  decltype(CellKernels::drift_of_weights) drift_of_weights;
  decltype(CellKernels::curve_of_weights) curve_of_weights;
};

constexpr CellKernels make_cell_kernels(const char* name, const OwnKernels& own) {
  return CellKernels{
      name,
      normalize<std::int16_t>,
      normalize<std::int8_t>,
      own.deviates,
      own.deviate_pairs,
      own.deviate_singles,
      add_scaled,
      add_spread<std::int16_t>,
      add_spread<std::int8_t>,
      store_cells,
      magnitudes<std::int16_t>,
      magnitudes<std::int8_t>,
      own.program_pairs,
      own.read_coefficients,
      {{store_pairs<false, false>, store_pairs<false, true>}, {store_pairs<true, false>, store_pairs<true, true>}},
      own.drift_of_weights,
      own.curve_of_weights,
      age_weights,
      program_cmo,
      age_cmo,
      cmo_weights};
}

}  // namespace
}  // namespace xw::cells::detail
