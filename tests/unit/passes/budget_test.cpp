// Budgets: spent where they lower the loss most, never exceeded, close to the best of all plans.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/budget.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <random>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::passes {
namespace {

/// Noise falls with the rank ever more slowly, as spectra do.
SiteOffer offer(double loss_per_noise, double noise, double decay, double tiles, std::uint64_t macs_per_rank) {
  SiteOffer made;
  made.loss_per_noise = loss_per_noise;
  made.tiles = tiles;
  made.max_replicas = 3;
  for (const std::uint32_t rank : {0U, 4U, 8U, 16U}) {
    made.ranks.push_back(rank);
    made.copied_noise.push_back(noise * (1 - decay * rank / (rank + 8.0)));
    made.shared_noise.push_back(0.02 * noise);
    made.macs.push_back(macs_per_rank * rank);
  }
  return made;
}

double loss_of(const std::vector<SiteOffer>& offers, const std::vector<SiteChoice>& choices) {
  double loss = 0;
  for (std::size_t s = 0; s < offers.size(); ++s) loss += expected_loss(offers[s], choices[s]);
  return loss;
}

/// The least loss of all plans within the budget.
double best_of_all(const std::vector<SiteOffer>& offers, const AdaptBudget& budget) {
  double best = 1e300;
  std::vector<SiteChoice> choices(offers.size());
  const std::function<void(std::size_t, double, double)> go = [&](std::size_t s, double macs, double tiles) {
    if (macs > budget.macs || tiles > budget.tiles) return;
    if (s == offers.size()) {
      best = std::min(best, loss_of(offers, choices));
      return;
    }
    for (std::uint32_t r = 0; r < offers[s].ranks.size(); ++r) {
      for (std::uint32_t k = 1; k <= offers[s].max_replicas; ++k) {
        choices[s] = {r, k};
        go(s + 1, macs + static_cast<double>(offers[s].macs[r]), tiles + offers[s].tiles * (k - 1));
      }
    }
    choices[s] = {};
  };
  go(0, 0, 0);
  return best;
}

TEST(Budget, IsCloseToTheBestOfAllPlans) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.1, 1);
  double total = 0, least = 0;
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<SiteOffer> offers;
    for (int s = 0; s < 4; ++s)
      offers.push_back(
          offer(uniform(random), 0.2 * uniform(random), uniform(random), 4 * uniform(random), 20 + random() % 100));
    const AdaptBudget budget{2500 * uniform(random), 8 * uniform(random)};
    const std::vector<SpendingStep> steps = spend(offers, budget);
    const std::vector<SiteChoice> choices = choices_after(steps, offers.size());
    const double found = loss_of(offers, choices);
    if (!steps.empty()) {
      EXPECT_NEAR(steps.back().loss, found, 1e-12);
      EXPECT_LE(steps.back().macs, budget.macs);
      EXPECT_LE(steps.back().tiles, budget.tiles);
    }
    const double best = best_of_all(offers, budget);
    EXPECT_GE(found, best - 1e-12);
    EXPECT_LE(found, 1.35 * best);
    total += found;
    least += best;
  }
  EXPECT_LE(total, 1.05 * least);
}

TEST(Budget, LossFallsWithEveryStepAndNothingIsBoughtWithoutItsResource) {
  const std::vector<SiteOffer> offers = {offer(1, 0.1, 0.9, 2, 100), offer(5, 0.1, 0.9, 2, 100)};
  double loss = loss_of(offers, {{}, {}});
  for (const SpendingStep& step : spend(offers, {3200, 8})) {
    EXPECT_LT(step.loss, loss);
    loss = step.loss;
  }
  for (const SpendingStep& step : spend(offers, {3200, 0})) EXPECT_EQ(step.choice.replicas, 1U);
  for (const SpendingStep& step : spend(offers, {0, 8})) EXPECT_EQ(step.choice.rank_index, 0U);
  EXPECT_TRUE(spend(offers, {0, 0}).empty());
  // The site whose noise costs five times as much is served first.
  EXPECT_EQ(spend(offers, {400, 0}).at(0).site, 1U);
}

TEST(Budget, RefusesOffersThatAreNotWhole) {
  std::vector<SiteOffer> offers = {offer(1, 0.1, 0.9, 2, 100)};
  offers[0].macs.pop_back();
  test::expect_error(ErrorCode::kInvalidArgument, "site 0", [&] { (void)spend(offers, {1, 1}); });
}

}  // namespace
}  // namespace xw::passes
