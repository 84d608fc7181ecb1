// The analog linear layer in training, forward and backward, as docs/finetuning.md defines it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "models/finetune/noise.hpp"

namespace xw::finetune {

/// Converters of a chip and the rule that moves input ranges.
struct Converters {
  int dac_max = 127;   ///< largest input code; 0: no DAC, and then no ADC
  int adc_max = 127;   ///< largest output code; 0: no ADC
  int weight_max = 0;  ///< weights are rounded to multiples of w_max / weight_max; 0: they are not
  double lambda = 5;   ///< ADC full scale in units of input range times w_max
  double range_decay = 0.01;
  double range_inside = 0.95;
  bool log_ranges = false;  ///< the range parameter is the logarithm of the range
};

/// Where one analog linear stands: its weights, how the chip cuts them, what of it is trained.
struct AnalogLayer {
  std::vector<std::int64_t> block_cuts;  ///< first inputs of the blocks, and the number of inputs
  std::vector<std::int64_t> range_cuts;  ///< the same of the input ranges; every block lies in one
  torch::Tensor weight;                  ///< [out][in], clean master weights
  torch::Tensor weight_gradient;       ///< [out][in] that the weight's gradient is added to; undefined: none is wanted
  torch::Tensor weight_parameter;      ///< leaf that `weight` is a part of
  torch::Tensor bias;                  ///< [out] or undefined
  torch::Tensor ranges;                ///< [ranges], fp32
  double noise_factor = 1;             ///< 1 / sqrt(copies on the chip)
  std::int64_t digital_positions = 0;  ///< positions of every context that are computed with clean weights

  [[nodiscard]] std::size_t num_blocks() const { return block_cuts.size() - 1; }
  [[nodiscard]] std::size_t num_ranges() const { return range_cuts.size() - 1; }
  [[nodiscard]] std::int64_t inputs() const { return block_cuts.back(); }
  [[nodiscard]] std::size_t range_of(std::size_t block) const;
};

/// Weights as products see them: noisy, and divided by `scales` so that products of input codes with them are output codes.
struct PreparedWeights {
  torch::Tensor values;  ///< [out][in] in the compute type
  torch::Tensor scales;  ///< [blocks][out] fp32: noisy weight = value * scale; undefined: all 1 (no ADC)
};

/// Draws noise with `noise` (none: clean weights) and scales for the ADC.
[[nodiscard]] PreparedWeights prepare_weights(const AnalogLayer& layer, const Converters& converters,
                                              const WeightNoise& noise, NoiseSource& source, torch::ScalarType compute);

/// y [batch][positions][out] of x [batch][positions][in] (or of two dimensions, if no positions are digital), in the type of x.
/// Gradients of weights are added to layer.weight_gradient, all others go the usual way.
[[nodiscard]] torch::Tensor analog_linear(const torch::Tensor& x, const std::shared_ptr<const AnalogLayer>& layer,
                                          const Converters& converters, const PreparedWeights& weights);

/// On CPUs the passes are fused loops (cpu_kernels.hpp); false switches to torch's operations, which other devices run. For tests.
void use_fused_loops(bool is_on);

/// Ranges of a layer, fp32 [ranges], from the parameter.
[[nodiscard]] torch::Tensor range_values(const AnalogLayer& layer, const Converters& converters);

}  // namespace xw::finetune
