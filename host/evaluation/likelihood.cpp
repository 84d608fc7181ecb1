// Log-probabilities from logits.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/likelihood.hpp"

#include <cmath>
#include <cstddef>

#include "host/transformer/kernels.hpp"

namespace xw::evaluation {

Likelihood likelihood(std::span<const float> logits, std::int32_t token) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  const auto index = static_cast<std::size_t>(token);
  const double sum = transformer::kernels().sum_exp(logits.data(), logits.size(), logits[best]);
  // log softmax_t = (l_t - max) - log sum exp(l - max)
  return {static_cast<double>(logits[index]) - static_cast<double>(logits[best]) - std::log(sum), best == index};
}

}  // namespace xw::evaluation
