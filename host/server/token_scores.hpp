// Log-probabilities of a token and of those that were likelier.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace xw::server {

struct ScoredToken {
  std::int32_t token = 0;
  double log_probability = 0;  ///< nats
};

/// A token of a sequence where it stands.
struct TokenScore {
  std::int32_t token = 0;
  std::optional<double>
      log_probability;           ///< nats, given what stands before it; nothing for the first token of a sequence
  std::vector<ScoredToken> top;  ///< the likeliest at this place, best first, ties by id
};

/// Of `token` under softmax(logits), with the `top` likeliest. Throws Error{kNotFinite} if the logits are not numbers,
/// Error{kInvalidArgument} for a token without a logit.
[[nodiscard]] TokenScore score_token(std::span<const float> logits, std::int32_t token, std::uint32_t top);

}  // namespace xw::server
