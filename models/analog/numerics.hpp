// The bit-exact integer contract of all devices (docs/numerics.md): readable reference functions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace xw::analog {

/// DAC: clamp(rne(x * dac_max / beta), -dac_max, dac_max), fp32 in this order. docs/numerics.md#input-conversion.
/// Returns false if any x is NaN or infinite (codes are then unspecified). x and codes have the same length. beta > 0.
[[nodiscard]] bool dac_convert(std::span<const float> x, float beta, int dac_max, std::span<std::int8_t> codes);

/// One noise sample's source: sum of the 8 bytes of threefry2x32-13({chip_seed, tile_uid}, {vector_index, row0 << 16 |
/// column}) - 1020.
[[nodiscard]] std::int32_t noise_h(std::uint32_t chip_seed, std::uint32_t tile_uid, std::uint32_t vector_index,
                                   std::uint32_t row0, std::uint32_t column);
/// (read_sigma_q * h + 2^15) >> 16, arithmetic shift.
[[nodiscard]] std::int64_t read_noise(std::uint32_t read_sigma_q, std::int32_t h);
/// rne(sigma * 2^16 / 209.02): sigma in units of the integer sum s. Throws Error{kInvalidArgument} if negative or too
/// large.
[[nodiscard]] std::uint32_t quantize_read_sigma(double sigma);

/// Gain and shift for an ideal converter: gain / 2^shift ~ adc_max / (lambda * dac_max * g_unit), gain in [2^15, 2^16).
struct AdcSetting {
  std::uint16_t gain = 0;
  std::uint8_t shift = 0;
};
[[nodiscard]] AdcSetting ideal_adc(double lambda, int dac_max, int g_unit, int adc_bits);
/// clamp(((sum * gain) + 2^(shift-1)) >> shift, -adc_max, adc_max); `saturated` tells whether the clamp changed it. sum
/// = s + n + offset.
[[nodiscard]] std::int32_t adc_convert(std::int64_t sum, std::uint16_t gain, unsigned shift, int adc_max,
                                       bool& saturated);

/// sum + offset modulo 2^32, as a signed number: what a converter with that offset gets.
[[nodiscard]] std::int64_t with_offset(std::int64_t sum, std::int32_t offset);

class PackedCells;
struct MvmBatch;

/// A block as an engine sees it: a view of a block image (arch record block_image_header, tables, cells).
struct BlockView {
  std::uint32_t rows = 0, cols = 0;
  std::uint32_t lanes = 0;  ///< L; cells are [ceil(cols / L)][rows][L]
  std::uint32_t tile_uid = 0, row0 = 0, col0 = 0;
  std::uint32_t adc_shift = 0;
  std::int32_t adc_max = 0;
  std::uint32_t read_sigma_q = 0;
  const std::uint16_t* column_tables = nullptr;  ///< pairs {adc_gain, out_scale} per column
  const std::int32_t* adc_offsets = nullptr;     ///< adc_offset per column; null: all are 0
  const std::int8_t* cells = nullptr;
  const PackedCells* packed = nullptr;  ///< the same cells for tile_mvm(), or null; outlives the view
  std::uint32_t packed_col = 0;         ///< column of `packed` that is column 0 here
};

/// The cells of a block in the order in which the kernel in use multiplies them: made once, they need no ordering for every
/// batch. Only speed changes; tile_mvm() leaves alone what another kernel has packed.
class PackedCells {
 public:
  PackedCells();
  /// Packs for selected_kernel(). Empty if that kernel takes cells as they are.
  explicit PackedCells(const BlockView& block);
  PackedCells(PackedCells&&) noexcept;
  PackedCells& operator=(PackedCells&&) noexcept;
  ~PackedCells();
  /// Memory that they take.
  [[nodiscard]] std::size_t bytes() const;
  /// Memory that those of a block would take.
  [[nodiscard]] static std::size_t bytes_of(const BlockView& block);

 private:
  friend std::uint64_t tile_mvm(const BlockView& block, const MvmBatch& batch);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Position of a vector batch in the noise space and in the buffers.
struct MvmBatch {
  const std::int8_t* x = nullptr;  ///< codes; vector v starts at x + v * x_stride
  std::size_t x_stride = 0;
  std::int32_t* y = nullptr;  ///< words; vector v starts at y + v * y_stride
  std::size_t y_stride = 0;
  std::uint32_t num_vectors = 0;
  std::uint32_t vector_base = 0;  ///< vector_index of v is vector_base + v (modulo 2^32)
  std::uint32_t chip_seed = 0;
  bool accumulate = false;  ///< add to y instead of overwriting
};

/// What a converter gets: the sum of products of one column and vector with the read noise of that reading and the offset of the
/// converter, modulo 2^32 as a signed number.
[[nodiscard]] std::int64_t converter_input(const BlockView& block, const MvmBatch& batch, std::uint32_t vector,
                                           std::uint32_t column, std::int64_t sum);

/// What follows the sum of products of one column and vector: read noise, offset, ADC, its scale, the addition to y. Returns whether
/// the conversion saturated.
bool convert_column(const BlockView& block, const MvmBatch& batch, std::uint32_t vector, std::uint32_t column,
                    std::int64_t sum);

/// The reference tile MVM: DAC codes in, scaled ADC codes accumulated into y. Returns the number of saturated
/// conversions. Plain loops; the oracle of tile_mvm() and of the RTL.
std::uint64_t tile_mvm_reference(const BlockView& block, const MvmBatch& batch);

/// The fast tile MVM: same results bit for bit, SIMD chosen at run time. Thread safe; uses thread-local scratch.
std::uint64_t tile_mvm(const BlockView& block, const MvmBatch& batch);

/// SIMD implementations that this processor can run, best first; "portable" is always last.
[[nodiscard]] std::vector<std::string> available_kernels();
/// Uses one of available_kernels() from now on (tests, benchmarks; XW_KERNEL in host/app). Throws
/// Error{kInvalidArgument}.
void select_kernel(const std::string& name);
[[nodiscard]] std::string selected_kernel();

}  // namespace xw::analog
