// Spending a budget of digital multiply-adds and tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/budget.hpp"

#include <string>

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

void check(std::span<const SiteOffer> offers) {
  for (std::size_t s = 0; s < offers.size(); ++s) {
    const SiteOffer& offer = offers[s];
    const std::size_t n = offer.ranks.size();
    if (n == 0 || offer.ranks[0] != 0 || offer.copied_noise.size() != n || offer.shared_noise.size() != n ||
        offer.macs.size() != n || offer.max_replicas == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "budget: the offer of site " + std::to_string(s) +
                      " must have rank 0 first, and noise and multiply-adds for every rank");
    }
  }
}

}  // namespace

double expected_loss(const SiteOffer& offer, const SiteChoice& choice) {
  const std::size_t r = choice.rank_index;
  return offer.loss_per_noise * (offer.copied_noise[r] / choice.replicas + offer.shared_noise[r]);
}

std::vector<SpendingStep> spend(std::span<const SiteOffer> offers, const AdaptBudget& budget) {
  check(offers);
  std::vector<SiteChoice> now(offers.size());
  double loss = 0, macs = 0, tiles = 0;
  for (std::size_t s = 0; s < offers.size(); ++s) loss += expected_loss(offers[s], now[s]);
  std::vector<SpendingStep> steps;
  for (;;) {
    SpendingStep best;
    double best_rate = 0, best_gain = 0;
    const auto consider = [&](std::size_t s, const SiteChoice& choice) {
      const SiteOffer& offer = offers[s];
      const double more_macs =
          static_cast<double>(offer.macs[choice.rank_index]) - static_cast<double>(offer.macs[now[s].rank_index]);
      const double more_tiles = offer.tiles * (static_cast<double>(choice.replicas) - now[s].replicas);
      if (macs + more_macs > budget.macs || tiles + more_tiles > budget.tiles) return;
      const double gain = expected_loss(offer, now[s]) - expected_loss(offer, choice);
      const double cost =
          (more_macs > 0 ? more_macs / budget.macs : 0) + (more_tiles > 0 ? more_tiles / budget.tiles : 0);
      if (!(gain > 0) || !(cost > 0) || gain / cost <= best_rate) return;
      best_rate = gain / cost;
      best_gain = gain;
      best = {s, choice, 0, macs + more_macs, tiles + more_tiles};
    };
    for (std::size_t s = 0; s < offers.size(); ++s) {
      // Any higher rank: what two steps give together may be worth more than either.
      for (std::uint32_t r = now[s].rank_index + 1; r < offers[s].ranks.size(); ++r) consider(s, {r, now[s].replicas});
      if (now[s].replicas < offers[s].max_replicas) consider(s, {now[s].rank_index, now[s].replicas + 1});
    }
    if (best_rate == 0) return steps;
    now[best.site] = best.choice;
    macs = best.macs;
    tiles = best.tiles;
    loss -= best_gain;
    best.loss = loss;
    steps.push_back(best);
  }
}

std::vector<SiteChoice> choices_after(std::span<const SpendingStep> steps, std::size_t sites) {
  std::vector<SiteChoice> choices(sites);
  for (const SpendingStep& step : steps) choices.at(step.site) = step.choice;
  return choices;
}

}  // namespace xw::passes
