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
  const std::size_t vectors = num_vectors < kMaxPassVectors ? num_vectors : kMaxPassVectors;
  return vectors * padded_rows * 2     // vectors, possibly widened to int16
         + padded_rows * 64 * 2        // packed panel, possibly widened to int16
         + padded_rows * 64            // gathered panel (unusual lane counts)
         + kMaxPassVectors * 4 + 256;  // accumulator start values, alignment
}

/// tile_mvm() with caller-owned scratch of scratch_bytes(), aligned to 64.
using MvmFunction = std::uint64_t (*)(const BlockView&, const MvmBatch&, std::byte* scratch);
/// dac_convert() on raw pointers.
using DacFunction = bool (*)(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);

// No std:: templates may be instantiated in the SIMD units: the linker would keep one copy of them for all callers, and
// that copy could use instructions that this processor lacks.
std::uint64_t mvm_portable(const BlockView&, const MvmBatch&, std::byte* scratch);
std::uint64_t mvm_avx2(const BlockView&, const MvmBatch&, std::byte* scratch);
std::uint64_t mvm_avxvnni(const BlockView&, const MvmBatch&, std::byte* scratch);
std::uint64_t mvm_avx512bw(const BlockView&, const MvmBatch&, std::byte* scratch);
std::uint64_t mvm_avx512vnni(const BlockView&, const MvmBatch&, std::byte* scratch);
bool dac_portable(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);
bool dac_avx2(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);
bool dac_avx512(const float* x, std::size_t count, float beta, float dac_max, std::int8_t* codes);

}  // namespace xw::analog::kernels
