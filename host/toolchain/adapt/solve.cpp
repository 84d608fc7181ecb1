// One site of an adaptation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/solve.hpp"

#include <algorithm>
#include <cmath>

#include "compiler/passes/bypass.hpp"
#include "compiler/passes/clip.hpp"
#include "compiler/passes/equalise.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::toolchain {
namespace {

using passes::Matrix;

passes::Product product() {
  return transformer::kernels().matmul_f32;
}

std::vector<float> diagonal(const Matrix& matrix) {
  std::vector<float> values(matrix.rows);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::max(0.0F, matrix(i, i));
  return values;
}

double sum(std::span<const float> values) {
  double total = 0;
  for (const float value : values) total += static_cast<double>(value);
  return total;
}

/// Samples minus a vector.
Matrix minus(Matrix samples, std::span<const float> vector) {
  for (std::size_t v = 0; v < samples.rows; ++v) {
    for (std::size_t i = 0; i < samples.cols; ++i) samples(v, i) -= vector[i];
  }
  return samples;
}

/// Programming noise and converters at the outputs of a layer, summed over them.
double chip_error(const Matrix& weights, const passes::RowBlocks& blocks, std::span<const float> power,
                  const std::vector<passes::InputConverter>& converters, const passes::ChipErrors& chip) {
  double error = 0;
  for (std::size_t o = 0; o < weights.rows; ++o)
    error += passes::output_error(weights.row(o), blocks, power, converters, chip);
  return error;
}

/// How much dearer a known change is than noise: a model reads other text than it was calibrated on, and a change is the same for
/// every vector, where noise differs from column to column. SmolLM2-135M, wiki.test.raw, 4,096 tokens, level clip: ideal and
/// pcm-afm 35.46 and 39.80 with 1 (without the prediction error), 34.41 and 39.35 with 2.
constexpr double kOtherText = 2;

/// How much larger the error of a least-squares fit of `parameters` numbers is on other vectors than on the `vectors` that it was
/// fitted to: the final prediction error (Akaike 1970), bounded where there are too few vectors for the estimate.
double prediction_error(std::uint64_t vectors, std::size_t parameters) {
  constexpr double kLargest = 4;
  const auto n = static_cast<double>(vectors), p = static_cast<double>(parameters);
  return n * (kLargest - 1) > p * (kLargest + 1) ? (n + p) / (n - p) : kLargest;
}

}  // namespace

Matrix reaching_the_chip(Matrix vectors, std::span<const float> scales, const Matrix& basis,
                         std::span<const float> mean) {
  for (std::size_t v = 0; v < vectors.rows; ++v) {
    const std::span<float> row = vectors.row(v);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] /= scales[i];
    passes::remove_directions(basis, row);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] -= mean[i];
  }
  return vectors;
}

void divide_both_sides(Matrix& moment, std::span<const float> scales) {
  for (std::size_t i = 0; i < moment.rows; ++i) {
    for (std::size_t j = 0; j < moment.cols; ++j) moment(i, j) /= scales[i] * scales[j];
  }
}

void scale_columns(Matrix& weights, std::span<const float> scales) {
  for (std::size_t o = 0; o < weights.rows; ++o) {
    for (std::size_t i = 0; i < weights.cols; ++i) weights(o, i) *= scales[i];
  }
}

ScaledInputs scaled_inputs(const passes::InputStatistics& statistics, std::span<const float> scales, bool centre) {
  ScaledInputs inputs{centre ? statistics.covariance() : statistics.second_moment(), statistics.covariance(),
                      centre ? statistics.mean() : std::vector<float>(scales.size())};
  divide_both_sides(inputs.moment, scales);
  divide_both_sides(inputs.signal, scales);
  for (std::size_t i = 0; i < scales.size(); ++i) inputs.mean[i] /= scales[i];
  return inputs;
}

passes::Equalisation choose_scales(const SiteProblem& problem, const AdaptPasses& options,
                                   const passes::ChipErrors& chip) {
  const passes::InputStatistics& statistics = problem.data->chip;
  passes::SiteInputs inputs;
  const std::vector<float> none(problem.site->features);
  inputs.moment = options.centre ? statistics.covariance() : statistics.second_moment();
  inputs.power = diagonal(inputs.moment);
  inputs.samples = minus(statistics.samples(), options.centre ? statistics.mean() : none);
  return passes::equalise(*problem.site, inputs, problem.weights, problem.blocks, chip, product());
}

