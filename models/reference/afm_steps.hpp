// Private: the steps of the AFM layer that the forward and the backward pass share.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/reference/afm_float.hpp"

namespace xw::reference::afm {

/// Weights of one input tile as the products see them, [out][count], and the maxima of the clean weights, [out].
struct TileWeights {
  std::vector<float> data;
  std::vector<float> maxima;
};
[[nodiscard]] TileWeights prepare_weights(const LayerConfig& config, const MatrixView& weight, std::size_t first,
                                          std::size_t count, const WeightNoise& noise);

/// ADC full scale of every output, [out].
[[nodiscard]] std::vector<float> adc_bounds(const LayerConfig& config, std::span<const float> maxima, float beta);

/// Inputs of one tile behind the DAC, [batch][count].
[[nodiscard]] std::vector<float> convert_inputs(const LayerConfig& config, const MatrixView& x, std::size_t first,
                                                std::size_t count, float beta);

/// Rounds to the ADC's grid; the clamp comes after.
[[nodiscard]] float quantize_output(const LayerConfig& config, float value, float bound);

}  // namespace xw::reference::afm
