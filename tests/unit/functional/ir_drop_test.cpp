// Wires of bitlines against the nodal equations of the same network, solved densely, and against the limits that are known.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/ir_drop.hpp"
#include "host/backends/functional/study.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::functional {
namespace {

/// A block of one lane group with its tables.
struct MadeBlock {
  MadeBlock(std::uint32_t rows, std::uint32_t cols, std::uint32_t row0) : cells(std::size_t{rows} * cols) {
    for (std::uint32_t col = 0; col < cols; ++col) {
      tables.push_back(static_cast<std::uint16_t>(40000 + col));
      tables.push_back(static_cast<std::uint16_t>(3 + col));
    }
    view.rows = rows;
    view.cols = view.lanes = cols;
    view.row0 = row0;
    view.tile_uid = 5;
    view.adc_shift = 22;
    view.adc_max = 127;
    view.column_tables = tables.data();
    view.cells = cells.data();
  }
  std::vector<std::int8_t> cells;
  std::vector<std::uint16_t> tables;
  analog::BlockView view;
};

/// Solves the symmetric positive definite system in place by elimination; returns the unknowns.
std::vector<double> solve(std::vector<std::vector<double>> matrix, std::vector<double> right) {
  const std::size_t n = right.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = i + 1; k < n; ++k) {
      const double factor = matrix[k][i] / matrix[i][i];
      for (std::size_t j = i; j < n; ++j) matrix[k][j] -= factor * matrix[i][j];
      right[k] -= factor * right[i];
    }
  }
  std::vector<double> unknown(n);
  for (std::size_t i = n; i-- > 0;) {
    unknown[i] = right[i];
    for (std::size_t j = i + 1; j < n; ++j) unknown[i] -= matrix[i][j] * unknown[j];
    unknown[i] /= matrix[i][i];
  }
  return unknown;
}

/// Current into the converter at 0 V: Kirchhoff's law at every crossing of a bitline with row0 rows before the block. A cell with code
/// 127 conducts 1; result in codes times inputs.
double nodal_sum(const std::vector<int>& codes, const std::vector<int>& x, std::uint32_t row0, double ir_drop) {
  double total = 0;
  for (const int sign : {1, -1}) {
    const std::size_t n = row0 + codes.size();
    const double wire = 1 / ir_drop;
    std::vector<std::vector<double>> matrix(n, std::vector<double>(n, 0.0));
    std::vector<double> right(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      matrix[i][i] += wire;  // towards the converter
      if (i > 0) matrix[i][i - 1] -= wire;
      if (i + 1 < n) {
        matrix[i][i] += wire;
        matrix[i][i + 1] -= wire;
      }
      if (i < row0 || sign * codes[i - row0] <= 0) continue;
      const double cell = std::abs(codes[i - row0]) / 127.0;
      matrix[i][i] += cell;
      right[i] += cell * x[i - row0];
    }
    total += sign * wire * solve(matrix, right)[0] * 127;
  }
  return total;
}

TEST(IrDrop, SumsAreThoseOfTheNodalEquations) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 60; ++round) {
    const auto rows = static_cast<std::uint32_t>(pick(1, 40)), row0 = static_cast<std::uint32_t>(pick(0, 12));
    const double ir_drop = std::pow(10.0, -pick(1, 6));
    MadeBlock block(rows, 3, row0);
    for (std::int8_t& cell : block.cells) cell = static_cast<std::int8_t>(pick(0, 4) == 0 ? 0 : pick(-127, 127));
    for (std::uint32_t col = 0; col < 3; ++col) {
      const std::vector<double> effective = effective_cells(block.view, col, ir_drop);
      std::vector<int> codes, x;
      double found = 0, scale = 1;
      for (std::uint32_t row = 0; row < rows; ++row) {
        codes.push_back(block.cells[row * 3 + col]);
        x.push_back(pick(-127, 127));
        found += effective[row] * x[row];
        scale += std::abs(codes[row] * x[row]);
      }
      ASSERT_NEAR(found, nodal_sum(codes, x, row0, ir_drop), 1e-9 * scale) << ir_drop << " " << rows << " " << row0;
    }
  }
}

