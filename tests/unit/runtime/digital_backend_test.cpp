// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/digital_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "models/analog/numerics.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/reference.hpp"

namespace xw::runtime {
namespace {

using program::WeightMode;
using test::Hardware;
using test::make_program;
using test::ProgramShape;

/// Plain loops over the definition, in double where the backend has fp32.
[[nodiscard]] std::vector<std::vector<double>> expected_outputs(const program::Program& program, std::uint32_t call,
                                                                DigitalMode mode, std::span<const float> x,
                                                                std::uint32_t num_vectors) {
  const program::Manifest& manifest = program.manifest();
  const program::CallInfo& info = manifest.calls[call];
  const int q_max = mode == DigitalMode::kW8A8 ? 127 : 7;
  const int target_max = program::target_max(manifest.weight_mode);
  const int dac_max = arch::parse_chip(manifest.chip_toml, "chip").dac_max();
  const std::vector<std::int8_t> codes = test::reference_codes(program, call, x, num_vectors);
  std::vector<std::vector<double>> outputs;
  for (const std::uint32_t index : info.matrices) {
    const program::MatrixInfo& matrix = manifest.matrices[index];
    std::vector<float> bias(matrix.out_features);
    if (!matrix.bias.empty()) {
      std::memcpy(bias.data(), program.constants().at(matrix.bias).data.data(), 4 * bias.size());
    }
    std::vector<double> y;
    for (std::uint32_t v = 0; v < num_vectors; ++v) y.insert(y.end(), bias.begin(), bias.end());
    for (const program::BlockRecord& block : program.blocks()) {
      if (block.matrix != index || block.replica != 0) continue;
      const double beta = static_cast<double>(matrix.input_ranges[block.input_slice].beta);
      for (std::uint32_t v = 0; v < num_vectors; ++v) {
        for (std::uint32_t col = 0; col < block.cols; ++col) {
          double sum = 0;
          for (std::uint32_t row = 0; row < block.rows; ++row) {
            const std::size_t i = std::size_t{row} * block.cols + col;
            const double target =
                manifest.weight_mode == WeightMode::kAnalog ? program.targets16(block)[i] : program.targets8(block)[i];
            sum += std::nearbyint(target * q_max / target_max) *
                   codes[std::size_t{v} * info.in_features + block.in_begin + row];
          }
          const double w_max = static_cast<double>(program.columns()[block.column_offset + col].w_max);
          y[std::size_t{v} * matrix.out_features + block.out_begin + col] += sum * beta / dac_max * w_max / q_max;
        }
      }
    }
    outputs.push_back(y);
  }
  return outputs;
}

struct Variant {
  WeightMode weights;
  DigitalMode mode;
};

class Digital : public testing::TestWithParam<Variant> {};

TEST_P(Digital, IsTheIntegerProductOfRequantisedWeights) {
  Hardware hardware;
  hardware.dac_bits = 7;
  const ProgramShape shape{{{150, {130, 20}, {64}, 2}, {20, {7}, {}}}, GetParam().weights, true};
  const auto program = make_program(shape, hardware, 11);
  ThreadPool pool(2);
  DigitalBackend backend(program, GetParam().mode, pool);
  EXPECT_EQ(backend.mode(), GetParam().mode);
  EXPECT_EQ(&backend.program(), program.get());
  for (std::uint32_t call = 0; call < 2; ++call) {
    for (const std::uint32_t n : {1U, 3U, 150U}) {
      const program::CallInfo& info = program->manifest().calls[call];
      std::vector<float> x(std::size_t{n} * info.in_features);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i)) * 3.0F;
      std::vector<std::vector<float>> y;
      for (const std::uint32_t matrix : info.matrices) {
        y.emplace_back(std::size_t{n} * program->manifest().matrices[matrix].out_features, -1.0F);
      }
      const std::vector<std::span<float>> outputs(y.begin(), y.end());
      backend.run_call(call, x, n, 0, outputs);
      const auto expected = expected_outputs(*program, call, GetParam().mode, x, n);
      for (std::size_t k = 0; k < y.size(); ++k) {
        for (std::size_t i = 0; i < y[k].size(); ++i) {
          // Integer sums are exact; scales and up to 4 block sums are rounded to fp32.
          const double bound = 1e-5 * (1.0 + std::abs(expected[k][i]));
          ASSERT_NEAR(static_cast<double>(y[k][i]), expected[k][i], bound) << "matrix " << k << " number " << i;
        }
      }
    }
  }
}

