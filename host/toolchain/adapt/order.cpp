// Choosing the order of a model's features.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/order.hpp"

#include <algorithm>
#include <utility>

#include "arch/support/parallel.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::toolchain {

SiteRows site_rows(const SiteProblem& problem, std::span<const float> scales, bool centre) {
  const auto [moment, signal, mean] = scaled_inputs(problem.data->chip, scales, centre);
  std::vector<passes::Matrix> weights = problem.weights;
  for (passes::Matrix& matrix : weights) scale_columns(matrix, scales);
  SiteRows rows{problem.site,
                problem.blocks,
                passes::row_scores(weights),
                {},
                reaching_the_chip(problem.data->chip.samples(), scales, passes::Matrix(0, scales.size()), mean),
                {}};
  for (std::size_t i = 0; i < moment.rows; ++i) rows.power.push_back(std::max(0.0F, moment(i, i)));
  for (const passes::Matrix& matrix : weights)
    rows.energy.push_back(std::max(passes::output_energy(matrix, signal, transformer::kernels().matmul_f32), 1e-30));
  return rows;
}

passes::Orders choose_orders(const passes::FreeOrders& free, std::span<const SiteRows> sites,
                             const std::function<std::vector<passes::Matrix>(std::size_t)>& weights_of,
                             const passes::ChipErrors& chip, ThreadPool& pool, std::vector<SortedFeatures>& sorted) {
  const auto group_of = [&](std::size_t s) { return free.group_of[sites[s].site->value]; };
  const std::size_t groups = free.features.size();
  std::vector<std::vector<double>> scores(groups);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (group_of(s) == passes::FreeOrders::kFixed) continue;
    std::vector<double>& sum = scores[group_of(s)];
    sum.resize(free.features[group_of(s)]);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += sites[s].scores[i];
  }
  passes::Orders orders;
  for (const std::vector<double>& sum : scores) orders.push_back(passes::rising(sum));

  std::vector<std::pair<double, double>> noise(sites.size());  // before and after
  pool.for_each(sites.size(), [&](std::size_t s) {
    if (group_of(s) == passes::FreeOrders::kFixed) return;
    const SiteRows& rows = sites[s];
    const std::vector<passes::Matrix> weights = weights_of(s);
    const auto over_signal = [&](std::span<const std::uint32_t> order) {
      const std::vector<passes::InputConverter> converters =
          passes::best_converters(passes::columns_in_order(rows.samples, order), rows.blocks, chip.dac_max);
      double sum = 0;
      for (std::size_t r = 0; r < weights.size(); ++r)
        sum += passes::error_in_order(weights[r], rows.power, order, rows.blocks, converters, chip) / rows.energy[r];
      return sum;
    };
    noise[s] = {over_signal({}), over_signal(orders[group_of(s)])};
  });
  std::vector<SortedFeatures> gains(groups);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (group_of(s) == passes::FreeOrders::kFixed) continue;
    SortedFeatures& gain = gains[group_of(s)];
    gain.features = free.features[group_of(s)];
    ++gain.sites;
    gain.noise_before += noise[s].first;
    gain.noise_after += noise[s].second;
  }
  for (std::size_t g = 0; g < groups; ++g) {
    if (gains[g].noise_after < gains[g].noise_before) {
      sorted.push_back(gains[g]);
    } else {
      orders[g].clear();
    }
  }
  return orders;
}

}  // namespace xw::toolchain