TEST(IrDrop, AUniformBitlineIsATransmissionLine) {
  constexpr std::uint32_t kRows = 512;
  MadeBlock block(kRows, 1, 0);
  std::fill(block.cells.begin(), block.cells.end(), std::int8_t{127});
  for (const double a : {0.01, 0.1, 0.5, 2.0}) {  // n^2 of the ratio of the conductances
    double sum = 0;
    for (const double cell : effective_cells(block.view, 0, a / (kRows * kRows))) sum += cell / 127 / kRows;
    const double root = std::sqrt(a);
    EXPECT_NEAR(1 - sum, 1 - std::tanh(root) / root, 0.01 * (1 - sum)) << a;
    // aihwkit's fit, whose rows lose (1 - (1 - j/n)^2) of it, on average two thirds.
    if (a <= 0.5) {
      EXPECT_NEAR(1 - sum, 2.0 / 3 * (0.05 * a * a * a - 0.2 * a * a + 0.5 * a), 0.02 * (1 - sum)) << a;
    }
  }
}

TEST(IrDrop, WithoutResistanceItIsTheTile) {
  std::mt19937 random(7);
  MadeBlock block(70, 5, 3);
  for (std::int8_t& cell : block.cells) cell = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  block.view.read_sigma_q = 3U << 16U;
  std::vector<std::int8_t> x(std::size_t{4} * 70);
  for (std::int8_t& code : x) code = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  std::vector<std::int32_t> expected(20, 17), found = expected, dropped = expected;
  analog::MvmBatch batch;
  batch.x = x.data();
  batch.x_stride = 70;
  batch.y_stride = 5;
  batch.num_vectors = 4;
  batch.vector_base = 9;
  batch.chip_seed = 3;
  batch.accumulate = true;
  batch.y = expected.data();
  const std::uint64_t saturated = analog::tile_mvm_reference(block.view, batch);
  batch.y = found.data();
  EXPECT_EQ(tile_mvm_with_ir_drop(block.view, batch, 1e-12), saturated);
  EXPECT_EQ(found, expected);
  batch.y = dropped.data();
  (void)tile_mvm_with_ir_drop(block.view, batch, 1e-3);
  EXPECT_NE(dropped, expected);
}

TEST(IrDrop, TheDeviceGivesItsWordsOnAnyNumberOfThreads) {
  const test::ProgramShape shape{{{130, {67, 20}, {}, 1}}, program::WeightMode::kAnalog, false};
  test::Hardware hardware;
  hardware.num_engines = 2;
  const auto program = test::make_program(shape, hardware, 11);
  std::vector<std::int8_t> x(std::size_t{5} * 130);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int8_t>(static_cast<int>(i * 7919 % 255) - 127);
  const auto words = [&](double ir_drop, unsigned threads, std::string& name) {
    ThreadPool pool(threads);
    FunctionalDevice device(hardware.emulator(), pool, {.ir_drop = ir_drop});
    name = device.info().name;
    runtime::ChipInstance chip(program, device, {.chip_seed = 2, .noise = "pcm-afm"}, pool);
    return chip.run_codes(0, x, 5, 0);
  };
  std::string name;
  const auto plain = words(0, 1, name);
  EXPECT_EQ(name, "functional");
  const auto dropped = words(1e-4, 1, name);
  EXPECT_EQ(name, "functional:ir-drop=1e-04");
  EXPECT_NE(dropped, plain);
  EXPECT_EQ(words(1e-4, 3, name), dropped);
  EXPECT_EQ(words(1e-13, 1, name), plain);
}

TEST(IrDrop, OptionsThatMeanNothingAreRefused) {
  EXPECT_EQ(parse_study("").ir_drop, 0);
  EXPECT_EQ(parse_study("ir-drop=2e-6").ir_drop, 2e-6);
  for (const char* text :
       {"ir-drop=0", "ir-drop=-1", "ir-drop=1", "ir-drop=", "ir-drop=a", "ir-drop=1e-6x", "ir-drop=nan"}) {
    xw::test::expect_error(ErrorCode::kInvalidArgument, "above 0 and at most 0.1", [&] { (void)parse_study(text); });
  }
  xw::test::expect_error(ErrorCode::kInvalidArgument, "one of the keys ir-drop, cells-range",
                         [] { (void)parse_study("wires=1"); });
}

}  // namespace
}  // namespace xw::functional
