// Calls in floating point from the targets of a program, against plain loops over the definition.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/target_calls.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "arch/support/parallel.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::transformer {
namespace {

using program::WeightMode;
using xw::test::expect_error;
using xw::test::Hardware;
using xw::test::make_program;
using xw::test::ProgramShape;

std::vector<float> inputs(std::size_t count) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i)
    x[i] = std::sin(static_cast<float>(i)) * (i % 97 == 0 ? 2000.0F : 3.0F);  // beyond every input range, too
  return x;
}

struct Outputs {
  Outputs(const program::Program& program, std::uint32_t call, std::uint32_t n) {
    for (const std::uint32_t matrix : program.manifest().calls[call].matrices)
      numbers.emplace_back(std::size_t{n} * program.manifest().matrices[matrix].out_features, -1.0F);
    spans.assign(numbers.begin(), numbers.end());
  }
  std::vector<std::vector<float>> numbers;
  std::vector<std::span<float>> spans;
};

float target(const program::Program& program, const program::BlockRecord& block, std::size_t index) {
  return program.manifest().weight_mode == WeightMode::kAnalog ? static_cast<float>(program.targets16(block)[index])
                                                               : static_cast<float>(program.targets8(block)[index]);
}

/// docs/numerics.md#tokens-on-the-host, one output after the other.
std::vector<float> expected_outputs(const program::Program& program, std::uint32_t matrix, std::span<const float> x,
                                    std::uint32_t n) {
  const program::MatrixInfo& info = program.manifest().matrices[matrix];
  const double target_max = program::target_max(program.manifest().weight_mode);
  std::vector<float> y;
  for (std::uint32_t v = 0; v < n; ++v) {
    for (std::uint32_t out = 0; out < info.out_features; ++out) {
      float sum = 0;
      for (std::uint32_t in = 0; in < info.in_features;) {
        for (const program::BlockRecord& block : program.blocks()) {
          const bool holds = block.matrix == matrix && block.replica == 0 && block.in_begin == in &&
                             block.out_begin <= out && out < block.out_begin + block.cols;
          if (!holds) continue;
          const std::uint32_t col = out - block.out_begin;
          float partial = 0;
          for (std::uint32_t row = 0; row < block.rows; ++row)
            partial = std::fma(x[std::size_t{v} * info.in_features + in + row],
                               target(program, block, std::size_t{row} * block.cols + col), partial);
          const double w_max = static_cast<double>(program.columns()[block.column_offset + col].w_max);
          sum += partial * static_cast<float>(w_max / target_max);
          in += block.rows;
          break;
        }
      }
      if (!info.bias.empty()) {
        float bias = 0;
        std::memcpy(&bias, program.constants().at(info.bias).data.data() + std::size_t{4} * out, 4);
        sum += bias;
      }
      y.push_back(sum);
    }
  }
  return y;
}

class TargetCallsIn : public testing::TestWithParam<WeightMode> {};

TEST_P(TargetCallsIn, AreTheDefinitionBitForBit) {
  const ProgramShape shape{{{150, {130, 20}, {64}}, {20, {7}, {}}, {64, {64}, {}, 3}}, GetParam(), true};
  const auto program = make_program(shape, Hardware{}, 11);
  ThreadPool pool(3);
  TargetCalls calls(program, pool);
  for (std::uint32_t call = 0; call < 3; ++call) {
    const program::CallInfo& info = program->manifest().calls[call];
    for (const std::uint32_t n : {1U, 2U, 7U}) {
      SCOPED_TRACE("call " + std::to_string(call) + ", " + std::to_string(n) + " vectors");
      const std::vector<float> x = inputs(std::size_t{n} * info.in_features);
      Outputs y(*program, call, n);
      calls.run_call(call, x, n, y.spans);
      for (std::size_t k = 0; k < info.matrices.size(); ++k)
        EXPECT_EQ(y.numbers[k], expected_outputs(*program, info.matrices[k], x, n)) << "matrix " << k;
    }
  }
}