SolvedSite solve_site(const SiteProblem& problem, std::span<const float> scales,
                      const std::vector<std::vector<float>>& row_scales, const AdaptPasses& options,
                      const passes::ChipErrors& chip, std::span<const std::uint32_t> copies) {
  const passes::InputStatistics& statistics = problem.data->chip;
  const std::size_t features = problem.site->features;
  SolvedSite solved;
  solved.report.name = problem.site->name;

  // What flows, and what of it reaches the chip.
  auto [rest, scaled_signal, mean] = scaled_inputs(statistics, scales, options.centre);
  solved.basis = Matrix(0, features);
  if (options.rank > 0) {
    const std::size_t rank = std::min<std::size_t>(options.rank, features);
    solved.basis = passes::principal_directions(rest, rank, product()).basis;
    rest = passes::rest_of(rest, solved.basis, product());
  }
  passes::remove_directions(solved.basis, mean);
  const std::vector<float> power = diagonal(rest);
  Matrix whole = statistics.second_moment();
  const std::vector<float> power_before = diagonal(whole);
  divide_both_sides(whole, scales);
  solved.report.held = 1 - sum(power) / std::max(sum(diagonal(whole)), 1e-30);
  const Matrix samples = reaching_the_chip(statistics.samples(), scales, solved.basis, mean);
  const std::vector<passes::InputConverter> converters = passes::best_converters(samples, problem.blocks, chip.dac_max);
  const std::vector<passes::InputConverter> converters_before =
      passes::best_converters(statistics.samples(), problem.blocks, chip.dac_max);
  Matrix beside = reaching_the_chip(problem.data->beside, scales, solved.basis, mean);
  const double positions = static_cast<double>(statistics.count() + beside.rows);
  for (float& value : beside.data) value *= static_cast<float>(std::sqrt(1 / positions));

  if (options.centre) {
    for (const float value : mean) solved.shift.push_back(-value);
  }
  const Matrix signal = statistics.covariance();
  for (std::size_t r = 0; r < problem.weights.size(); ++r) {
    AdaptedLayer layer;
    Matrix weights = problem.weights[r];
    const double energy = std::max(passes::output_energy(weights, signal, product()), 1e-30);
    layer.noise_before = chip_error(weights, problem.blocks, power_before, converters_before, chip) / energy;
    // Scales of rows change signal and noise alike; they are relative to the signal with them.
    for (std::size_t o = 0; o < weights.rows; ++o) {
      for (std::size_t i = 0; i < features; ++i) weights(o, i) *= row_scales[r][o] * scales[i];
    }
    const double scaled_energy = std::max(passes::output_energy(weights, scaled_signal, product()), 1e-30);
    if (options.centre) {
      std::vector<float> bias(weights.rows);
      for (std::size_t o = 0; o < weights.rows; ++o) bias[o] = static_cast<float>(passes::dot(weights.row(o), mean));
      solved.bias.push_back(std::move(bias));
    }
    if (solved.basis.rows > 0) {
      Matrix bypass(weights.rows, solved.basis.rows);
      for (std::size_t o = 0; o < weights.rows; ++o) {
        for (std::size_t k = 0; k < bypass.cols; ++k)
          bypass(o, k) = static_cast<float>(passes::dot(weights.row(o), solved.basis.row(k)));
      }
      solved.bypass.push_back(std::move(bypass));
    }
    if (options.clip) {
      passes::ClippedWeights clipped = passes::clip(
          weights, rest, beside, problem.blocks, converters, chip,
          {.compensate = options.compensate,
           .ridge = options.ridge * static_cast<double>(features) / static_cast<double>(statistics.count()),
           .change_weight = kOtherText * (options.compensate ? prediction_error(statistics.count(), features) : 1),
           .copies = copies[r]},
          product());
      layer.change = clipped.change / scaled_energy;
      layer.clip_level = clipped.mean_level;
      weights = std::move(clipped.weights);
    }
    layer.noise_after = chip_error(weights, problem.blocks, power, converters, chip) / copies[r] / scaled_energy;
    solved.weights.push_back(std::move(weights));
    solved.report.layers.push_back(std::move(layer));
  }
  return solved;
}

}  // namespace xw::toolchain
