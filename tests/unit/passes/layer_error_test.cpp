// Expected errors against simulated ones; equalisation and clipping lower what is simulated.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/layer_error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "compiler/passes/clip.hpp"
#include "compiler/passes/equalise.hpp"
#include "compiler/passes/input_statistics.hpp"
#include "tests/unit/passes/numbers.hpp"

namespace xw::passes {
namespace {

using test::plain_product;

constexpr std::uint32_t kInputs = 96;

/// Cells whose error grows with the weight.
float cell_sigma(float magnitude) {
  return 0.03F + 0.06F * magnitude;
}

ChipErrors example_chip() {
  ChipErrors chip;
  for (int i = 0; i <= 200; ++i) {
    const float sigma = cell_sigma(static_cast<float>(i) / 200);
    chip.cell.push_back(sigma * sigma);
  }
  return chip;
}

RowBlocks two_blocks() {
  return {{0, 64}, kInputs};
}

struct Data {
  Matrix x = test::correlated_vectors(400, kInputs, 3);
  Matrix moment;
  std::vector<float> power;
  Data() {
    InputStatistics statistics(kInputs, 1);
    statistics.add(x.data, plain_product);
    moment = statistics.second_moment();
    for (std::size_t i = 0; i < kInputs; ++i) power.push_back(moment(i, i));
  }
};

/// Mean square difference of (W' + noise) x and W x over vectors and chips, summed over the outputs: programming only.
double simulated_error(const Matrix& exact, const Matrix& programmed, const Matrix& x, const RowBlocks& blocks) {
  constexpr int kChips = 400;
  std::mt19937 random(17);
  std::normal_distribution<float> normal;
  double total = 0;
  for (int chip = 0; chip < kChips; ++chip) {
    Matrix noisy = programmed;
    std::vector<float> maxima(blocks.size());
    for (std::size_t o = 0; o < noisy.rows; ++o) {
      block_maxima(programmed.row(o), blocks, maxima);
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        for (std::uint32_t i = blocks.begin(b); i < blocks.end(b); ++i)
          noisy(o, i) += maxima[b] * cell_sigma(std::fabs(programmed(o, i)) / maxima[b]) * normal(random);
      }
    }
    const Matrix y = times_transposed(x, noisy, plain_product);
    const Matrix expected = times_transposed(x, exact, plain_product);
    for (std::size_t k = 0; k < y.data.size(); ++k) {
      const double error = static_cast<double>(y.data[k]) - static_cast<double>(expected.data[k]);
      total += error * error;
    }
  }
  return total / (kChips * static_cast<double>(x.rows));
}

TEST(LayerError, ProgrammingErrorIsWhatChipsShow) {
  const Data data;
  const Matrix weights = test::random_matrix(10, kInputs, 21, 0.1F);
  const RowBlocks blocks = two_blocks();
  double expected = 0;
  std::vector<float> maxima(blocks.size());
  for (std::size_t o = 0; o < weights.rows; ++o) {
    block_maxima(weights.row(o), blocks, maxima);
    expected += programming_error(weights.row(o), maxima, blocks, data.power, example_chip());
  }
  EXPECT_NEAR(simulated_error(weights, weights, data.x, blocks) / expected, 1, 0.08);
}

TEST(LayerError, ConvertersRoundAndClip) {
  Matrix samples(1000, 4);
  for (std::size_t v = 0; v < samples.rows; ++v) {
    for (std::size_t i = 0; i < 4; ++i) samples(v, i) = (static_cast<float>(v) / 500 - 1) * (i < 2 ? 1.0F : 10.0F);
  }
  const std::vector<InputConverter> converters = best_converters(samples, {{0, 2}, 4}, 127);
  ASSERT_EQ(converters.size(), 2U);
  // Uniform values: the best range is the largest, the error a twelfth of a squared step.
  EXPECT_NEAR(converters[0].range, 1, 0.02);
  EXPECT_NEAR(converters[0].mean_square / (1.0 / 127 / 127 / 12), 1, 0.1);
  EXPECT_NEAR(converters[1].mean_square / converters[0].mean_square, 100, 5);
}

TEST(Equalise, LowersTheErrorAndKeepsTheGeometricMean) {
  const Data data;
  Matrix weights = test::random_matrix(16, kInputs, 8, 0.1F);
  for (std::size_t o = 0; o < weights.rows; ++o) weights(o, 3) *= 12;  // a column that makes all others small
  Site site;
  site.features = site.num_scales = kInputs;
  site.fold = FoldKind::kNorm;
  site.scale_of.resize(kInputs);
  std::iota(site.scale_of.begin(), site.scale_of.end(), 0U);
  const SiteInputs inputs{data.power, data.x, data.moment};
  const Equalisation found = equalise(site, inputs, {weights}, two_blocks(), example_chip(), plain_product);
  EXPECT_LT(found.error_after, 0.8 * found.error_before);
  double logs = 0;
  for (const float s : found.scales) logs += std::log(static_cast<double>(s));
  EXPECT_NEAR(logs, 0, 1e-3);
  // The same by simulation: W diag(s) on x / s.
  Matrix scaled = weights;
  Matrix x = data.x;
  for (std::size_t i = 0; i < kInputs; ++i) {
    for (std::size_t o = 0; o < weights.rows; ++o) scaled(o, i) *= found.scales[i];
    for (std::size_t v = 0; v < x.rows; ++v) x(v, i) /= found.scales[i];
  }
  EXPECT_LT(simulated_error(scaled, scaled, x, two_blocks()),
            0.8 * simulated_error(weights, weights, data.x, two_blocks()));

  site.fold = FoldKind::kNone;
  const Equalisation none = equalise(site, inputs, {weights}, two_blocks(), example_chip(), plain_product);
  EXPECT_EQ(none.scales, std::vector<float>(kInputs, 1.0F));
}

TEST(Clip, LowersWhatChipsShow) {
  const Data data;
  Matrix weights = test::random_matrix(12, kInputs, 31, 0.1F);
  const RowBlocks blocks = two_blocks();
  const std::vector<InputConverter> converters = best_converters(data.x, blocks, 127);
  const Matrix none(0, kInputs);
  std::array<double, 2> errors{};
  const double before = simulated_error(weights, weights, data.x, blocks);
  for (const bool compensate : {false, true}) {
    const ClippedWeights clipped = clip(weights, data.moment, none, blocks, converters, example_chip(),
                                        {.compensate = compensate, .ridge = 1e-3}, plain_product);
    EXPECT_LT(clipped.noise_after, clipped.noise_before);
    EXPECT_LT(clipped.mean_level, 1);
    errors[compensate ? 1 : 0] = simulated_error(weights, clipped.weights, data.x, blocks);
    // Noise and the known change are all there is.
    EXPECT_NEAR((clipped.noise_after + clipped.change) / errors[compensate ? 1 : 0], 1, 0.1);
  }
  EXPECT_LT(errors[0], 1.01 * before);
  EXPECT_LT(errors[1], 0.95 * errors[0]);
}

/// Each result is the best by its own measure, and copies weigh as a change that is dearer.
TEST(Clip, CopiesAndDearChangesClipLess) {
  const Data data;
  const Matrix weights = test::random_matrix(12, kInputs, 31, 0.1F);
  const RowBlocks blocks = two_blocks();
  const auto clipped = [&](double change_weight, std::uint32_t copies) {
    return clip(weights, data.moment, Matrix(0, kInputs), blocks, best_converters(data.x, blocks, 127), example_chip(),
                {.ridge = 1e-3, .change_weight = change_weight, .copies = copies}, plain_product);
  };
  const ClippedWeights one = clipped(1, 1), four = clipped(1, 4);
  const double noise_of_four = 4 * four.noise_after;  // of a single copy
  EXPECT_LT(four.change, one.change);
  EXPECT_GT(noise_of_four, one.noise_after);
  EXPECT_LT(four.change + noise_of_four / 4, one.change + one.noise_after / 4);
  EXPECT_LT(one.change + one.noise_after, four.change + noise_of_four);
  EXPECT_GT(four.mean_level, one.mean_level);
  EXPECT_EQ(clipped(4, 1).weights.data, four.weights.data);
}

TEST(Clip, LeavesWhatGainsNothing) {
  const Data data;
  const Matrix weights = test::random_matrix(4, kInputs, 41, 0.1F);
  ChipErrors chip = example_chip();
  std::fill(chip.cell.begin(), chip.cell.end(), 0.0F);  // no noise: every change is a loss
  const RowBlocks blocks = two_blocks();
  const ClippedWeights clipped = clip(weights, data.moment, Matrix(0, kInputs), blocks,
                                      best_converters(data.x, blocks, 127), chip, {}, plain_product);
  EXPECT_EQ(clipped.weights.data, weights.data);
  EXPECT_EQ(clipped.change, 0);
}

}  // namespace
}  // namespace xw::passes
