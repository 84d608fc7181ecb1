// Weights and inputs in 8 bits: the rounding and the exact sums, by every kernel, against their definition.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/int8_matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/kernels.hpp"
#include "tests/unit/transformer/tensors.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::transformer {
namespace {

/// The nearest integer of value * 127 / largest, halves to even.
std::int64_t code_of(float value, float largest) {
  return largest > 0 ? std::llrint(static_cast<double>(value * 127.0F / largest)) : 0;
}

/// y by the definition, sums of codes in 64 bits.
std::vector<float> expected_product(const std::vector<float>& w, const std::vector<float>& x, std::size_t out,
                                    std::size_t in, std::size_t n) {
  std::vector<float> y(n * out);
  for (std::size_t v = 0; v < n; ++v) {
    const std::span<const float> input = std::span(x).subspan(v * in, in);
    std::vector<std::size_t> order(in);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::fabs(input[a]) > std::fabs(input[b]); });
    const std::size_t outliers = std::min(kInt8Outliers, in);
    const float rest = in > outliers ? std::fabs(input[order[outliers]]) : 0.0F;
    for (std::size_t o = 0; o < out; ++o) {
      const std::span<const float> row = std::span(w).subspan(o * in, in);
      float largest = 0;
      for (const float weight : row) largest = std::max(largest, std::fabs(weight));
      std::int64_t sum = 0;
      for (std::size_t i = outliers; i < in; ++i)
        sum += code_of(row[order[i]], largest) * code_of(input[order[i]], rest);
      float result = static_cast<float>(sum) * (rest / 127.0F);
      for (std::size_t i = 0; i < outliers; ++i)
        result = std::fma(static_cast<float>(code_of(row[order[i]], largest)), input[order[i]], result);
      y[v * out + o] = result * (largest / 127.0F);
    }
  }
  return y;
}

Int8Matrix make_matrix(const std::vector<float>& w, std::uint32_t out, std::uint32_t in) {
  Int8Matrix matrix(out, in);
  const std::uint32_t cut = out / 3;  // rows come in pieces
  matrix.set_rows(cut, std::span(w).subspan(std::size_t{cut} * in));
  matrix.set_rows(0, std::span(w).first(std::size_t{cut} * in));
  matrix.pack();
  return matrix;
}

class EveryKernel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = analog::selected_kernel();
    analog::select_kernel(GetParam());
  }
  void TearDown() override { analog::select_kernel(before_); }

 private:
  std::string before_;
};

TEST_P(EveryKernel, ProductsAreThoseOfTheDefinition) {
  struct Shape {
    std::uint32_t out, in;
    std::size_t n;
  };
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 5, 2}, Shape{64, 64, 16}, Shape{70, 100, 17}, Shape{300, 576, 5},
                             Shape{513, 33, 40}, Shape{65, 1536, 300}}) {
    const std::vector<float> w = test::random_vector(std::size_t{shape.out} * shape.in, shape.out, 0.1F);
    const std::vector<float> x = test::random_vector(shape.n * shape.in, shape.in + 7, 3.0F);
    const Int8Matrix matrix = make_matrix(w, shape.out, shape.in);
    for (const unsigned threads : {1U, 3U}) {
      ThreadPool pool(threads);
      std::vector<float> y(shape.n * shape.out, -1.0F);
      matrix.multiply(x, shape.n, y, pool);
      EXPECT_EQ(y, expected_product(w, x, shape.out, shape.in, shape.n))
          << shape.out << " x " << shape.in << ", " << shape.n << " vectors, " << threads << " threads";
    }
  }
}

TEST_P(EveryKernel, TheLargestSumsFit) {
  constexpr std::uint32_t kIn = 1U << 17, kOut = 2;
  std::vector<float> w(std::size_t{kOut} * kIn, 1.0F);
  std::fill(w.begin() + kIn, w.end(), -1.0F);
  const std::vector<float> x(kIn, 2.0F);
  const Int8Matrix matrix = make_matrix(w, kOut, kIn);
  ThreadPool pool(1);
  std::vector<float> y(kOut);
  matrix.multiply(x, 1, y, pool);
  EXPECT_NEAR(y[0], 2.0 * kIn, 1.0);
  EXPECT_NEAR(y[1], -2.0 * kIn, 1.0);
}

INSTANTIATE_TEST_SUITE_P(Int8Matrix, EveryKernel, testing::ValuesIn(analog::available_kernels()),
                         [](const auto& kernel) { return kernel.param; });

