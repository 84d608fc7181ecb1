// Log-probabilities against their definition.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/token_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/expect_error.hpp"

namespace xw::server {
namespace {

TEST(TokenScores, AreThoseOfTheDefinition) {
  const std::vector<float> logits{1, 3, -2, 3, 0.5F};
  long double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<long double>(logit));
  const auto log_probability = [&](std::size_t token) {
    return static_cast<double>(static_cast<long double>(logits[token]) - std::log(sum));
  };
  const TokenScore score = score_token(logits, 4, 3);
  EXPECT_EQ(score.token, 4);
  EXPECT_NEAR(*score.log_probability, log_probability(4), 1e-8);
  ASSERT_EQ(score.top.size(), 3U);
  const std::vector<std::int32_t> order{1, 3, 0};  // ties by id
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(score.top[i].token, order[i]);
    EXPECT_NEAR(score.top[i].log_probability, log_probability(static_cast<std::size_t>(order[i])), 1e-8);
  }
  EXPECT_TRUE(score_token(logits, 0, 0).top.empty());
  EXPECT_EQ(score_token(logits, 0, 20).top.size(), 5U) << "no more than there are";
}

TEST(TokenScores, WhatIsNoNumberIsRefused) {
  const std::vector<float> logits{1, std::numeric_limits<float>::quiet_NaN()};
  xw::test::expect_error(ErrorCode::kNotFinite, "not finite", [&] { static_cast<void>(score_token(logits, 0, 1)); });
  xw::test::expect_error(ErrorCode::kInvalidArgument, "token 2", [&] { static_cast<void>(score_token(logits, 2, 1)); });
  xw::test::expect_error(ErrorCode::kInvalidArgument, "token -1",
                         [&] { static_cast<void>(score_token(logits, -1, 1)); });
}

}  // namespace
}  // namespace xw::server
