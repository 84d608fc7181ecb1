// The bound between the integer contract and the paper's floating-point forward pass, on synthetic layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/reference/equivalence.hpp"

#include <gtest/gtest.h>

#include <random>

#include "arch/support/error.hpp"

namespace xw::reference {
namespace {

struct Layer {
  std::vector<float> weight, x;
  afm::MatrixView weight_view, x_view;
  Layer(std::uint32_t seed, std::size_t outputs, std::size_t inputs, std::size_t batch) {
    std::mt19937 rng(seed);
    std::normal_distribution<float> normal;
    weight.resize(outputs * inputs);
    x.resize(batch * inputs);
    for (float& w : weight) w = 0.02F * std::clamp(normal(rng), -2.5F, 2.5F);  // clipped as the training does
    for (float& v : x) v = normal(rng);
    weight_view = {weight, outputs, inputs};
    x_view = {x, batch, inputs};
  }
};

TEST(Equivalence, AtMostOneStepOnFewOutputs) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    for (const std::size_t inputs : {64U, 512U, 1000U}) {
      for (const float beta : {3.0F, 8.0F}) {
        const Layer layer(seed, 200, inputs, 100);
        EquivalenceOptions options;
        options.beta = beta;
        const EquivalenceResult result = compare_with_afm_float(layer.weight_view, layer.x_view, options);
        SCOPED_TRACE(testing::Message() << "seed " << seed << " inputs " << inputs << " beta " << beta);
        EXPECT_EQ(result.outputs, 20000U);
        EXPECT_LE(result.largest_difference, 1);
        EXPECT_LT(result.different_fraction(), 0.005);
      }
    }
  }
}

TEST(Equivalence, HoldsForOtherResolutions) {
  const Layer layer(4, 100, 300, 100);
  for (const int dac_bits : {4, 6, 8}) {
    for (const int adc_bits : {4, 6, 8}) {
      EquivalenceOptions options;
      options.beta = 3.0F;
      options.dac_bits = dac_bits;
      options.adc_bits = adc_bits;
      const EquivalenceResult result = compare_with_afm_float(layer.weight_view, layer.x_view, options);
      EXPECT_LE(result.largest_difference, 1);
      EXPECT_LT(result.different_fraction(), 0.005) << dac_bits << ' ' << adc_bits;
    }
  }
}

TEST(Equivalence, CoarseCellsAreSeen) {  // the comparison is not blind: other weights give other codes
  const Layer layer(5, 100, 512, 100);
  EquivalenceOptions options;
  options.beta = 3.0F;
  options.same_weights = false;
  const double fine = compare_with_afm_float(layer.weight_view, layer.x_view, options).different_fraction();
  options.g_unit = 7;
  const double coarse = compare_with_afm_float(layer.weight_view, layer.x_view, options).different_fraction();
  std::cout << "different codes against unquantised weights: g_unit 127: " << fine << ", g_unit 7: " << coarse << '\n';
  EXPECT_GT(fine, 0.005);
  EXPECT_LT(fine, 0.25);
  EXPECT_GT(coarse, 3 * fine);
}

TEST(Equivalence, RejectsWhatDoesNotFit) {
  const Layer layer(6, 4, 10, 2);
  EXPECT_THROW((void)compare_with_afm_float(layer.weight_view, {layer.x, 4, 5}, {}), Error);
  EquivalenceOptions options;
  options.beta = 0.0F;
  EXPECT_THROW((void)compare_with_afm_float(layer.weight_view, layer.x_view, options), Error);
  const Layer large(7, 1, 1025, 1);
  EXPECT_THROW((void)compare_with_afm_float(large.weight_view, large.x_view, {}), Error);
  std::vector<float> nan = layer.x;
  nan[3] = NAN;
  EXPECT_THROW((void)compare_with_afm_float(layer.weight_view, {nan, 2, 10}, {}), Error);
}

}  // namespace
}  // namespace xw::reference
