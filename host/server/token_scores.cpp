// Log-probabilities of a token and of those that were likelier.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/token_scores.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "arch/support/error.hpp"
#include "host/evaluation/likelihood.hpp"

namespace xw::server {

TokenScore score_token(std::span<const float> logits, std::int32_t token, std::uint32_t top) {
  if (token < 0 || static_cast<std::size_t>(token) >= logits.size())
    throw Error(ErrorCode::kInvalidArgument, "scores: token " + std::to_string(token) + " has none of the " +
                                                 std::to_string(logits.size()) + " logits");
  TokenScore score{token, evaluation::likelihood(logits, token).log_probability, {}};
  if (!std::isfinite(*score.log_probability))
    throw Error(ErrorCode::kNotFinite, "scores: the logits of token " + std::to_string(token) + " are not finite");
  if (top == 0) return score;
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>(top, order.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), likelier);
  const double own = logits[static_cast<std::size_t>(token)];
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const std::int32_t id = order[static_cast<std::size_t>(i)];
    score.top.push_back({id, *score.log_probability + (double{logits[static_cast<std::size_t>(id)]} - own)});
  }
  return score;
}

}  // namespace xw::server
