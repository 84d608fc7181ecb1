// Clipping the largest weights of a chip's columns, with the others making up for it. Not exact: it trades a known error for less noise.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/passes/layer_error.hpp"
#include "compiler/passes/matrix.hpp"

namespace xw::passes {

struct ClipOptions {
  bool compensate = true;  ///< the weights that stay free are fitted again; otherwise they stay what they are
  double ridge = 0.05;     ///< added to the diagonal of the moment, of its mean: how little the data is trusted
  /// Of the change in the sum that is minimised. Above 1 where weights are fitted to few vectors: what they change on others is more
  /// than what they change on these.
  double change_weight = 1;
  std::uint32_t copies = 1;  ///< of the layer on the chip: noise is divided by it
};

struct ClippedWeights {
  Matrix weights;  ///< [out][in]
  double noise_before = 0,
         noise_after = 0;  ///< expected square error of programming and ADC of all copies, summed over the outputs
  double change = 0;       ///< E[((W' - W) x)^2] by the moment without ridge, summed over the outputs
  double mean_level = 1;   ///< of the chosen full scales over the largest weights, mean over the outputs
};

/// For every output the full scales, as a part of each block's largest weight, that minimise
///   change_weight (w' - w)^T H (w' - w) + noise(w') / copies,  |w'| <= full scale,  H = `moment` + `beside` + ridge,
/// where noise is programming_error plus the ADC's. With compensation w' is found by ADMM (Boyd et al. 2011, section 5.2),
/// which shares one factorisation among all outputs; the level and the clipped weights themselves are candidates, so that no output
/// gets worse by this measure. `moment` is E[x x^T] of what reaches the converters. `beside` are vectors [n][in] that the same
/// weights multiply without a chip, each times the root of its share among all vectors: H has their outer products, too.
[[nodiscard]] ClippedWeights clip(const Matrix& weights, const Matrix& moment, const Matrix& beside,
                                  const RowBlocks& blocks, const std::vector<InputConverter>& converters,
                                  const ChipErrors& chip, const ClipOptions& options, Product product);

}  // namespace xw::passes
