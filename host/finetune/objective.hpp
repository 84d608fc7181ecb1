// Losses, in chunks of positions so that the logits of a whole batch are never there at once.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "host/finetune/network.hpp"

namespace xw::finetune {

/// weights of: temperature^2 * KL(teacher || student) per position, and the negative log-likelihood of the next token.
struct Objective {
  double temperature = 1;
  double distillation = 1;  ///< 0: no teacher is needed
  double language = 0;
  double scale = 1;        ///< of the gradients: 1 / number of micro-batches
  std::int64_t chunk = 0;  ///< positions whose logits are there at once; 0: chosen for the device
};

/// One micro-batch: runs the teacher digitally and the student in `mode`, adds gradients to the student's parameters and returns
/// the loss (mean over positions, not scaled), fp32, one element on the device; nothing waits for the device.
[[nodiscard]] torch::Tensor train_step(Network& student, Network* teacher, const torch::Tensor& ids, Mode mode,
                                       const Objective& objective);

/// Mean negative log-likelihood of the next token over ids [batch][positions], without gradients: exp() of it is the perplexity.
[[nodiscard]] torch::Tensor language_loss(Network& network, const torch::Tensor& ids, Mode mode);

}  // namespace xw::finetune
