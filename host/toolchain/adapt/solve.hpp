// One site of an adaptation: from what flows into it to the tensors of the adapted model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compiler/passes/layer_error.hpp"
#include "compiler/passes/rewrite_sites.hpp"
#include "compiler/passes/sites.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/adapt/collect.hpp"

namespace xw::toolchain {

/// A site with the weights of its readers as they are in the checkpoint.
struct SiteProblem {
  const passes::Site* site = nullptr;
  const SiteData* data = nullptr;
  passes::RowBlocks blocks;
  std::vector<passes::Matrix> weights;  ///< of the readers, [out][in]
};

/// x / s of every row, without the directions `basis` and less `mean`, the mean of what is left.
[[nodiscard]] passes::Matrix reaching_the_chip(passes::Matrix vectors, std::span<const float> scales,
                                               const passes::Matrix& basis, std::span<const float> mean);
/// A moment of x to that of x / s.
void divide_both_sides(passes::Matrix& moment, std::span<const float> scales);

/// A layer's weights for inputs that are divided by `scales`.
void scale_columns(passes::Matrix& weights, std::span<const float> scales);

/// What flows into a site whose inputs are divided by scales.
struct ScaledInputs {
  passes::Matrix moment;    ///< E[x x^T] of what reaches the chip before directions are taken
  passes::Matrix signal;    ///< covariance
  std::vector<float> mean;  ///< that is taken; 0 without centring
};
[[nodiscard]] ScaledInputs scaled_inputs(const passes::InputStatistics& statistics, std::span<const float> scales,
                                         bool centre);

/// The scales of the site's inputs.
[[nodiscard]] passes::Equalisation choose_scales(const SiteProblem& problem, const AdaptPasses& passes,
                                                 const passes::ChipErrors& chip);

/// Tensors of an adapted site.
struct SolvedSite {
  passes::Matrix basis;                  ///< V of x as it flows (scaled), [rank][features]
  std::vector<float> shift;              ///< minus the mean of what is left; empty without centring
  std::vector<passes::Matrix> weights;   ///< of the readers, scaled and clipped
  std::vector<passes::Matrix> bypass;    ///< W V^T, [out][rank]
  std::vector<std::vector<float>> bias;  ///< W mu of the readers, which their own bias adds to; empty without centring
  AdaptedSite report;
};

/// `scales`: one per input of this site. `row_scales`: per reader one per output, from the sites that its outputs flow into; 1
/// where there is none. The problem's weights are not scaled yet. `copies`: of each reader on the chip.
[[nodiscard]] SolvedSite solve_site(const SiteProblem& problem, std::span<const float> scales,
                                    const std::vector<std::vector<float>>& row_scales, const AdaptPasses& passes,
                                    const passes::ChipErrors& chip, std::span<const std::uint32_t> copies);

}  // namespace xw::toolchain
