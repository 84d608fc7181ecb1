// The inner loops: against double precision, and bit for bit against each other.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/kernels.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "arch/support/half.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::transformer {
namespace {

using test::random_vector;

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  bits.reserve(values.size());
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

struct Shape {
  std::size_t rows, n, k;
};
const Shape kShapes[] = {{1, 1, 1},      {3, 2, 5},      {4, 4, 16},   {5, 1, 17},   {8, 3, 31},
                         {9, 5, 33},     {17, 7, 64},    {33, 9, 100}, {64, 4, 576}, {130, 13, 48},
                         {300, 6, 1536}, {150, 20, 577}, {5, 8, 8300}};

std::vector<float> product(const Kernels& run, const std::vector<float>& w, const std::vector<float>& x,
                           const Shape& s) {
  std::vector<float> y(s.n * s.rows);
  run.matmul_f32(w.data(), s.k, s.rows, x.data(), s.k, s.n, s.k, y.data(), s.rows);
  return y;
}

TEST(Kernels, MatmulIsWithinRoundingOfDoublePrecision) {
  for (const Kernels* run : available_kernels()) {
    for (const Shape& s : kShapes) {
      const auto w = random_vector(s.rows * s.k, 1);
      const auto x = random_vector(s.n * s.k, 2);
      const auto y = product(*run, w, x, s);
      for (std::size_t v = 0; v < s.n; ++v) {
        for (std::size_t r = 0; r < s.rows; ++r) {
          double sum = 0;
          double magnitude = 0;
          for (std::size_t k = 0; k < s.k; ++k) {
            const double p = static_cast<double>(w[r * s.k + k]) * static_cast<double>(x[v * s.k + k]);
            sum += p;
            magnitude += std::abs(p);
          }
          // Each of the k / 16 + 4 additions of a sum rounds by at most 2^-24 of its partial sum.
          const double bound = magnitude * (static_cast<double>(s.k) / 16 + 5) * 0x1p-24;
          ASSERT_NEAR(y[v * s.rows + r], sum, bound) << run->name << " rows " << s.rows << " k " << s.k;
        }
      }
    }
  }
}

TEST(Kernels, MatmulBitsDependNeitherOnInstructionSetNorOnBatch) {
  for (const Shape& s : kShapes) {
    const auto w = random_vector(s.rows * s.k, 3);
    const auto x = random_vector(s.n * s.k, 4);
    const auto expected = bits_of(product(*available_kernels().back(), w, x, s));
    for (const Kernels* run : available_kernels()) {
      EXPECT_EQ(bits_of(product(*run, w, x, s)), expected) << run->name << " k " << s.k;
      std::vector<float> one_by_one(s.n * s.rows);
      for (std::size_t v = 0; v < s.n; ++v) {
        for (std::size_t r = 0; r < s.rows; ++r) {
          run->matmul_f32(w.data() + r * s.k, s.k, 1, x.data() + v * s.k, s.k, 1, s.k,
                          one_by_one.data() + v * s.rows + r, 1);
        }
      }
      EXPECT_EQ(bits_of(one_by_one), expected) << run->name << " one by one, k " << s.k;
    }
  }
}

TEST(Kernels, MatmulOfSixteenBitWeightsEqualsThatOfTheirValues) {
  for (const Shape& s : kShapes) {
    const auto x = random_vector(s.n * s.k, 6);
    std::vector<Fp16> half(s.rows * s.k);
    std::vector<Bf16> brain(s.rows * s.k);
    std::vector<float> half_values, brain_values;
    const auto w = random_vector(s.rows * s.k, 5);
    for (std::size_t i = 0; i < w.size(); ++i) {
      half[i].bits = float_to_half(i % 7 == 0 ? w[i] * 1e-5F : w[i]);  // some subnormal ones
      brain[i].bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(w[i]) >> 16);
      half_values.push_back(half_to_float(half[i].bits));
      brain_values.push_back(bfloat16_to_float(brain[i].bits));
    }
    for (const Kernels* run : available_kernels()) {
      std::vector<float> y(s.n * s.rows);
      run->matmul_f16(half.data(), s.k, s.rows, x.data(), s.k, s.n, s.k, y.data(), s.rows);
      EXPECT_EQ(bits_of(y), bits_of(product(*run, half_values, x, s))) << run->name;
      run->matmul_bf16(brain.data(), s.k, s.rows, x.data(), s.k, s.n, s.k, y.data(), s.rows);
      EXPECT_EQ(bits_of(y), bits_of(product(*run, brain_values, x, s))) << run->name;
    }
  }
}

