// How far the integer contract is from the paper's floating-point forward pass, for one block of weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "models/reference/afm_float.hpp"

namespace xw::reference {

/// Settings of one comparison: an ideal converter, no noise.
struct EquivalenceOptions {
  float beta = 1.0F;     ///< input range
  float lambda = 14.0F;  ///< ADC full scale in units of beta * w_max
  int dac_bits = 8;
  int adc_bits = 8;
  int g_unit = 127;
  /// True: afm-float sees the weights of the cells (g / g_unit * w_max), so that only the arithmetic differs.
  /// False: it sees the weights themselves, so that the 8-bit cells count too.
  bool same_weights = true;
};

/// ADC codes that differ between the contract and afm-float.
struct EquivalenceResult {
  std::size_t outputs = 0;
  std::size_t different = 0;
  int largest_difference = 0;  ///< in ADC steps
  [[nodiscard]] double different_fraction() const {
    return outputs == 0 ? 0.0 : static_cast<double>(different) / static_cast<double>(outputs);
  }
};

/// Runs x [batch][in] through both for weight [out][in] (in <= 1024: one block) with per-channel w_max, and compares ADC codes.
/// docs/numerics.md#equivalence: with g_unit = 127 and same_weights, at most 1 step on fewer than 0.5 % of the outputs.
/// Throws Error{kInvalidArgument | kShapeMismatch}.
[[nodiscard]] EquivalenceResult compare_with_afm_float(const afm::MatrixView& weight, const afm::MatrixView& x,
                                                       const EquivalenceOptions& options);

}  // namespace xw::reference
