// Per-input scales that share the burden between inputs and weights: y = (W diag(s)) (x / s), exact in fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/passes/input_statistics.hpp"
#include "compiler/passes/layer_error.hpp"
#include "compiler/passes/matrix.hpp"
#include "compiler/passes/sites.hpp"

namespace xw::passes {

/// s = rms(x)^inputs * rms(W columns)^-weights, with a geometric mean of 1.
struct Strengths {
  double inputs = 0, weights = 0;
};

struct Equalisation {
  Strengths strengths;
  std::vector<float> scales;                 ///< one per number of Site::scale_of; 1 everywhere if nothing is gained
  double error_before = 0, error_after = 0;  ///< expected, relative to the signal, summed over the readers
};

/// What flows into a site: E[x^2] and samples of what reaches the converters, E[x x^T] of the signal.
struct SiteInputs {
  std::vector<float> power;  ///< of what reaches the converters (centred, if it will be)
  Matrix samples;            ///< of the same
  Matrix moment;             ///< of the same: gives the energy of the outputs
};

/// Searches the strengths that minimise the expected error of the site's outputs: programming noise at sum of variance *
/// E[x^2] plus rounding and clipping of the DAC at its best range times ||W||^2, each reader relative to its signal.
/// `weights`: of the readers, [out][in]. Readers of a site share the scales.
[[nodiscard]] Equalisation equalise(const Site& site, const SiteInputs& inputs, const std::vector<Matrix>& weights,
                                    const RowBlocks& blocks, const ChipErrors& chip, Product product);

/// Energy of the outputs, trace(W moment W^T).
[[nodiscard]] double output_energy(const Matrix& weights, const Matrix& moment, Product product);

}  // namespace xw::passes