TEST(Kernels, OuterAddsTermsInAscendingOrder) {
  for (const std::size_t rows : {1U, 2U, 3U, 5U, 6U, 13U}) {
    for (const std::size_t groups : {1U, 3U, 4U, 9U}) {
      constexpr std::size_t kTerms = 37;
      const auto a = random_vector(rows * kTerms, 7);
      const auto b = random_vector(kTerms * groups * 16, 8);
      std::vector<float> expected(rows * groups * 16);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t j = 0; j < groups * 16; ++j) {
          float sum = 0;
          for (std::size_t t = 0; t < kTerms; ++t) sum = std::fma(a[r * kTerms + t], b[t * groups * 16 + j], sum);
          expected[r * groups * 16 + j] = sum;
        }
      }
      for (const Kernels* run : available_kernels()) {
        std::vector<float> c(expected.size());
        run->outer(a.data(), kTerms, rows, b.data(), groups * 16, 16, kTerms, groups, c.data(), groups * 16);
        EXPECT_EQ(bits_of(c), bits_of(expected)) << run->name << " rows " << rows << " groups " << groups;
      }
    }
  }
}

TEST(Kernels, OuterOfHalvesIsThatOfTheirValues) {
  constexpr std::size_t kTerms = 37, kGroups = 5;
  std::vector<Fp16> halves(kTerms * kGroups * 16);
  std::vector<float> values;
  std::uint32_t state = 54321;
  for (Fp16& half : halves) {
    half.bits = static_cast<std::uint16_t>((state = state * 1664525U + 1013904223U) >> 16);
    if ((half.bits & 0x7C00U) == 0x7C00U) half.bits &= 0x83FFU;  // subnormals instead of infinities and NaN
    values.push_back(half_to_float(half.bits));
  }
  for (const std::size_t rows : {1U, 3U, 8U}) {
    const auto a = random_vector(rows * kTerms, 33);
    for (const Kernels* run : available_kernels()) {
      std::vector<float> c(rows * kGroups * 16), expected(c.size());
      run->outer_f16(a.data(), kTerms, rows, halves.data(), kGroups * 16, 16, kTerms, kGroups, c.data(), kGroups * 16);
      run->outer(a.data(), kTerms, rows, values.data(), kGroups * 16, 16, kTerms, kGroups, expected.data(),
                 kGroups * 16);
      EXPECT_EQ(bits_of(c), bits_of(expected)) << run->name << ", " << rows << " rows";
    }
  }
}

TEST(Kernels, SumsOfIntegersBecomeOutputs) {
  constexpr std::size_t kIn = 9;
  for (const std::size_t n : {1U, 15U, 16U, 64U, 70U, 200U}) {
    const std::size_t groups = (n + kInt8Lanes - 1) / kInt8Lanes;
    std::vector<std::int8_t> weights(groups * kIn * kInt8Lanes);
    std::vector<std::int32_t> sums(n);
    std::uint32_t state = 99;
    for (std::int8_t& weight : weights)
      weight = static_cast<std::int8_t>((state = state * 1664525U + 1013904223U) >> 24);
    for (std::int32_t& sum : sums) sum = static_cast<std::int32_t>(state = state * 1664525U + 1013904223U);
    const auto scales = random_vector(n, 41), values = random_vector(kInt8Outliers, 42);
    const std::uint32_t outliers[kInt8Outliers] = {8, 0, 3, 7};
    const Int8Finish finish{weights.data(), kIn * kInt8Lanes, outliers, values.data(), scales.data(), 0.37F};
    std::vector<float> expected(n);
    for (std::size_t c = 0; c < n; ++c) {
      float result = static_cast<float>(sums[c]) * 0.37F;
      for (std::size_t t = 0; t < kInt8Outliers; ++t) {
        const std::int8_t weight =
            weights[c / kInt8Lanes * kIn * kInt8Lanes + outliers[t] * kInt8Lanes + c % kInt8Lanes];
        result = std::fma(static_cast<float>(weight), values[t], result);
      }
      expected[c] = result * scales[c];
    }
    for (const Kernels* run : available_kernels()) {
      std::vector<float> y(n);
      run->int8_finish(finish, sums.data(), n, y.data());
      EXPECT_EQ(bits_of(y), bits_of(expected)) << run->name << ", " << n << " outputs";
    }
  }
}

