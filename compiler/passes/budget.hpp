// Spending a budget of digital multiply-adds and tiles where it lowers a model's loss most.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xw::passes {

/// What a site may have, and what it would cost. Losses add up over sites: to first order in the noise, errors are independent.
struct SiteOffer {
  double loss_per_noise = 0;         ///< nats per token for a noise as large as the signal
  std::vector<std::uint32_t> ranks;  ///< directions that may be taken digitally, ascending from 0
  std::vector<double> copied_noise;  ///< per rank, over the signal: what falls with the number of copies (cells, ADC)
  std::vector<double> shared_noise;  ///< per rank: what does not (DAC)
  std::vector<std::uint64_t> macs;   ///< per rank: digital multiply-adds of a token
  double tiles = 0;                  ///< of one copy
  std::uint32_t max_replicas = 4;
};

struct SiteChoice {
  std::uint32_t rank_index = 0;  ///< into SiteOffer::ranks
  std::uint32_t replicas = 1;
  friend bool operator==(const SiteChoice&, const SiteChoice&) = default;
};

struct AdaptBudget {
  double macs = 0;   ///< digital multiply-adds of a token
  double tiles = 0;  ///< beside one copy of everything
};

/// One more thing bought, and where that leads.
struct SpendingStep {
  std::size_t site = 0;
  SiteChoice choice;
  double loss = 0;  ///< expected of all sites, after it
  double macs = 0, tiles = 0;
};

/// The loss that is expected of a site.
[[nodiscard]] double expected_loss(const SiteOffer& offer, const SiteChoice& choice);

/// Begins with nothing bought and takes, again and again, what lowers the loss most for its part of what the budget has of each
/// resource, until nothing that fits lowers it. Every prefix of the steps is a plan of a smaller budget, so that they trace
/// the best loss against costs. Without a resource (0) nothing that needs it is bought. Throws Error{kInvalidArgument} for offers whose
/// lists have different lengths or do not begin with rank 0.
[[nodiscard]] std::vector<SpendingStep> spend(std::span<const SiteOffer> offers, const AdaptBudget& budget);
/// What each site has at the end of the steps.
[[nodiscard]] std::vector<SiteChoice> choices_after(std::span<const SpendingStep> steps, std::size_t sites);

}  // namespace xw::passes