TEST_P(Digital, ThreadsAndBatchesChangeNothing) {
  const ProgramShape shape{{{200, {150}, {}}}, GetParam().weights, false};
  const auto program = make_program(shape, Hardware{}, 5);
  const std::uint32_t n = 70;
  std::vector<float> x(n * 200);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(static_cast<float>(i) * 0.7F);
  std::vector<float> first;
  for (const unsigned threads : {1U, 2U, 4U}) {
    ThreadPool pool(threads);
    DigitalBackend backend(program, GetParam().mode, pool);
    std::vector<float> whole(n * 150);
    const std::span<float> whole_span(whole);
    backend.run_call(0, x, n, 0, std::span(&whole_span, 1));
    if (first.empty()) first = whole;
    EXPECT_EQ(whole, first);
    for (std::uint32_t v = 0; v < n; ++v) {
      std::vector<float> one(150);
      const std::span<float> one_span(one);
      backend.run_call(0, std::span(x).subspan(v * 200, 200), 1, v, std::span(&one_span, 1));
      EXPECT_TRUE(std::equal(one.begin(), one.end(), first.begin() + v * 150));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Modes, Digital,
    testing::Values(Variant{WeightMode::kAnalog, DigitalMode::kW8A8}, Variant{WeightMode::kAnalog, DigitalMode::kW4A8},
                    Variant{WeightMode::kW8, DigitalMode::kW8A8}, Variant{WeightMode::kW8, DigitalMode::kW4A8},
                    Variant{WeightMode::kW4, DigitalMode::kW8A8}, Variant{WeightMode::kW4, DigitalMode::kW4A8}),
    [](const auto& param_info) {
      return std::string(program::name(param_info.param.weights)) + "_" +
             (param_info.param.mode == DigitalMode::kW8A8 ? "w8a8" : "w4a8");
    });

/// The kernels give exact sums through the unit converter, on every processor: extreme weights and codes.
TEST(DigitalBackend, SumsAreExactInEveryKernel) {
  const auto program = make_program({{{64, {64}, {}}}, WeightMode::kW8, false}, Hardware{}, 8);
  ThreadPool pool(1);
  const std::string kernel = analog::selected_kernel();
  std::vector<float> x(64, 1e9F);  // clamps to the largest code
  std::vector<float> first;
  for (const std::string& name : analog::available_kernels()) {
    analog::select_kernel(name);
    DigitalBackend backend(program, DigitalMode::kW8A8, pool);
    std::vector<float> y(64);
    const std::span<float> span(y);
    backend.run_call(0, x, 1, 0, std::span(&span, 1));
    if (first.empty()) first = y;
    EXPECT_EQ(y, first) << name;
  }
  analog::select_kernel(kernel);
}

TEST(DigitalBackend, NamesAreRead) {
  EXPECT_STREQ(name(DigitalMode::kW8A8), "digital-w8a8");
  EXPECT_EQ(digital_mode_from("digital-w8a8"), DigitalMode::kW8A8);
  EXPECT_EQ(digital_mode_from("digital-w4a8"), DigitalMode::kW4A8);
  try {
    (void)digital_mode_from("digital-w4a4");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "unknown digital mode \"digital-w4a4\": digital-w8a8, digital-w4a8");
  }
}

TEST(DigitalBackend, RefusesWhatIsNotFiniteAndWrongShapes) {
  const auto program = make_program({{{64, {64}, {}}}, WeightMode::kW8, false}, Hardware{}, 8);
  ThreadPool pool(1);
  DigitalBackend backend(program, DigitalMode::kW4A8, pool);
  std::vector<float> x(64, 1.0F);
  std::vector<float> y(64);
  const std::span<float> span(y);
  const auto code_of = [&](std::uint32_t call, std::span<const float> input, std::uint32_t n) {
    try {
      backend.run_call(call, input, n, 0, std::span(&span, 1));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(1, x, 1), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(0, std::span(x).first(63), 1), ErrorCode::kShapeMismatch);
  EXPECT_EQ(code_of(0, x, 2), ErrorCode::kShapeMismatch);
  x[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(code_of(0, x, 1), ErrorCode::kNotFinite);
}

}  // namespace
}  // namespace xw::runtime
