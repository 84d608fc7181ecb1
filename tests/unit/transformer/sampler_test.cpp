// Sampling: greedy choice, distribution, determinism, errors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::transformer {
namespace {

std::vector<double> frequencies(const SamplerOptions& options, const std::vector<float>& logits, int draws) {
  Sampler sampler(options);
  std::vector<double> counts(logits.size());
  for (int i = 0; i < draws; ++i) counts.at(static_cast<std::size_t>(sampler.sample(logits))) += 1.0 / draws;
  return counts;
}

TEST(Sampler, GreedyTakesTheLargestAndTheSmallestIdOfEquals) {
  Sampler sampler({});
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 3, 3}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-1}), 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{-std::numeric_limits<float>::infinity(), -5}), 1);
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  // Pearson's chi-square with 9 degrees of freedom: 33.7 is exceeded with probability 1e-4. The draws are fixed by the seed.
  const auto logits = test::random_vector(10, 77, 1.5F);
  constexpr int kDraws = 100000;
  for (const double temperature : {0.5, 1.0, 2.0}) {
    for (const std::uint64_t seed : {0ULL, 1ULL, 0xFFFFFFFFFFFFFFFFULL}) {
      const auto found = frequencies({temperature, 0, 1, seed}, logits, kDraws);
      double total = 0;
      for (const float logit : logits) total += std::exp(static_cast<double>(logit) / temperature);
      double chi_square = 0;
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const double expected = std::exp(static_cast<double>(logits[i]) / temperature) / total;
        chi_square += kDraws * (found[i] - expected) * (found[i] - expected) / expected;
      }
      EXPECT_LT(chi_square, 33.7) << "temperature " << temperature << " seed " << seed;
      EXPECT_GT(chi_square, 0.5) << "too good to be random";
    }
  }
}

TEST(Sampler, TopKKeepsTheKLargest) {
  const std::vector<float> logits{0.0F, 1.0F, 0.5F, 1.0F, 0.5F};
  const auto found = frequencies({1.0, 3, 1, 4}, logits, 20000);
  EXPECT_EQ(found[0], 0);
  EXPECT_EQ(found[4], 0);  // equal to token 2, which has the smaller id
  const double total = 2 * std::exp(1.0) + std::exp(0.5);
  EXPECT_NEAR(found[1], std::exp(1.0) / total, 0.02);
  EXPECT_NEAR(found[2], std::exp(0.5) / total, 0.02);
  EXPECT_NEAR(found[3], std::exp(1.0) / total, 0.02);
  Sampler one({5.0, 1, 1, 9});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.sample(logits), 1);
}

TEST(Sampler, TopPKeepsTheFewestThatHoldTheMass) {
  // Probabilities 0.5, 0.25, 0.15, 0.1.
  const std::vector<float> logits{std::log(0.1F), std::log(0.5F), std::log(0.15F), std::log(0.25F)};
  auto found = frequencies({1.0, 0, 0.7, 5}, logits, 20000);
  EXPECT_EQ(found[0] + found[2], 0);
  EXPECT_NEAR(found[1], 0.5 / 0.75, 0.02);
  EXPECT_NEAR(found[3], 0.25 / 0.75, 0.02);
  found = frequencies({1.0, 0, 0.8, 5}, logits, 20000);
  EXPECT_EQ(found[0], 0);
  EXPECT_NEAR(found[2], 0.15 / 0.9, 0.02);
  found = frequencies({1.0, 0, 1e-9, 5}, logits, 100);
  EXPECT_NEAR(found[1], 1, 1e-9);
}

TEST(Sampler, TopPAppliesAfterTopK) {
  const std::vector<float> logits{std::log(0.4F), std::log(0.3F), std::log(0.2F), std::log(0.1F)};
  // Of the two largest (4/7, 3/7), 0.5 of the mass is the first alone; without top_k it would need both.
  const auto found = frequencies({1.0, 2, 0.5, 6}, logits, 1000);
  EXPECT_NEAR(found[0], 1, 1e-9);
}

TEST(Sampler, ASeedDeterminesEverything) {
  const auto logits = test::random_vector(1000, 3, 2.0F);
  const auto draw = [&](std::uint64_t seed) {
    Sampler sampler({1.0, 50, 0.95, seed});
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.sample(logits));
    return ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Sampler, ExtremeLogitsAreSampled) {
  Sampler sampler({0.01, 0, 1, 0});
  EXPECT_EQ(sampler.sample(std::vector<float>{-3e38F, 3e38F, 0.0F}), 1);
  Sampler hot({1e6, 0, 1, 0});
  EXPECT_GE(hot.sample(std::vector<float>{-std::numeric_limits<float>::infinity(), 1.0F}), 1);
}

void expect_refused(ErrorCode code, const std::string& text, const SamplerOptions& options,
                    const std::vector<float>& logits) {
  xw::test::expect_error(code, text, [&] {
    Sampler sampler(options);
    static_cast<void>(sampler.sample(logits));
  });
}

TEST(Sampler, RejectsWhatCannotBeSampled) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  expect_refused(ErrorCode::kInvalidArgument, "temperature must be zero or a positive number", {-1.0, 0, 1, 0}, {1});
  expect_refused(ErrorCode::kInvalidArgument, "temperature", {static_cast<double>(kNaN), 0, 1, 0}, {1});
  expect_refused(ErrorCode::kInvalidArgument, "temperature", {static_cast<double>(kInfinity), 0, 1, 0}, {1});
  expect_refused(ErrorCode::kInvalidArgument, "top_p must be above 0 and at most 1", {1.0, 0, 0, 0}, {1});
  expect_refused(ErrorCode::kInvalidArgument, "top_p", {1.0, 0, 1.5, 0}, {1});
  expect_refused(ErrorCode::kInvalidArgument, "no logits", {}, {});
  expect_refused(ErrorCode::kNotFinite, "the logit of token 1 is not a number", {}, {1, kNaN});
  expect_refused(ErrorCode::kNotFinite, "the logit of token 0 is not a number", {}, {kNaN, 1});
  expect_refused(ErrorCode::kNotFinite, "the logit of token 1 is infinite", {1.0, 0, 1, 0}, {1, kInfinity});
}

}  // namespace
}  // namespace xw::transformer
