// Ranges of converters that follow the cells, against the layer of aihwkit-lightning in floating point with the same weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/study.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "models/reference/afm_float.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::functional {
namespace {

TEST(CellsRange, AreTheLayerOfLightningWithNoisyWeights) {
  constexpr std::uint32_t kRows = 300, kCols = 64, kVectors = 20;
  constexpr int kWMaxCode = 96;
  constexpr float kLambda = 6.0F;
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 30);
  // One lane group, so cells are [row][column]; the largest of a column is beyond w_max or below it.
  std::vector<std::int8_t> cells(std::size_t{kRows} * kCols);
  for (std::int8_t& cell : cells) cell = static_cast<std::int8_t>(std::clamp(std::lround(normal(random)), -127L, 127L));
  for (std::uint32_t row = 0; row < kRows; ++row) cells[row * kCols] = 0;       // a column of zeros
  for (std::uint32_t row = 0; row < kRows; ++row) cells[row * kCols + 1] /= 2;  // a small one
  std::vector<std::int8_t> x(std::size_t{kVectors} * kRows);
  for (std::int8_t& code : x) code = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  const analog::AdcSetting adc = analog::ideal_adc(static_cast<double>(kLambda), 127, kWMaxCode, 8);
  std::vector<std::uint16_t> tables;
  for (std::uint32_t col = 0; col < kCols; ++col) {
    tables.push_back(adc.gain);
    tables.push_back(static_cast<std::uint16_t>(40000 + 100 * col));
  }
  analog::BlockView block;
  block.rows = kRows;
  block.cols = block.lanes = kCols;
  block.adc_shift = adc.shift;
  block.adc_max = 127;
  block.column_tables = tables.data();
  block.cells = cells.data();
  std::vector<std::int32_t> words(std::size_t{kVectors} * kCols, 1000);
  analog::MvmBatch batch;
  batch.x = x.data();
  batch.x_stride = kRows;
  batch.y = words.data();
  batch.y_stride = kCols;
  batch.num_vectors = kVectors;
  batch.accumulate = true;
  const std::uint64_t saturated = tile_mvm_with_cells_range(block, batch, kWMaxCode);

  // Weights in units of w_max, inputs in units of the input range.
  std::vector<float> weights(cells.size());
  for (std::uint32_t row = 0; row < kRows; ++row) {
    for (std::uint32_t col = 0; col < kCols; ++col)
      weights[col * kRows + row] = static_cast<float>(cells[row * kCols + col]) / kWMaxCode;
  }
  std::vector<float> inputs(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) inputs[i] = static_cast<float>(x[i]) / 127;
  const std::vector<float> range = {1.0F};
  const reference::afm::MatrixView weight{weights, kCols, kRows};
  const std::vector<float> expected = reference::afm::forward(
      {.input_steps = 254, .output_steps = 254, .output_bound = kLambda, .per_channel_bound = true}, weight, {}, range,
      {inputs, kVectors, kRows});
  const std::vector<float> largest = reference::afm::channel_maxima(weight, 0, kRows);
  int different = 0;
  std::uint64_t at_bounds = 0;
  for (std::uint32_t v = 0; v < kVectors; ++v) {
    for (std::uint32_t col = 0; col < kCols; ++col) {
      const double word = words[v * kCols + col] - 1000;
      const double out_scale = tables[2 * col + 1];
      if (largest[col] == 0) {
        EXPECT_EQ(word, 0);
        continue;
      }
      const double step = static_cast<double>(kLambda * largest[col]) / 127;
      const double code = std::round(static_cast<double>(expected[v * kCols + col]) / step);
      // A word is a code times out_scale times the widening of the range, as the layer's output is one times its step.
      const double found = word / (out_scale * static_cast<double>(largest[col]));
      EXPECT_NEAR(found, std::round(found), 1e-3);
      EXPECT_LE(std::fabs(found - code), 1.001) << v << ", " << col;
      different += std::fabs(found - code) > 0.5 ? 1 : 0;
      at_bounds += std::fabs(found) > 126.5 ? 1U : 0U;
    }
  }
  EXPECT_LT(different, static_cast<int>(kVectors * kCols) / 200) << "0.5 %, as docs/numerics.md#equivalence";
  EXPECT_LE(saturated, at_bounds);
}

TEST(CellsRange, TheDeviceHasItsWordsAndItsName) {
  const test::ProgramShape shape{{{130, {67, 20}, {}, 1}}, program::WeightMode::kAnalog, false};
  const test::Hardware hardware;
  const auto program = test::make_program(shape, hardware, 11);
  std::vector<std::int8_t> x(std::size_t{5} * 130);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int8_t>(static_cast<int>(i * 7919 % 255) - 127);
  const auto words = [&](const Study& study, unsigned threads) {
    ThreadPool pool(threads);
    FunctionalDevice device(hardware.emulator(), pool, study);
    EXPECT_EQ(device.info().name, study.device_name());
    runtime::ChipInstance chip(program, device, {.chip_seed = 2, .noise = "pcm-afm"}, pool);
    return chip.run_codes(0, x, 5, 0);
  };
  EXPECT_EQ(Study{.cells_range = 96}.device_name(), "functional:cells-range=96");
  const auto followed = words({.cells_range = 96}, 1);
  EXPECT_NE(followed, words({}, 1));
  EXPECT_EQ(followed, words({.cells_range = 96}, 3));
  EXPECT_NE(followed, words({.cells_range = 127}, 1));
}

TEST(CellsRange, OptionsThatMeanNothingAreRefused) {
  EXPECT_EQ(parse_study("").cells_range, 0U);
  EXPECT_EQ(parse_study("cells-range=96").cells_range, 96U);
  for (const char* text : {"cells-range=0", "cells-range=128", "cells-range=-1", "cells-range=", "cells-range=9.5"}) {
    xw::test::expect_error(ErrorCode::kInvalidArgument, "cells-range: expected a cell code of 1..127",
                           [&] { (void)parse_study(text); });
  }
  xw::test::expect_error(ErrorCode::kInvalidArgument, "one of ir-drop and cells-range",
                         [] { (void)parse_study("cells-range=96,ir-drop=1e-6"); });
}

}  // namespace
}  // namespace xw::functional