TEST(Int8Matrix, CodesOfAnotherKernelsOrderAreLeftAlone) {
  const std::vector<float> w = test::random_vector(100 * 80, 1), x = test::random_vector(20 * 80, 2);
  const Int8Matrix matrix = make_matrix(w, 100, 80);
  ThreadPool pool(1);
  const std::string before = analog::selected_kernel();
  for (const std::string& kernel : analog::available_kernels()) {
    analog::select_kernel(kernel);
    std::vector<float> y(20 * 100);
    matrix.multiply(x, 20, y, pool);
    EXPECT_EQ(y, expected_product(w, x, 100, 80, 20)) << kernel;
  }
  analog::select_kernel(before);
}

TEST(Int8Matrix, FewLargeInputsLeaveTheOthersTheirBits) {
  constexpr std::size_t kOut = 40, kIn = 256;
  const std::vector<float> w = test::random_vector(kOut * kIn, 5);
  std::vector<float> x = test::random_vector(kIn, 6);
  for (const std::size_t i : {3U, 100U, 255U}) x[i] = 1e4F;
  const Int8Matrix matrix = make_matrix(w, kOut, kIn);
  ThreadPool pool(1);
  std::vector<float> y(kOut);
  matrix.multiply(x, 1, y, pool);
  for (std::size_t o = 0; o < kOut; ++o) {
    const std::span<const float> row = std::span(w).subspan(o * kIn, kIn);
    float largest = 0;
    for (const float weight : row) largest = std::max(largest, std::fabs(weight));
    double expected = 0, bound = 0.01;  // fp32 sums of 1e4
    for (std::size_t i = 0; i < kIn; ++i) {
      const double weight = static_cast<double>(code_of(row[i], largest)) * static_cast<double>(largest) / 127;
      expected += weight * static_cast<double>(x[i]);
      bound += std::fabs(weight) * 4.0 / 254;  // half a code of inputs below 4
    }
    EXPECT_NEAR(y[o], expected, bound);
  }
}

TEST(Int8Matrix, ZerosAreZerosAndWhatIsNotFiniteIsNotANumber) {
  const std::vector<float> w = test::random_vector(4 * 8, 1);
  const Int8Matrix matrix = make_matrix(w, 4, 8);
  ThreadPool pool(1);
  std::vector<float> x(3 * 8, 0.0F), y(3 * 4);
  x[8 + 3] = std::numeric_limits<float>::infinity();
  for (std::size_t i = 16; i < 24; ++i) x[i] = 1;
  matrix.multiply(x, 3, y, pool);
  for (std::size_t o = 0; o < 4; ++o) {
    EXPECT_EQ(y[o], 0.0F);
    EXPECT_TRUE(std::isnan(y[4 + o]));
    EXPECT_TRUE(std::isfinite(y[8 + o]));
  }
}

TEST(Int8Matrix, RefusesWhatItCannotHold) {
  EXPECT_THROW(Int8Matrix(4, (1U << 17) + 1), Error);
  EXPECT_THROW(Int8Matrix(4, 0), Error);
  Int8Matrix matrix(1, 2);
  const std::vector<float> bad = {1.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(matrix.set_rows(0, bad), Error);
}

TEST(Int8Matrix, AModelInEightBitsIsCloseToTheModel) {
  const test::TinyModel tiny({});
  ThreadPool pool(2);
  Model exact(tiny.graph(), tiny.source, nullptr, pool);
  Model int8(tiny.graph(), tiny.source, nullptr, pool, HostPrecision::kInt8);
  const std::vector<std::int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6};
  Session reference(exact), rounded_session(int8);
  const std::vector<float> expected = reference.forward(tokens, LogitsOf::kAll);
  const std::vector<float> found = rounded_session.forward(tokens, LogitsOf::kAll);
  double squares = 0, errors = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    squares += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
    errors += std::pow(static_cast<double>(found[i] - expected[i]), 2);
  }
  EXPECT_LT(std::sqrt(errors / squares), 0.02);
  EXPECT_GT(errors, 0) << "weights are rounded";
  Session pieces(int8);
  std::vector<float> in_pieces = pieces.forward(std::span(tokens).first(3), LogitsOf::kAll);
  const std::vector<float> rest = pieces.forward(std::span(tokens).subspan(3), LogitsOf::kAll);
  in_pieces.insert(in_pieces.end(), rest.begin(), rest.end());
  EXPECT_EQ(in_pieces, found) << "bits do not depend on how tokens are split";
}

}  // namespace
}  // namespace xw::transformer
