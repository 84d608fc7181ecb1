// The digital scales of an output: its unit and one 16-bit factor per row block.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace xw::compiler {

/// What the scales of all outputs of a matrix have in common.
struct ScaleSettings {
  std::string matrix;  ///< for messages
  float lambda = 0;
  int adc_max = 0;
  std::uint32_t replicas = 1;
};

/// One column: a row block as an output sees it.
struct ScaledColumn {
  float beta = 0;               ///< input range of the block
  float w_max = 0;              ///< weight at full scale; may be enlarged
  std::uint16_t out_scale = 0;  ///< result
};

/// Factors of at least this size are rounded; the gain of a column is then wrong by at most 1 / (2 * kExactScale) of itself.
inline constexpr int kExactScale = 512;
/// No column with weights has a smaller factor.
inline constexpr int kLeastScale = 16;

/// Chooses out_scale of all columns of an output and returns its unit.
///
/// y_real = sum over copies and columns of adc_code * beta * lambda * w_max / adc_max / replicas. With the largest K for which
/// the factors beta * w_max * K fit 16 bits and adc_max times their sum, over all copies, fits a signed 32-bit word,
/// unit = lambda / (adc_max * K * replicas). A factor of kExactScale or more is rounded. A smaller one is rounded up, but to kLeastScale at
/// least, and w_max is enlarged to what that factor means: the gain is exact, and the column uses less of the range
/// of its cells. Both bounds, of the sums and of the gains, are checked afterwards (Error{kInternal}). docs/compiler.md#scales.
///
/// Throws Error{kUnsupported} if the unit is no normal fp32 number (weights or ranges near the limits of fp32), or if there are
/// so many row blocks and copies that their sum does not fit at any K.
[[nodiscard]] float choose_scales(const ScaleSettings& settings, std::span<ScaledColumn> columns);

}  // namespace xw::compiler
