// Private: the inner loops of programming, in one bit-identical form per instruction set; docs/numerics.md#programming.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xw::cells {

inline constexpr std::size_t kChunk = 256;  ///< cells of one inner loop

/// Which deviates of a chip: the key of its programming draws (one per tile and draw) and the physical place.
struct DeviateSource {
  std::uint32_t key0 = 0, key1 = 0;
  std::uint32_t row = 0;
  std::uint32_t first_call = 0;   ///< of Threefry in this row
  const float* cubics = nullptr;  ///< NormalTable::coefficients(), for the deviates of version 1 only
};

inline constexpr std::size_t kDeviateStep = 32;  ///< deviates may write up to a multiple of this
inline constexpr std::size_t kCallGroup = 16;    ///< calls of Threefry that lie side by side: version 2 of the deviates
inline constexpr std::size_t kPairColumns =
    32;  ///< columns of a group of calls whose words have the deviates of two devices of a cell
inline constexpr std::size_t kSingleColumns = 64;  ///< columns of a group of calls whose words have those of two cells

/// What a device of a pair does that is programmed to one target; in units of g_max.
struct alignas(8) DeviceEntry {
  float sigma = 0;              ///< programming noise
  std::uint32_t exponents = 0;  ///< of drift, in steps: mean << 16 | deviation
};

/// Exponents of drift times log2 of (t / t_0).
struct DriftScale {
  float step = 0;                           ///< what a step of DeviceEntry::exponents is worth
  float idle_mean = 0, idle_deviation = 0;  ///< of the idle device
};

inline constexpr std::size_t kSegments = 32;
inline constexpr float kCurveLeast = 0.0078125F;  ///< 2^-7: where the first segment of a QuadraticCurve begins
inline constexpr float kCurveMost = 1.9999999F;   ///< the last number of the last one
/// A curve of conductances within kCurveLeast ... kCurveMost: four segments per octave, c0 + c1 g + c2 g^2.
struct QuadraticCurve {
  alignas(64) float coefficients[3][kSegments] = {};
};

inline constexpr float kIdleReadStep =
    0.1953125F;  ///< the last segment of ReadCurves::idle ends beyond the largest deviate, 6.0

/// Q of read noise.
struct ReadCurves {
  QuadraticCurve loaded;  ///< by conductance as programmed
  /// Of the idle device by its deviate of programming: lines between points kIdleReadStep apart, value and slope per step.
  alignas(64) float idle[2][kSegments] = {};
};

/// clamp(slope * log2(r) + offset, lowest, highest)
struct LogLine {
  float slope = 0, offset = 0, lowest = 0, highest = 0;
};
/// Exponents of drift of PcmLike by target r, times log2 of (t / t_0).
struct DriftLines {
  QuadraticCurve log2;
  LogLine mean, deviation;
};

/// How devices age after programming: exponents of drift and log2 of (t / t_0), Q, and the flicker noise between t_read and t.
struct Aging {
  DriftScale drift;
  float read_scale = 0;
};

/// Devices of a chunk: as programmed and what will become of them. `exponents` for drift alone, coefficients and read noise for read
/// noise alone.
struct Pairs {
  alignas(64) std::int32_t magnitudes[kChunk], negative[kChunk];
  alignas(64) float conductance[kChunk], idle[kChunk];
  alignas(64) std::uint32_t exponents[kChunk];
  alignas(64) float coefficients[kChunk], idle_coefficients[kChunk];
  const float *drift_noise = nullptr, *idle_drift_noise = nullptr, *read_noise = nullptr, *idle_read_noise = nullptr;
};

/// One implementation of every inner loop; counts are at most kChunk. All agree bit for bit: integers, and fp32 additions,
/// multiplications, divisions and comparisons (each rounded once, none fused or reordered) in the order of the portable form.
struct CellKernels {
  const char* name;  ///< "avx512", "avx2", "portable"

