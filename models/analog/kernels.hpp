// Private: the SIMD implementations of the tile MVM and the DAC, one translation unit per instruction set.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "models/analog/numerics.hpp"

namespace xw::analog::kernels {

/// Vectors that one pass handles; larger batches are cut by the kernel.
inline constexpr std::uint32_t kMaxPassVectors = 256;

/// Bytes of scratch that any kernel needs for a block of `rows` and `num_vectors` (aligned to 64).
[[nodiscard]] inline std::size_t scratch_bytes(std::uint32_t rows, std::uint32_t num_vectors) {
  const std::size_t padded_rows = (std::size_t{rows} + 63) / 64 * 64;
  // Matrix units take vectors 16 at a time.
  const std::size_t vectors =
      num_vectors < kMaxPassVectors ? (std::size_t{num_vectors} + 15) / 16 * 16 : kMaxPassVectors;
  return vectors * padded_rows * 2     // vectors, possibly widened to int16
         + padded_rows * 64 * 2        // packed panel, possibly widened to int16
         + padded_rows * 64            // gathered panel (unusual lane counts)
         + 4096                        // sums of a matrix unit
         + kMaxPassVectors * 4 + 256;  // accumulator start values, alignment
}

/// tile_mvm() with caller-owned scratch of scratch_bytes(), aligned to 64. `packed`: what the kernel's PackFunction made of the
/// cells, or null.
using MvmFunction = std::uint64_t (*)(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
/// Cells in the order in which a kernel multiplies them: panels of kPackedCols columns of packed_panel_bytes(), the last one
/// filled up.
using PackFunction = void (*)(const BlockView&, std::byte* packed, std::byte* scratch);
inline constexpr std::uint32_t kPackedCols = 64;
[[nodiscard]] inline std::size_t packed_panel_bytes(std::uint32_t rows) {
  return (std::size_t{rows} + 63) / 64 * 64 * kPackedCols;
}
/// dac_convert() on raw pointers.
using DacFunction = bool (*)(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);

// No std:: templates may be instantiated in the SIMD units: the linker would keep one copy of them for all callers, and
// that copy could use instructions that this processor lacks.
std::uint64_t mvm_portable(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
std::uint64_t mvm_avx2(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
std::uint64_t mvm_avxvnni(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
std::uint64_t mvm_avx512bw(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
std::uint64_t mvm_avx512vnni(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
std::uint64_t mvm_avx512amx(const BlockView&, const MvmBatch&, const std::byte* packed, std::byte* scratch);
void pack_avx512vnni(const BlockView&, std::byte* packed, std::byte* scratch);
bool dac_portable(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);
bool dac_avx2(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);
bool dac_avx512(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);

}  // namespace xw::analog::kernels
