// AdamW over all tensors of a kind at once, without waiting for the device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/finetune/network.hpp"
#include "host/finetune/recipe/recipe.hpp"

namespace xw::finetune {

/// Loshchilov and Hutter, Decoupled Weight Decay Regularization, algorithm 2, with gradients scaled to a norm of at most grad_clip.
/// Matrices and embeddings decay; norms, vectors and ranges do not. Ranges have a rate of their own and are left out of the norm.
class AdamW {
 public:
  /// Parameters as Recipe::Optimiser::train says; ranges unless the recipe fixes them.
  AdamW(const std::vector<Parameter>& parameters, const Recipe& recipe);
  /// A step with the gradients as they are. If one of them is not finite nothing changes but skipped().
  void step(double lr, double range_lr);
  /// Of the last step's gradients, before clipping; one element on the device.
  [[nodiscard]] const torch::Tensor& gradient_norm() const { return norm_; }
  /// Steps that changed nothing; one element on the device.
  [[nodiscard]] const torch::Tensor& skipped() const { return skipped_; }

  /// Moments and counters on the CPU, by names that begin with "adam."; and back. Throws Error{kFormat} for missing ones.
  [[nodiscard]] std::map<std::string, torch::Tensor> state() const;
  void load_state(const std::map<std::string, torch::Tensor>& state);

 private:
  struct Group {
    std::vector<std::string> names;
    std::vector<torch::Tensor> leaves, values, first, second, steps;
    double weight_decay = 0;
    bool is_range = false;
  };
  Recipe::Optimiser settings_;
  std::vector<Group> groups_;
  torch::Tensor step_, norm_, skipped_;  ///< fp32, one element
};

}  // namespace xw::finetune
