// The order of a model's features that makes rows of a block alike.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "compiler/passes/reorder.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/adapt/solve.hpp"

namespace xw::toolchain {

/// What decides about the order of a site's inputs.
struct SiteRows {
  const passes::Site* site = nullptr;
  passes::RowBlocks blocks;
  std::vector<double> scores;  ///< per input
  std::vector<float> power;    ///< E[x^2] of what reaches the chip
  passes::Matrix samples;      ///< of the same
  std::vector<double> energy;  ///< of the outputs, per reader
};
/// `scales`: one per input.
[[nodiscard]] SiteRows site_rows(const SiteProblem& problem, std::span<const float> scales, bool centre);

/// Orders of the groups of `free`, by the scores of their rows; none where that is not expected to lower what the chip adds.
/// `weights_of`: of the readers of a site, scaled. What is expected of the orders is added to `sorted`.
[[nodiscard]] passes::Orders choose_orders(const passes::FreeOrders& free, std::span<const SiteRows> sites,
                                           const std::function<std::vector<passes::Matrix>(std::size_t)>& weights_of,
                                           const passes::ChipErrors& chip, ThreadPool& pool,
                                           std::vector<SortedFeatures>& sorted);

}  // namespace xw::toolchain
