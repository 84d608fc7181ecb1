// Log-probabilities from logits.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace xw::evaluation {

struct Likelihood {
  double log_probability = 0;  ///< nats
  bool is_argmax = false;      ///< no other token has a larger logit (ties go to the smaller id)
};

/// Of `token` under softmax(logits). NaN logits give a NaN log-probability.
[[nodiscard]] Likelihood likelihood(std::span<const float> logits, std::int32_t token);

}  // namespace xw::evaluation
