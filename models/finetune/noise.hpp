// Noise on weights while training, drawn on the device that has the weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>

namespace xw::finetune {

/// What is added to a weight w of a block and output whose largest magnitude is w_max: w_max * sigma * N(0, 1).
struct WeightNoise {
  double sigma = 0;     ///< gaussian: of all weights
  torch::Tensor table;  ///< fp32 [points]: sigma for |w| / w_max = i / (points - 1), linear between; undefined: `sigma`
  [[nodiscard]] bool is_none() const { return sigma == 0 && !table.defined(); }
};

/// The table of a cell model (as `--noise` has it) at `seconds` since programming: root of its mean square error by magnitude,
/// times `scale`; `compensated`: of a chip whose outputs are multiplied by one factor (cells::compensation_gain). Throws what cells::make_programming_model throws.
[[nodiscard]] torch::Tensor cell_noise_table(const std::string& cells, double seconds, bool compensated, double scale,
                                             const torch::Device& device);

/// Standard normal deviates; a function of the seed alone on one device with one number of threads.
class NoiseSource {
 public:
  explicit NoiseSource(const torch::Device& device);
  void seed(std::uint64_t seed);
  /// Deviates of `shape` in `type`. On CPUs they are pieces of a pool of 2^23 that begin at random places, which costs a fifth of
  /// drawing them all.
  [[nodiscard]] torch::Tensor normal(c10::IntArrayRef shape, torch::ScalarType type);
  /// Until it is called with nothing: what normal() returns (for tests).
  void fix(std::optional<torch::Tensor> deviates) { fixed_ = std::move(deviates); }

 private:
  torch::Device device_;
  at::Generator generator_;
  torch::Tensor pool_;
  std::optional<torch::Tensor> fixed_;
};

}  // namespace xw::finetune
