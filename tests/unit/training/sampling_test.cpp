// Sampling: frequencies against probabilities.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/data/sampling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "arch/support/error.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::finetune {
namespace {

/// Probabilities by the definition, in double: softmax, the top_k largest, the fewest that hold top_p.
std::vector<double> probabilities(const std::vector<float>& logits, const SamplingSettings& settings) {
  std::vector<std::size_t> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (settings.top_k != 0) order.resize(std::min<std::size_t>(order.size(), settings.top_k));
  const auto weight = [&](std::size_t i) { return std::exp(static_cast<double>(logits[i]) / settings.temperature); };
  double total = 0;
  for (const std::size_t i : order) total += weight(i);
  std::vector<double> result(logits.size());
  double held = 0, kept = 0;
  for (const std::size_t i : order) {
    if (held >= settings.top_p) break;
    result[i] = weight(i);
    kept += weight(i);
    held += weight(i) / total;
  }
  for (double& p : result) p /= kept;
  return result;
}

TEST(ChooseToken, FrequenciesAreTheProbabilities) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> logits(600), scratch;
  for (float& logit : logits) logit = normal(random);
  for (const SamplingSettings& settings : {SamplingSettings{1, 0, 1, 1}, SamplingSettings{0.7, 20, 1, 1},
                                           SamplingSettings{1.3, 0, 0.6, 1}, SamplingSettings{1, 50, 0.8, 1}}) {
    const std::vector<double> expected = probabilities(logits, settings);
    constexpr int kDraws = 50'000;
    std::vector<int> counts(logits.size());
    for (int n = 0; n < kDraws; ++n)
      ++counts[static_cast<std::size_t>(
          choose_token(logits, settings, uniform(seed, static_cast<std::uint64_t>(n)), scratch))];
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double sigma = std::sqrt(kDraws * expected[i] * (1 - expected[i]));
      EXPECT_NEAR(counts[i], kDraws * expected[i], 6 * sigma + (expected[i] > 0 ? 3 : 0))
          << "token " << i << ", temperature " << settings.temperature << ", top-k " << settings.top_k;
    }
  }
}

TEST(ChooseToken, TheWholeRangeOfDrawsFindsATokenWithWeight) {
  std::vector<float> scratch;
  const std::vector<float> logits = {-200, 3, -200, 3, -200};
  EXPECT_EQ(choose_token(logits, {}, 0, scratch), 1);
  EXPECT_EQ(choose_token(logits, {}, std::nextafter(1.0, 0.0), scratch), 3);
  EXPECT_THROW(static_cast<void>(choose_token(std::vector<float>{1, NAN}, {}, 0.5, scratch)), Error);
  for (const SamplingSettings& settings :
       {SamplingSettings{0.5, 0, 1, 0}, SamplingSettings{1, 2, 1, 0}, SamplingSettings{1, 0, 0.5, 0}}) {
    EXPECT_THROW(static_cast<void>(choose_token(std::vector<float>{NAN, 1, NAN, 2}, settings, 0.5, scratch)), Error);
    EXPECT_THROW(static_cast<void>(choose_token(std::vector<float>(4, -INFINITY), settings, 0.5, scratch)), Error);
  }
  EXPECT_THROW(static_cast<void>(choose_token(std::vector<float>{1, INFINITY}, {}, 0.5, scratch)), Error);
}

}  // namespace
}  // namespace xw::finetune
