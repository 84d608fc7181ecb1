// What a call must give, from targets and the contract's reference functions alone: no images, engines, instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/program/program.hpp"
#include "host/runtime/chip_instance.hpp"

namespace xw::test {

/// Outputs of one matrix, [num_vectors][out_features].
struct ReferenceOutput {
  std::vector<std::int32_t> words;
  std::vector<float> reals;
};

struct ReferenceResult {
  std::vector<ReferenceOutput> matrices;  ///< in the order of CallInfo::matrices
  std::uint64_t adc_saturations = 0;
  std::uint64_t macs = 0;  ///< all vectors
};

/// `options` with every field set. Plain loops over blocks, rows and columns.
[[nodiscard]] ReferenceResult reference_call(const program::Program& program, std::uint32_t call,
                                             const runtime::ChipOptions& options, std::span<const std::int8_t> codes,
                                             std::uint32_t num_vectors, std::uint32_t vector_base);

/// DAC codes of x by the definition: fp32 product, quotient, round half to even, clamp.
[[nodiscard]] std::vector<std::int8_t> reference_codes(const program::Program& program, std::uint32_t call,
                                                       std::span<const float> x, std::uint32_t num_vectors);

}  // namespace xw::test