/// The same loops as for floats, after an exact conversion: every integer of 16 bits is a float.
template <typename Integer, typename Outer>
void expect_outer_of_integers(Outer outer) {
  constexpr std::size_t kTerms = 37, kRows = 3, kGroups = 5;
  const auto a = random_vector(kRows * kTerms, 31, 1.0F);
  std::vector<Integer> b(kTerms * kGroups * 16);
  std::uint32_t state = 12345;
  for (Integer& value : b) value = static_cast<Integer>((state = state * 1664525U + 1013904223U) >> 16);
  b[0] = std::numeric_limits<Integer>::min();
  b[1] = std::numeric_limits<Integer>::max();
  std::vector<float> expected(kRows * kGroups * 16);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kGroups * 16; ++c) {
      float sum = 0;
      for (std::size_t t = 0; t < kTerms; ++t)
        sum = std::fma(a[r * kTerms + t], static_cast<float>(b[t * kGroups * 16 + c]), sum);
      expected[r * kGroups * 16 + c] = sum;
    }
  }
  for (const Kernels* run : available_kernels()) {
    std::vector<float> c(expected.size());
    (run->*outer)(a.data(), kTerms, kRows, b.data(), kGroups * 16, 16, kTerms, kGroups, c.data(), kGroups * 16);
    EXPECT_EQ(bits_of(c), bits_of(expected)) << run->name;
  }
}

TEST(Kernels, OuterOfIntegersIsThatOfTheirValues) {
  expect_outer_of_integers<std::int16_t>(&Kernels::outer_i16);
  expect_outer_of_integers<std::int8_t>(&Kernels::outer_i8);
}

TEST(Kernels, SoftmaxMatchesDoublePrecisionAndIgnoresWhatIsOutside) {
  struct Range {
    std::size_t begin, end, padded;
  };
  for (const Range range : {Range{0, 1, 16}, {0, 16, 16}, {3, 9, 16}, {15, 17, 48}, {20, 100, 112}, {0, 1000, 1024}}) {
    auto scores = random_vector(range.padded, 9, 6.0F);
    // Whatever is outside must not count, not even NaN.
    for (std::size_t i = 0; i < range.padded; ++i) {
      if (i < range.begin || i >= range.end) scores[i] = i % 2 == 0 ? 1e30F : std::numeric_limits<float>::quiet_NaN();
    }
    double highest = -1e300;
    for (std::size_t i = range.begin; i < range.end; ++i) highest = std::max(highest, static_cast<double>(scores[i]));
    std::vector<std::vector<std::uint32_t>> results;
    for (const Kernels* run : available_kernels()) {
      auto p = scores;
      const float sum = run->softmax(p.data(), range.begin, range.end, range.padded);
      double expected_sum = 0;
      for (std::size_t i = 0; i < range.padded; ++i) {
        if (i < range.begin || i >= range.end) {
          EXPECT_EQ(p[i], 0.0F) << i;
          continue;
        }
        const double expected = std::exp(static_cast<double>(scores[i]) - highest);
        // The exponential's own error, and the rounding of s - max in fp32.
        const double relative = 2e-7 + (highest - static_cast<double>(scores[i])) * 0x1p-24;
        EXPECT_NEAR(p[i], expected, relative * expected + 1e-37) << run->name;
        expected_sum += expected;
      }
      EXPECT_NEAR(sum, expected_sum, 1e-6 * expected_sum) << run->name;
      results.push_back(bits_of(p));
      EXPECT_EQ(results.back(), results.front()) << run->name;
    }
  }
}

TEST(Kernels, SoftmaxKeepsNotANumber) {
  for (const Kernels* run : available_kernels()) {
    for (std::size_t at = 0; at < 32; ++at) {
      std::vector<float> scores(32, 1.0F);
      scores[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(run->softmax(scores.data(), 0, 32, 32))) << run->name << " " << at;
    }
  }
}

TEST(Kernels, SumExpMatchesDoublePrecision) {
  for (const std::size_t n : {1U, 15U, 16U, 100U, 1024U, 1040U, 5003U, 49152U}) {
    const auto x = random_vector(n, 10, 4.0F);
    double expected = 0;
    for (const float value : x) expected += std::exp(static_cast<double>(value) - 3.0);
    double first = 0;
    for (const Kernels* run : available_kernels()) {
      const double found = run->sum_exp(x.data(), n, 3.0F);
      EXPECT_NEAR(found, expected, 1e-6 * expected) << run->name << " " << n;
      if (run == available_kernels().front()) first = found;
      EXPECT_EQ(found, first) << run->name;
    }
  }
}

