// Private: the inner loops of programming, in one bit-identical form per instruction set; docs/numerics.md#programming.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xw::cells {

/// What a device of a pair that is programmed to one target draws from; in units of g_max.
struct alignas(16) PcmDevice {
  float target = 0;
  float sigma = 0;  ///< programming noise
  float nu_mean = 0, nu_deviation = 0;
};

inline constexpr std::size_t kChunk = 256;  ///< cells of one inner loop

/// Devices of a chunk, one after the other.
struct PcmDevices {
  alignas(64) float target[kChunk], sigma[kChunk], nu_mean[kChunk], nu_deviation[kChunk];
};

/// Which deviates of a chip: the key of its programming draws (one per tile and draw) and the physical place.
struct DeviateSource {
  std::uint32_t key0 = 0, key1 = 0;
  std::uint32_t row = 0;
  std::uint32_t first_pair = 0;   ///< the first column is twice this one
  const float* cubics = nullptr;  ///< NormalTable::coefficients()
};

inline constexpr std::size_t kReadSteps = 4096;  ///< tabulated read noise: entries per g_max
inline constexpr std::size_t kReadEntries = 2 * kReadSteps;
inline constexpr std::size_t kDeviateStep = 32;  ///< deviates may write up to a multiple of this

/// One implementation of every inner loop; counts are at most kChunk. All agree bit for bit: integers, and fp32 additions,
/// multiplications, divisions and comparisons (each rounded once, none fused or reordered) in the order of the portable form.
struct CellKernels {
  const char* name;  ///< "avx512", "avx2", "portable"

  /// weights = target / target_max in fp32; targets beyond full scale count as full scale.
  void (*normalize_i16)(const std::int16_t* targets, std::size_t count, int target_max, float* weights);
  void (*normalize_i8)(const std::int8_t* targets, std::size_t count, int target_max, float* weights);
  /// Normal deviates of the columns 2 first_pair ... 2 (first_pair + pairs) of a row; writes up to the next kDeviateStep.
  void (*deviates)(const DeviateSource& source, std::size_t pairs, float* deviates);
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
  /// Exchanges a and b where negative is -1.
  void (*exchange)(const std::int32_t* negative, std::size_t count, float* a, float* b);
  /// The table's devices of these magnitudes; may write up to the next 16.
  void (*fetch_devices)(const PcmDevice* table, const std::int32_t* magnitudes, std::size_t count, PcmDevices& devices);
  /// programmed = max(0, target + sigma * noise).
  void (*program_devices)(const PcmDevices& devices, const float* noise, std::size_t count, float* programmed);
  /// conductance *= 2^(-|nu_mean + nu_deviation * noise| * log2_age).
  void (*drift_devices)(const PcmDevices& devices, const float* noise, float log2_age, std::size_t count,
                        float* conductance);
  /// conductance = max(0, conductance + noise * conductance * scale * q(programmed)), q being the model's read noise.
  void (*read_devices)(const float* programmed, const float* noise, float scale, std::size_t count, float* conductance);
  /// The same with q = coefficients[min(rne(programmed * kReadSteps), kReadEntries - 1)].
  void (*read_tabulated)(const float* programmed, const float* noise, const float* coefficients, float scale,
                         std::size_t count, float* conductance);
  /// weights = plus - minus of pairs whose loaded devices conduct `weights` and whose idle ones conduct `idle`.
  void (*subtract_idle)(const std::int32_t* negative, const float* idle, std::size_t count, float* weights);
  /// a = b = |weights|.
  void (*absolute)(const float* weights, std::size_t count, float* a, float* b);
  /// weights = magnitudes with the signs that they have (of 0: plus).
  void (*keep_signs)(const float* magnitudes, std::size_t count, float* weights);
  /// Devices of ReramCmo: from weights to conductances that were programmed, g + (offset + slope * g) * noise.
  void (*program_cmo)(const float* noise, float offset, float slope, std::size_t count, float* values);
  /// values = (values + shift) + relaxation * noise.
  void (*relax_cmo)(const float* noise, float shift, float relaxation, std::size_t count, float* values);
  /// values = clamp(values + scale * log2(values) * noise, lowest, highest conductance).
  void (*read_cmo)(const float* noise, float scale, std::size_t count, float* values);
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
