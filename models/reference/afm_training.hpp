// What hardware-aware training adds to the AFM forward pass: gradients, weight clipping, input-range estimation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/reference/afm_float.hpp"

namespace xw::reference::afm {

/// Rule that moves the input range: grows with clipped gradients, decays while few inputs clip.
struct InputRangeRule {
  float decay = 0.01F;
  float input_min_percentage = 0.95F;
};

struct Gradients {
  std::vector<float> x;            ///< [batch][in]
  std::vector<float> weight;       ///< [out][in]
  std::vector<float> bias;         ///< [out]
  std::vector<float> input_range;  ///< [tile]
};

/// Gradients of forward() for dy [batch][out]: straight-through rounding, zero where a clamp acted (at equality it passes),
/// ADC bounds constant. dx uses the noisy weights, the weight gradient belongs to the clean ones.
/// Throws Error{kUnsupported} for dynamic inputs and quantised weights, for which the training has no gradient.
[[nodiscard]] Gradients backward(const LayerConfig& config, const MatrixView& weight,
                                 std::span<const float> input_range, const MatrixView& x, const MatrixView& dy,
                                 const InputRangeRule& rule, const WeightNoise& noise = {});

/// Clamps every row (or, not per channel, the matrix) to +-alpha times its unbiased standard deviation.
void clip_weights(std::span<float> weight, std::size_t rows, std::size_t cols, float alpha, bool per_channel);

/// Input range of one tile during the first batches: running mean of kappa times the unbiased standard deviation.
class InputRangeEstimator {
 public:
  InputRangeEstimator(float initial, std::uint32_t num_batches, float kappa)
      : range_(initial), num_batches_(num_batches), kappa_(kappa) {}
  /// Takes the inputs of one batch; without effect after `num_batches`, and for constant inputs.
  void observe(std::span<const float> x);
  [[nodiscard]] float range() const { return range_; }

 private:
  float range_;
  std::uint32_t num_batches_;
  float kappa_;
  std::uint32_t index_ = 0;
};

}  // namespace xw::reference::afm
