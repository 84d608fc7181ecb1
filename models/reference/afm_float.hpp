// The floating-point forward pass of the Analog Foundation Models, as aihwkit-lightning computes it: the reference mode "afm-float".
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace xw::reference::afm {

/// A dense row-major matrix [rows][cols] that somebody else owns.
struct MatrixView {
  std::span<const float> data;
  std::size_t rows = 0;
  std::size_t cols = 0;
  [[nodiscard]] float at(std::size_t row, std::size_t col) const { return data[row * cols + col]; }
};

/// How weights are quantised before they are used.
enum class WeightQuantization { kNone, kPerTensor, kPerChannel };

/// One analog linear layer. A "step" count is 2^bits - 2: 254 for 8 bits; 0 switches a converter off.
struct LayerConfig {
  int input_steps = 0;
  int output_steps = 0;
  float output_bound = 0.0F;       ///< lambda: ADC full scale in units of input range times w_max; 0: no ADC, no clamp
  bool per_channel_bound = false;  ///< w_max of the channel (clip types "per channel") instead of the largest one
  WeightQuantization weight_quantization = WeightQuantization::kNone;
  int weight_steps = 0;        ///< 14 for 4 bits
  bool dynamic_input = false;  ///< input range = largest magnitude of the vector in the tile
  int max_input_size = -1;     ///< inputs per tile; <= 0: one tile
};

/// Training noise on the weights: W + gamma * w_max * xi.
struct WeightNoise {
  float gamma = 0.0F;
  bool per_channel = true;
  std::span<const float> xi;  ///< standard normal, [out][in]
};

/// Sizes of the input tiles: ceil(n / max) tiles, as equal as possible, larger ones first.
[[nodiscard]] std::vector<std::size_t> split_sizes(std::size_t num_inputs, int max_input_size);

/// Largest magnitude of every channel (row) over columns [first, first + count).
[[nodiscard]] std::vector<float> channel_maxima(const MatrixView& weight, std::size_t first, std::size_t count);

/// y [batch][out] = layer(x [batch][in]) with weight [out][in], bias [out] or empty, one input range per tile (empty if unused).
/// Elementwise arithmetic in fp32, in the order of the original; products are summed in double.
/// Throws Error{kShapeMismatch} if shapes do not fit, Error{kInvalidArgument} if a converter lacks its input range.
[[nodiscard]] std::vector<float> forward(const LayerConfig& config, const MatrixView& weight,
                                         std::span<const float> bias, std::span<const float> input_range,
                                         const MatrixView& x, const WeightNoise& noise = {});

/// The "hardware-realistic" programming noise script: PCM polynomial, xi_od below and xi_td above the switch, [out][in].
[[nodiscard]] std::vector<float> pcm_programming_noise(const MatrixView& weight, int max_input_size,
                                                       std::span<const float> xi_od, std::span<const float> xi_td);
/// The same script's Gaussian variant: W + gamma * w_max * xi.
[[nodiscard]] std::vector<float> gaussian_programming_noise(const MatrixView& weight, int max_input_size, float gamma,
                                                            std::span<const float> xi);

}  // namespace xw::reference::afm
