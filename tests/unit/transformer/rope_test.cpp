// Rotary embedding: rotation and the scaling formulas, against hand-computed values.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/rope.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "arch/support/error.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::transformer {
namespace {

RopeConfig plain(RopeStyle style, std::uint32_t dims, double theta = 10000) {
  RopeConfig config;
  config.style = style;
  config.dims = dims;
  config.theta = theta;
  return config;
}

TEST(Rope, FrequenciesFallGeometrically) {
  const auto w = rope_frequencies(plain(RopeStyle::kHalf, 8), 100);
  // 10000^(-2 i / 8) = 10^-i
  ASSERT_EQ(w.size(), 4U);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(w[static_cast<std::size_t>(i)], std::pow(10.0, -i), 1e-15);
}

TEST(Rope, LinearScalingDividesEveryFrequency) {
  RopeConfig config = plain(RopeStyle::kHalf, 8);
  config.scaling = "linear";
  config.factor = 4;
  const auto w = rope_frequencies(config, 100);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(w[static_cast<std::size_t>(i)], std::pow(10.0, -i) / 4, 1e-15);
}

TEST(Rope, Llama3ScalingMatchesHandComputedValues) {
  // Llama 3.2 1B: theta 500000, 64 dimensions, factor 32, low 1, high 4, original context 8192. Wavelengths below 2048 stay,
  // above 8192 are divided; pair i has wavelength 2 pi 500000^(i / 32).
  RopeConfig config = plain(RopeStyle::kHalf, 64, 500000);
  config.scaling = "llama3";
  config.factor = 32;
  config.low_freq_factor = 1;
  config.high_freq_factor = 4;
  config.original_context = 8192;
  const auto w = rope_frequencies(config, 131072);
  EXPECT_DOUBLE_EQ(w[0], 1.0);
  // i = 14: wavelength 1956.1, unchanged: exp(-14 / 32 ln 500000) = exp(-5.7410151...)
  EXPECT_NEAR(w[14], 3.2115e-3, 1e-7);
  // i = 15: base 2.13114e-3, wavelength 2948.3, smooth = (8192 / 2948.3 - 1) / 3 = 0.59284
  //   (1 - 0.59284) * 2.13114e-3 / 32 + 0.59284 * 2.13114e-3 = 1.29055e-3
  EXPECT_NEAR(w[15], 1.29055e-3, 5e-8);
  // i = 17: base 9.3847e-4, wavelength 6695.2, smooth 0.074527: 9.7082e-5
  EXPECT_NEAR(w[17], 9.7082e-5, 5e-9);
  // i = 18: wavelength 10089, divided by 32: base 6.2277e-4
  EXPECT_NEAR(w[18], 6.2277e-4 / 32, 1e-9);
  EXPECT_NEAR(w[31], std::exp(-31.0 / 32 * std::log(500000.0)) / 32, 1e-15);
}

TEST(Rope, LongRopeChoosesItsFactorsByTheLongestSequence) {
  RopeConfig config = plain(RopeStyle::kHalf, 4);
  config.scaling = "longrope";
  config.original_context = 4096;
  config.short_factors = {1.0, 2.0};
  config.long_factors = {4.0, 8.0};
  // 10000^0 = 1, 10000^(-2/4) = 0.01
  EXPECT_EQ(rope_frequencies(config, 4096), (std::vector<double>{1.0, 0.005}));
  EXPECT_EQ(rope_frequencies(config, 4097), (std::vector<double>{0.25, 0.00125}));
}

TEST(Rope, FactorsAndLinearScalingBothDivide) {
  RopeConfig config = plain(RopeStyle::kHalf, 4);
  config.scaling = "longrope";
  config.factor = 2;
  config.original_context = 16;
  config.short_factors = config.long_factors = {1.0, 4.0};
  // 10000^0 / 2 / 1, 10000^(-2/4) / 2 / 4
  EXPECT_EQ(rope_frequencies(config, 16), (std::vector<double>{0.5, 0.00125}));
  EXPECT_FALSE(depends_on_length(config));
}

TEST(Rope, SettingTheLengthChangesTheTableOnlyWhereTheFactorsChange) {
  RopeConfig config = plain(RopeStyle::kHalf, 4);
  EXPECT_FALSE(RopeTable(config, 1).set_length(1 << 20));
  config.scaling = "longrope";
  config.original_context = 16;
  config.short_factors = {1.0, 2.0};
  config.long_factors = {1.0, 3.0};
  RopeTable table(config, 1);
  EXPECT_FALSE(table.set_length(16));
  EXPECT_TRUE(table.set_length(17));
  EXPECT_FALSE(table.set_length(30));
  EXPECT_TRUE(table.set_length(3));
}

TEST(Rope, TheAttentionFactorCountsWithEveryScaling) {
  RopeConfig config = plain(RopeStyle::kHalf, 2);
  config.attention_factor = 1.5;
  RopeTable table(config, 1);
  table.extend(1);
  const float x[] = {2.0F, -4.0F};
  float y[2];
  table.rotate(x, 2, 0, y);
  EXPECT_FLOAT_EQ(y[0], 3.0F);
  EXPECT_FLOAT_EQ(y[1], -6.0F);
}

TEST(Rope, LongRopeScalesByTheAttentionFactor) {
  RopeConfig config = plain(RopeStyle::kHalf, 2);
  config.scaling = "longrope";
  config.original_context = 16;
  config.short_factors = {1.0};
  config.long_factors = {1.0};
  config.attention_factor = 1.25;
  RopeTable table(config, 16);
  table.extend(1);
  const float x[] = {3.0F, -2.0F};
  float y[2];
  table.rotate(x, 2, 0, y);
  EXPECT_FLOAT_EQ(y[0], 3.75F);
  EXPECT_FLOAT_EQ(y[1], -2.5F);
}

TEST(Rope, RotatesPairsAsComplexNumbers) {
  constexpr std::uint32_t kDim = 20;
  constexpr std::uint32_t kRotated = 12;  // partial: 8 dimensions pass
  const auto x = test::random_vector(kDim, 21);
  for (const RopeStyle style : {RopeStyle::kHalf, RopeStyle::kInterleaved}) {
    RopeTable table(plain(style, kRotated), 4096);
    table.extend(3001);
    for (const std::uint32_t position : {0U, 1U, 17U, 3000U}) {
      float y[kDim];
      table.rotate(x.data(), kDim, position, y);
      for (std::uint32_t i = 0; i < kRotated / 2; ++i) {
        const std::uint32_t a = style == RopeStyle::kHalf ? i : 2 * i;
        const std::uint32_t b = style == RopeStyle::kHalf ? i + kRotated / 2 : 2 * i + 1;
        const std::complex<double> expected =
            std::complex<double>(x[a], x[b]) * std::polar(1.0, position * std::pow(10000.0, -2.0 * i / kRotated));
        EXPECT_NEAR(y[a], expected.real(), 1e-6);
        EXPECT_NEAR(y[b], expected.imag(), 1e-6);
      }
      for (std::uint32_t i = kRotated; i < kDim; ++i) EXPECT_EQ(y[i], x[i]);
    }
  }
}

TEST(Rope, ExtendingInStepsGivesTheSameTable) {
  const RopeConfig config = plain(RopeStyle::kHalf, 8);
  RopeTable once(config, 64), steps(config, 64);
  once.extend(40);
  for (std::uint32_t end = 1; end <= 40; ++end) steps.extend(end);
  const auto x = test::random_vector(8, 22);
  for (std::uint32_t position = 0; position < 40; ++position) {
    float a[8], b[8];
    once.rotate(x.data(), 8, position, a);
    steps.rotate(x.data(), 8, position, b);
    for (int i = 0; i < 8; ++i) EXPECT_EQ(a[i], b[i]);
  }
}

ir::Node attention_node() {
  ir::Node node;
  node.kind = ir::OpKind::kAttention;
  node.attributes = {{"layer", std::int64_t{0}},
                     {"num_heads", std::int64_t{4}},
                     {"num_kv_heads", std::int64_t{2}},
                     {"head_dim", std::int64_t{8}},
                     {"scale", 0.25},
                     {"window", std::int64_t{0}},
                     {"rope_style", std::string("half")},
                     {"rope_dims", std::int64_t{8}},
                     {"rope_theta", 10000.0},
                     {"rope_scaling", std::string("none")}};
  return node;
}

void expect_format_error(const ir::Node& node, const std::string& text) {
  try {
    static_cast<void>(rope_config(node));
    FAIL() << "expected an error with: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

TEST(Rope, ReadsAttributes) {
  ir::Node node = attention_node();
  EXPECT_EQ(rope_config(node).dims, 8U);
  node.attributes["rope_style"] = std::string("none");
  EXPECT_EQ(rope_config(node).style, RopeStyle::kNone);
  node.attributes["rope_style"] = std::string("interleaved");
  EXPECT_EQ(rope_config(node).style, RopeStyle::kInterleaved);
  node.attributes["rope_factor"] = 2.0;
  node.attributes["rope_attention_factor"] = 1.25;
  EXPECT_EQ(rope_config(node).factor, 2.0);
  EXPECT_EQ(rope_config(node).attention_factor, 1.25);
}

TEST(Rope, RejectsImpossibleAttributes) {
  const auto with = [](const std::string& key, ir::Attribute value) {
    ir::Node node = attention_node();
    node.attributes[key] = std::move(value);
    return node;
  };
  expect_format_error(with("rope_style", std::string("spiral")),
                      "rope_style must be half, interleaved or none, found 'spiral'");
  expect_format_error(with("rope_dims", std::int64_t{7}), "rope_dims must be even and at most head_dim 8, found 7");
  expect_format_error(with("rope_dims", std::int64_t{10}), "found 10");
  expect_format_error(with("rope_theta", 0.0), "rope_theta must be positive");
  expect_format_error(with("rope_scaling", std::string("yarn")),
                      "rope_scaling must be none, linear, llama3 or longrope, found 'yarn'");
  ir::Node linear = with("rope_scaling", std::string("linear"));
  linear.attributes["rope_factor"] = 0.0;
  expect_format_error(linear, "rope_factor must be positive");
  ir::Node llama = with("rope_scaling", std::string("llama3"));
  llama.attributes["rope_factor"] = 8.0;
  llama.attributes["rope_original_context"] = std::int64_t{8192};
  llama.attributes["rope_low_freq_factor"] = 4.0;
  llama.attributes["rope_high_freq_factor"] = 4.0;
  expect_format_error(llama, "rope_high_freq_factor must exceed rope_low_freq_factor");
  llama.attributes["rope_original_context"] = std::int64_t{0};
  expect_format_error(llama, "rope_original_context must be positive");
  ir::Node longrope = with("rope_scaling", std::string("longrope"));
  longrope.attributes["rope_original_context"] = std::int64_t{4096};
  longrope.attributes["rope_attention_factor"] = 1.0;
  longrope.attributes["rope_short"] = std::vector<double>{1, 1, 1};
  longrope.attributes["rope_long"] = std::vector<double>{1, 1, 1, 1};
  expect_format_error(longrope, "rope_dims / 2 = 4 elements, found 3 and 4");
  longrope.attributes.erase("rope_long");
  expect_format_error(longrope, "attribute 'rope_long' must be a list of numbers");
}

}  // namespace
}  // namespace xw::transformer