TEST(Kernels, ExpCoversItsRange) {
  // sum_exp of one element is exp itself.
  for (const Kernels* run : available_kernels()) {
    for (double x = -87.25; x < 88.25; x += 0.0625) {
      const auto value = static_cast<float>(x);
      const double expected = std::exp(static_cast<double>(value));
      ASSERT_NEAR(run->sum_exp(&value, 1, 0.0F), expected, 2e-7 * expected) << run->name << " " << x;
    }
    for (const float value : {-87.31F, -1e30F, -std::numeric_limits<float>::infinity()}) {
      EXPECT_EQ(run->sum_exp(&value, 1, 0.0F), 0.0) << run->name;
    }
    const float zero = 0.0F;
    EXPECT_EQ(run->sum_exp(&zero, 1, 0.0F), 1.0) << run->name;
  }
}

TEST(Kernels, RmsNormMatchesItsEquation) {
  for (const std::size_t n : {1U, 8U, 16U, 30U, 64U, 576U, 2050U}) {
    const auto x = random_vector(n, 11, 3.0F);
    const auto weight = random_vector(n, 12);
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
    const double rms = std::sqrt(squares / static_cast<double>(n) + 1e-5);
    std::vector<std::uint32_t> first;
    for (const Kernels* run : available_kernels()) {
      std::vector<float> y(n);
      run->rms_norm(x.data(), weight.data(), n, 1e-5F, y.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double expected = static_cast<double>(x[i]) / rms * static_cast<double>(weight[i]);
        EXPECT_NEAR(y[i], expected, 1e-6 * std::abs(expected) + 1e-12) << run->name << " n " << n;
      }
      if (first.empty()) first = bits_of(y);
      EXPECT_EQ(bits_of(y), first) << run->name;
    }
  }
}

TEST(Kernels, GegluMatchesItsEquation) {
  for (const std::size_t n : {1U, 16U, 37U, 2048U}) {
    auto gate = random_vector(n, 15, 4.0F);
    const auto up = random_vector(n, 16);
    gate[0] = 30.0F;
    if (n > 1) {  // the cube overflows
      gate[1] = -1e20F;
      gate[2] = 1e20F;
      gate[3] = 0.0F;
    }
    std::vector<std::uint32_t> first;
    for (const Kernels* run : available_kernels()) {
      std::vector<float> y(n);
      run->geglu(gate.data(), up.data(), n, y.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(gate[i]);
        const double root = std::sqrt(2 / std::acos(-1.0));
        const double expected =
            0.5 * g * (1 + std::tanh(root * (g + 0.044715 * g * g * g))) * static_cast<double>(up[i]);
        // Far below 0 the exact value is the difference of nearly equal numbers.
        EXPECT_NEAR(y[i], expected, 2e-6 * std::abs(expected) + 1e-7) << run->name << " gate " << g;
      }
      if (first.empty()) first = bits_of(y);
      EXPECT_EQ(bits_of(y), first) << run->name;
    }
  }
  const std::vector<float> nan(16, NAN);
  const std::vector<float> one(16, 1.0F);
  for (const Kernels* run : available_kernels()) {
    std::vector<float> y(16);
    run->geglu(nan.data(), one.data(), 16, y.data());
    EXPECT_TRUE(std::isnan(y[0])) << run->name;
  }
}

TEST(Kernels, SwigluMatchesItsEquation) {
  for (const std::size_t n : {1U, 16U, 37U, 1536U}) {
    auto gate = random_vector(n, 13, 8.0F);
    const auto up = random_vector(n, 14);
    gate[0] = 100.0F;
    if (n > 1) gate[1] = -100.0F;
    std::vector<std::uint32_t> first;
    for (const Kernels* run : available_kernels()) {
      std::vector<float> y(n);
      run->swiglu(gate.data(), up.data(), n, y.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(gate[i]);
        const double expected = g / (1 + std::exp(-g)) * static_cast<double>(up[i]);
        EXPECT_NEAR(y[i], expected, 1e-6 * std::abs(expected) + 1e-35) << run->name << " gate " << g;
      }
      if (first.empty()) first = bits_of(y);
      EXPECT_EQ(bits_of(y), first) << run->name;
    }
  }
}

}  // namespace
}  // namespace xw::transformer