TEST_P(TargetCallsIn, AreThoseOfTheWeightsInDoublePrecision) {
  const auto program = make_program({{{200, {90}, {}}}, GetParam(), false}, Hardware{}, 12);
  ThreadPool pool(1);
  TargetCalls calls(program, pool);
  const std::vector<float> x = inputs(200);
  Outputs y(*program, 0, 1);
  calls.run_call(0, x, 1, y.spans);
  std::vector<double> expected(90), magnitude(90);
  for (const program::BlockRecord& block : program->blocks()) {
    for (std::uint32_t row = 0; row < block.rows; ++row) {
      for (std::uint32_t col = 0; col < block.cols; ++col) {
        const double w = static_cast<double>(program->columns()[block.column_offset + col].w_max) *
                         static_cast<double>(target(*program, block, std::size_t{row} * block.cols + col)) /
                         program::target_max(GetParam());
        const double product = w * static_cast<double>(x[block.in_begin + row]);
        expected[block.out_begin + col] += product;
        magnitude[block.out_begin + col] += std::abs(product);
      }
    }
  }
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(static_cast<double>(y.numbers[0][i]), expected[i], 1e-5 * magnitude[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(Modes, TargetCallsIn, testing::Values(WeightMode::kAnalog, WeightMode::kW8, WeightMode::kW4),
                         [](const auto& param_info) { return std::string(program::name(param_info.param)); });

TEST(TargetCalls, ThreadsAndBatchesChangeNothing) {
  const auto program = make_program({{{300, {150, 33}, {}}}, WeightMode::kAnalog, true}, Hardware{}, 5);
  constexpr std::uint32_t kVectors = 9;
  const std::vector<float> x = inputs(kVectors * 300);
  Outputs first(*program, 0, kVectors);
  for (const unsigned threads : {1U, 2U, 4U}) {
    ThreadPool pool(threads);
    TargetCalls calls(program, pool);
    Outputs whole(*program, 0, kVectors);
    calls.run_call(0, x, kVectors, whole.spans);
    if (threads == 1) first.numbers = whole.numbers;
    EXPECT_EQ(whole.numbers, first.numbers) << threads << " threads";
    for (std::uint32_t v = 0; v < kVectors; ++v) {
      Outputs one(*program, 0, 1);
      calls.run_call(0, std::span(x).subspan(v * 300, 300), 1, one.spans);
      for (std::size_t k = 0; k < one.numbers.size(); ++k) {
        const std::size_t out = one.numbers[k].size();
        EXPECT_TRUE(std::equal(one.numbers[k].begin(), one.numbers[k].end(),
                               first.numbers[k].begin() + static_cast<std::ptrdiff_t>(v * out)));
      }
    }
  }
}

TEST(TargetCalls, RefuseWhatIsNotFiniteAndWrongShapes) {
  const auto program = make_program({{{64, {64}, {}}}, WeightMode::kW8, false}, Hardware{}, 8);
  ThreadPool pool(1);
  TargetCalls calls(program, pool);
  std::vector<float> x(128, 1.0F);
  Outputs y(*program, 0, 2);
  expect_error(ErrorCode::kInvalidArgument, "no call 1", [&] { calls.run_call(1, x, 2, y.spans); });
  expect_error(ErrorCode::kShapeMismatch, "expected 64 inputs, found 128", [&] { calls.run_call(0, x, 1, y.spans); });
  expect_error(ErrorCode::kShapeMismatch, "expected 1 outputs, found 0", [&] { calls.run_call(0, x, 2, {}); });
  Outputs short_of_one(*program, 0, 1);
  expect_error(ErrorCode::kShapeMismatch, "expected 128 numbers of matrix.0, found 64",
               [&] { calls.run_call(0, x, 2, short_of_one.spans); });
  x[64 + 7] = std::numeric_limits<float>::infinity();
  expect_error(ErrorCode::kNotFinite, {"\"call.0\"", "vector 1, input 7 is not finite"},
               [&] { calls.run_call(0, x, 2, y.spans); });
}

}  // namespace
}  // namespace xw::transformer
