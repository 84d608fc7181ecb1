// Noise on weights: moments, and what it is a function of.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/noise.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "arch/support/error.hpp"
#include "models/cells/pcm_afm.hpp"
#include "models/finetune/analog_linear.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;

TEST(NoiseSource, DeviatesAreStandardNormal) {
  NoiseSource source(torch::kCPU);
  source.seed(11);
  const Tensor x = source.normal({700, 900}, torch::kFloat32);
  EXPECT_NEAR(x.mean().item<double>(), 0, 0.01);
  EXPECT_NEAR(x.std().item<double>(), 1, 0.01);
  EXPECT_NEAR(x.pow(4).mean().item<double>(), 3, 0.1);
  EXPECT_NEAR((x[0] * x[1]).mean().item<double>(), 0, 0.15);
}

TEST(NoiseSource, DependsOnTheSeedAlone) {
  NoiseSource a(torch::kCPU), b(torch::kCPU);
  a.seed(3);
  b.seed(4);
  static_cast<void>(b.normal({10}, torch::kFloat32));
  const Tensor first = a.normal({5000}, torch::kFloat32);
  EXPECT_FALSE(at::equal(first, a.normal({5000}, torch::kFloat32)));
  EXPECT_FALSE(at::equal(first, b.normal({5000}, torch::kFloat32)));
  b.seed(3);
  EXPECT_TRUE(at::equal(first, b.normal({5000}, torch::kFloat32)));
}

/// The deviation of noisy weights, bin by bin, is that of IBM's polynomial.
TEST(CellNoise, DeviationIsThatOfThePolynomial) {
  WeightNoise noise;
  noise.table = cell_noise_table("pcm-afm", 0, false, 1, torch::kCPU);
  AnalogLayer layer;
  constexpr std::int64_t kRows = 4000;
  const std::vector<double> magnitudes = {0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0};
  layer.weight = torch::tensor(magnitudes).to(torch::kFloat32).mul(0.02).repeat({kRows, 1});
  layer.block_cuts = layer.range_cuts = {0, static_cast<std::int64_t>(magnitudes.size())};
  Converters converters;
  converters.adc_max = 0;
  NoiseSource source(torch::kCPU);
  source.seed(5);
  for (const bool is_fused : {true, false}) {
    use_fused_loops(is_fused);
    const PreparedWeights weights = prepare_weights(layer, converters, noise, source, torch::kFloat32);
    const Tensor error = (weights.values - layer.weight) / 0.02;
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      const double expected = cells::pcm_afm_sigma(magnitudes[i]);
      EXPECT_NEAR(error.select(1, static_cast<std::int64_t>(i)).std().item<double>(), expected, 0.05 * expected)
          << magnitudes[i];
    }
  }
  use_fused_loops(true);
}

/// A day of drift takes most of a large weight's worth away if nothing compensates; one factor gives nearly all of that back.
TEST(CellNoise, OfACompensatedChipIsTheSpreadOfDriftAlone) {
  constexpr double kDay = 86400;
  const Tensor fresh = cell_noise_table("pcm-afm", 0, false, 1, torch::kCPU);
  const Tensor drifted = cell_noise_table("pcm-afm", kDay, false, 1, torch::kCPU);
  const Tensor compensated = cell_noise_table("pcm-afm", kDay, true, 1, torch::kCPU);
  const std::int64_t middle = fresh.numel() / 3;
  EXPECT_GT(drifted[middle].item<double>(), 1.5 * compensated[middle].item<double>());
  EXPECT_GT(compensated[middle].item<double>(), fresh[middle].item<double>());
  EXPECT_TRUE(at::equal(cell_noise_table("pcm-afm", 0, true, 1, torch::kCPU), fresh));
}

TEST(CellNoise, RefusesUnknownModels) {
  EXPECT_THROW(static_cast<void>(cell_noise_table("no-such-cell", 0, false, 1, torch::kCPU)), Error);
}

}  // namespace
}  // namespace xw::finetune
