// Private: the loops of programming that compilers vectorise, written once; each instruction set includes this file in its own
// translation unit, hence the anonymous namespace.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// No std:: templates may be instantiated here: the linker would keep one copy of them for all callers, and that copy could use
// instructions that this processor lacks.

#include "arch/generated/xw_arch.hpp"
#include "models/cells/cell_kernels.hpp"
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

void store_cells(const float* __restrict weights, std::size_t count, float g_unit, std::int8_t* __restrict cells) {
  constexpr auto kCellMax = static_cast<float>(arch::kCellMax);
  for (std::size_t i = 0; i < count; ++i) {
    const float code = weights[i] * g_unit;
    const float above = code > -kCellMax ? code : -kCellMax;
    const float within = above < kCellMax ? above : kCellMax;
    cells[i] = static_cast<std::int8_t>(static_cast<std::int32_t>((within + kRoundToInteger) - kRoundToInteger));
  }
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

void exchange(const std::int32_t* __restrict negative, std::size_t count, float* __restrict a, float* __restrict b) {
  for (std::size_t i = 0; i < count; ++i) {
    const float first = a[i];
    const float second = b[i];
    a[i] = negative[i] < 0 ? second : first;
    b[i] = negative[i] < 0 ? first : second;
  }
}

void program_devices(const PcmDevices& devices, const float* __restrict noise, std::size_t count,
                     float* __restrict programmed) {
  for (std::size_t i = 0; i < count; ++i) {
    const float conductance = devices.target[i] + devices.sigma[i] * noise[i];
    programmed[i] = conductance > 0.0F ? conductance : 0.0F;
  }
}

void drift_devices(const PcmDevices& devices, const float* __restrict noise, float log2_age, std::size_t count,
                   float* __restrict conductance) {
  for (std::size_t i = 0; i < count; ++i) {
    const float nu = __builtin_fabsf(devices.nu_mean[i] + devices.nu_deviation[i] * noise[i]);
    conductance[i] *= fast_exp2(-nu * log2_age);
  }
}

/// q r^-0.65 of the read noise, at most 0.2.
[[gnu::always_inline]] inline float read_coefficient(float programmed) {
  // Below 0.00817 the result is 0.2; the bound keeps the logarithm off 0.
  const float r = programmed > 0.005F ? programmed : 0.005F;
  constexpr auto kRead = static_cast<float>(pcm::PcmLike::kRead);
  constexpr auto kPower = static_cast<float>(pcm::PcmLike::kReadPower);
  constexpr auto kMost = static_cast<float>(pcm::PcmLike::kReadMost);
  const float q = kRead * fast_exp2(-kPower * fast_log2(r));
  return q < kMost ? q : kMost;
}

void read_devices(const float* __restrict programmed, const float* __restrict noise, float scale, std::size_t count,
                  float* __restrict conductance) {
  for (std::size_t i = 0; i < count; ++i) {
    const float deviation = conductance[i] * (read_coefficient(programmed[i]) * scale);
    const float read = conductance[i] + deviation * noise[i];
    conductance[i] = read > 0.0F ? read : 0.0F;
  }
}

void read_tabulated(const float* __restrict programmed, const float* __restrict noise,
                    const float* __restrict coefficients, float scale, std::size_t count,
                    float* __restrict conductance) {
  constexpr auto kSteps = static_cast<float>(kReadSteps);
  constexpr auto kLast = static_cast<float>(kReadEntries - 1);
  std::int32_t places[kChunk];  // in a loop of their own, so that both loops vectorise
  for (std::size_t i = 0; i < count; ++i) {
    const float place = programmed[i] * kSteps;
    const float within = place < kLast ? place : kLast;
    places[i] = static_cast<std::int32_t>((within + kRoundToInteger) - kRoundToInteger);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const float deviation = conductance[i] * (coefficients[places[i]] * scale);
    const float read = conductance[i] + deviation * noise[i];
    conductance[i] = read > 0.0F ? read : 0.0F;
  }
}

void subtract_idle(const std::int32_t* __restrict negative, const float* __restrict idle, std::size_t count,
                   float* __restrict weights) {
  for (std::size_t i = 0; i < count; ++i) {
    const float difference = weights[i] - idle[i];
    weights[i] = negative[i] < 0 ? -difference : difference;
  }
}

void absolute(const float* __restrict weights, std::size_t count, float* __restrict a, float* __restrict b) {
  for (std::size_t i = 0; i < count; ++i) a[i] = b[i] = __builtin_fabsf(weights[i]);
}

void keep_signs(const float* __restrict magnitudes, std::size_t count, float* __restrict weights) {
  for (std::size_t i = 0; i < count; ++i) weights[i] = weights[i] < 0.0F ? -magnitudes[i] : magnitudes[i];
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

void relax_cmo(const float* __restrict noise, float shift, float relaxation, std::size_t count,
               float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = (values[i] + shift) + relaxation * noise[i];
}

void read_cmo(const float* __restrict noise, float scale, std::size_t count, float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = values[i];
    const float bounded = g > 0.01F ? g : 0.01F;  // relaxation may leave nothing
    const float read = g + scale * fast_log2(bounded) * noise[i];
    const float above = read > kCmoLowest ? read : kCmoLowest;
    values[i] = above < kCmoHighest ? above : kCmoHighest;
  }
}

void cmo_weights(std::size_t count, float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = (values[i] - kCmoLowest) / kCmoHalf - 1.0F;
}

constexpr CellKernels make_cell_kernels(const char* name, void (*deviates)(const DeviateSource&, std::size_t, float*),
                                        void (*fetch_devices)(const PcmDevice*, const std::int32_t*, std::size_t,
                                                              PcmDevices&)) {
  return CellKernels{name,
                     normalize<std::int16_t>,
                     normalize<std::int8_t>,
                     deviates,
                     add_scaled,
                     add_spread<std::int16_t>,
                     add_spread<std::int8_t>,
                     store_cells,
                     magnitudes<std::int16_t>,
                     magnitudes<std::int8_t>,
                     exchange,
                     fetch_devices,
                     program_devices,
                     drift_devices,
                     read_devices,
                     read_tabulated,
                     subtract_idle,
                     absolute,
                     keep_signs,
                     program_cmo,
                     relax_cmo,
                     read_cmo,
                     cmo_weights};
}

}  // namespace
}  // namespace xw::cells::detail
