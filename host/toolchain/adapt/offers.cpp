// What a site of an adaptation may have.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/offers.hpp"

#include <algorithm>
#include <array>

#include "compiler/passes/bypass.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::toolchain {
namespace {

using passes::Matrix;

constexpr std::array<std::uint32_t, 8> kRanks = {0, 4, 8, 16, 24, 32, 48, 64};

}  // namespace

passes::SiteOffer make_offer(const SiteProblem& problem, std::span<const float> scales, const AdaptPasses& options,
                             const passes::ChipErrors& chip) {
  const passes::Product product = transformer::kernels().matmul_f32;
  const passes::InputStatistics& statistics = problem.data->chip;
  const std::size_t features = problem.site->features;
  const auto [moment, signal, mean] = scaled_inputs(statistics, scales, options.centre);
  std::vector<Matrix> weights = problem.weights;
  std::vector<double> energies;
  std::uint64_t outputs = 0;
  for (Matrix& of_reader : weights) {
    outputs += of_reader.rows;
    scale_columns(of_reader, scales);
    energies.push_back(std::max(passes::output_energy(of_reader, signal, product), 1e-30));
  }

  passes::SiteOffer offer;
  for (const std::uint32_t rank : kRanks) {
    if (rank == 0 || rank <= features / 4) offer.ranks.push_back(rank);
  }
  const passes::Directions all = passes::principal_directions(moment, offer.ranks.back(), product);
  for (const std::uint32_t rank : offer.ranks) {
    Matrix basis(rank, features);
    std::copy_n(all.basis.data.begin(), basis.data.size(), basis.data.begin());
    std::vector<float> power(features);
    for (std::size_t i = 0; i < features; ++i) {
      double left = static_cast<double>(moment(i, i));
      for (std::size_t k = 0; k < rank; ++k) {
        const auto v = static_cast<double>(basis(k, i));
        left -= all.variance[k] * v * v;
      }
      power[i] = static_cast<float>(std::max(0.0, left));
    }
    std::vector<float> rest = mean;
    passes::remove_directions(basis, rest);
    const Matrix samples = reaching_the_chip(statistics.samples(), scales, basis, rest);
    const std::vector<passes::InputConverter> converters =
        passes::best_converters(samples, problem.blocks, chip.dac_max);
    double copied = 0, shared = 0;
    std::vector<float> maxima(problem.blocks.size());
    for (std::size_t r = 0; r < weights.size(); ++r) {
      double copied_here = 0, shared_here = 0;
      for (std::size_t o = 0; o < weights[r].rows; ++o) {
        const std::span<const float> row = weights[r].row(o);
        passes::block_maxima(row, problem.blocks, maxima);
        copied_here += passes::programming_error(row, maxima, problem.blocks, power, chip) +
                       passes::adc_error(maxima, converters, chip);
        shared_here += passes::dac_error(row, problem.blocks, converters);
      }
      copied += copied_here / energies[r];
      shared += shared_here / energies[r];
    }
    offer.copied_noise.push_back(copied);
    offer.shared_noise.push_back(shared);
    offer.macs.push_back(std::uint64_t{rank} * (2 * std::uint64_t{features} + outputs));
  }
  return offer;
}

}  // namespace xw::toolchain