  /// weights = target / target_max in fp32; targets beyond full scale count as full scale.
  void (*normalize_i16)(const std::int16_t* targets, std::size_t count, int target_max, float* weights);
  void (*normalize_i8)(const std::int8_t* targets, std::size_t count, int target_max, float* weights);
  /// Normal deviates of version 1 of the columns 2 first_call ... 2 (first_call + pairs) of a row; writes up to the next kDeviateStep.
  void (*deviates)(const DeviateSource& source, std::size_t pairs, float* deviates);
  /// Two deviates of version 2 for each column of `groups` groups, kPairColumns a group.
  void (*deviate_pairs)(const DeviateSource& source, std::size_t groups, float* sums, float* differences);
  /// A deviate of version 2 for each column of `groups` groups, kSingleColumns a group.
  void (*deviate_singles)(const DeviateSource& source, std::size_t groups, float* deviates);
  /// weights += gamma * deviates.
  void (*add_scaled)(const float* deviates, std::size_t count, float gamma, float* weights);
  /// sigma = sigmas[min(|target|, target_max)]; weights += sigma * deviates where sigma > 0, else weights = 0.
  void (*add_spread_i16)(const std::int16_t* targets, std::size_t count, int target_max, const float* sigmas,
                         const float* deviates, float* weights);
  void (*add_spread_i8)(const std::int8_t* targets, std::size_t count, int target_max, const float* sigmas,
                        const float* deviates, float* weights);
  /// Cell codes clamp(rne(w' * g_unit), -127, 127); `weights` are the w' in fp32.
  void (*store_cells)(const float* weights, std::size_t count, float g_unit, std::int8_t* cells);

  /// magnitude = min(|target|, target_max), what the device of a pair that holds the weight is programmed to (the other: 0); negative =
  /// -1 where that is the minus device, else 0.
  void (*magnitudes_i16)(const std::int16_t* targets, std::size_t count, int target_max, std::int32_t* magnitudes,
                         std::int32_t* negative);
  void (*magnitudes_i8)(const std::int8_t* targets, std::size_t count, int target_max, std::int32_t* magnitudes,
                        std::int32_t* negative);
  /// Pairs as they are programmed: conductance = max(0, magnitude * unit + sigma * noise), idle = max(0, idle_sigma * idle_noise);
  /// sigma and exponents are those of entry magnitude >> shift.
  void (*program_pairs)(const DeviceEntry* entries, unsigned shift, float unit, float idle_sigma, std::size_t count,
                        const float* noise, const float* idle_noise, Pairs& pairs);
  /// Q of both devices, from conductances as they were programmed and from the deviates of the idle ones.
  void (*read_coefficients)(const ReadCurves& curves, const float* idle_noise, std::size_t count, Pairs& pairs);
  /// Cell codes of pairs, plus less minus, after [drift: conductance * 2^-|mean + deviation * noise|][read noise:
  /// max(0, conductance + conductance * (coefficient * scale) * noise)] of both devices.
  void (*store_pairs[2][2])(const Pairs& pairs, const Aging& aging, std::size_t count, float g_unit,
                            std::int8_t* cells);
  /// Exponents of drift of devices that hold |weights|. May write up to the next 16.
  void (*drift_of_weights)(const DriftLines& lines, const float* weights, std::size_t count, float* means,
                           float* deviations);
  /// The curve at |weights|. May write up to the next 16.
  void (*curve_of_weights)(const QuadraticCurve& curve, const float* weights, std::size_t count, float* values);
  /// Drift and read noise of |weights|, whose signs stay: 2^-|mean + deviation * drift_noise|, then as in store_pairs.
  void (*age_weights)(const float* means, const float* deviations, const float* coefficients, float read_scale,
                      std::size_t count, const float* drift_noise, const float* read_noise, float* weights);
  /// Devices of ReramCmo: from weights to conductances that were programmed, g + (offset + slope * g) * noise.
  void (*program_cmo)(const float* noise, float offset, float slope, std::size_t count, float* values);
  /// values = (values + shift) + relaxation * noise, then clamp(values + scale * log2(values) * read_noise, lowest, highest conductance).
  void (*age_cmo)(const float* noise, const float* read_noise, float shift, float relaxation, float scale,
                  std::size_t count, float* values);
  /// From conductances of ReramCmo to weights.
  void (*cmo_weights)(std::size_t count, float* values);
};

/// The implementation in use: the fastest that this processor can run, unless one was selected.
[[nodiscard]] const CellKernels& cell_kernels();
/// All implementations that this processor can run, fastest first; "portable" is always last.
[[nodiscard]] std::vector<const CellKernels*> available_cell_kernels();
/// Uses one of available_cell_kernels() from now on (tests, benchmarks): speed changes, results do not.
void select_cell_kernels(const CellKernels& kernels);

namespace detail {
extern const CellKernels kAvx512CellKernels;
extern const CellKernels kAvx2CellKernels;
extern const CellKernels kPortableCellKernels;
}  // namespace detail

}  // namespace xw::cells
