// The DAC of every kernel against an independent rounding in double.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "models/analog/numerics.hpp"

namespace xw::analog {
namespace {

/// clamp(rne(fl(fl(x * dac_max) / beta))): the two fp32 roundings by way of double, the last one by floor and parity.
int oracle(float x, float beta, int dac_max) {
  const auto product = static_cast<float>(static_cast<double>(x) * dac_max);  // one rounding: the double is exact
  const auto quotient =
      static_cast<double>(static_cast<float>(static_cast<double>(product) / static_cast<double>(beta)));
  if (quotient >= dac_max) return dac_max;
  if (quotient <= -dac_max) return -dac_max;
  const double below = std::floor(quotient);
  const double fraction = quotient - below;
  const int integer = static_cast<int>(below);
  if (fraction > 0.5 || (fraction == 0.5 && integer % 2 != 0)) return integer + 1;
  return integer;
}

class DacTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = selected_kernel();
    select_kernel(GetParam());
  }
  void TearDown() override { select_kernel(before_); }

  static std::vector<std::int8_t> convert(const std::vector<float>& x, float beta, int dac_max) {
    std::vector<std::int8_t> codes(x.size() + 1, 99);
    EXPECT_TRUE(dac_convert(x, beta, dac_max, std::span(codes).first(x.size())));
    EXPECT_EQ(codes.back(), 99) << "wrote beyond the end";
    codes.pop_back();
    return codes;
  }

 private:
  std::string before_;
};

TEST_P(DacTest, EqualsTheOracle) {
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 300; ++round) {
    const float beta = std::exp(3.0F * normal(rng));
    const int dac_max = (1 << (1 + rng() % 7)) - 1;
    std::vector<float> x(rng() % 200);
    for (float& value : x) {
      value = beta * normal(rng);
      if (rng() % 4 == 0)
        value = beta * (static_cast<float>(rng() % 256) - 127.5F) / static_cast<float>(dac_max);  // ties
      if (rng() % 50 == 0)
        value = std::bit_cast<float>(static_cast<std::uint32_t>(rng()) & 0xBFFFFFFFU);  // any magnitude below 2
    }
    const std::vector<std::int8_t> codes = convert(x, beta, dac_max);
    for (std::size_t i = 0; i < x.size(); ++i)
      ASSERT_EQ(codes[i], oracle(x[i], beta, dac_max)) << x[i] << " beta " << beta << " max " << dac_max;
  }
}

TEST_P(DacTest, RoundsHalfToEvenAndClamps) {
  const std::vector<float> x = {0.0F,   -0.0F,  0.5F,   1.5F,  2.5F,   -0.5F,   -1.5F, -2.5F,
                                126.5F, 127.0F, 127.4F, 1e30F, -1e30F, -126.5F, 1e-40F};
  EXPECT_THAT(convert(x, 127.0F, 127),
              testing::ElementsAre(0, 0, 0, 2, 2, 0, -2, -2, 126, 127, 127, 127, -127, -126, 0));
}

TEST_P(DacTest, FindsEveryNonFiniteValueAtEveryPlace) {
  for (const float wrong : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::signaling_NaN()}) {
    for (std::size_t size = 1; size < 40; ++size) {
      for (std::size_t place = 0; place < size; ++place) {
        std::vector<float> x(size, 1.0F);
        x[place] = wrong;
        std::vector<std::int8_t> codes(size);
        ASSERT_FALSE(dac_convert(x, 1.0F, 127, codes)) << wrong << " at " << place << " of " << size;
      }
    }
  }
}

TEST_P(DacTest, AcceptsTheLargestFiniteValues) {
  const std::vector<float> x(20, std::numeric_limits<float>::max());  // x * dac_max overflows, which is full scale
  EXPECT_THAT(convert(x, 2.0F, 127), testing::Each(127));
}

INSTANTIATE_TEST_SUITE_P(Kernels, DacTest, testing::ValuesIn(available_kernels()),
                         [](const auto& test_info) { return test_info.param; });

}  // namespace
}  // namespace xw::analog
