// Measured cell errors against the formulas of the models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "models/cells/pcm_afm.hpp"
#include "models/cells/programming.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::cells {
namespace {

TEST(CellError, OfIdealCellsIsRounding) {
  const std::vector<float> errors = mean_square_errors({}, 97, 4);  // every cell code is a target
  for (const float error : errors) EXPECT_LT(error, 1e-9);
  double sum = 0;
  const std::vector<float> fine = mean_square_errors({}, 2001, 2);
  for (const float error : fine) sum += static_cast<double>(error) / 2001;
  EXPECT_NEAR(sum * 12 * 96 * 96, 1, 0.05);  // a twelfth of a squared step
}

TEST(CellError, OfPcmIsItsPolynomial) {
  ProgrammingOptions options;
  options.noise = "pcm-afm";
  const std::vector<float> errors = mean_square_errors(options, 11, 40000);
  for (std::size_t i = 2; i <= 10; ++i) {
    const double sigma = pcm_afm_sigma(static_cast<double>(i) / 10);
    const double rounding = 1.0 / (12 * 96 * 96);
    EXPECT_NEAR(static_cast<double>(errors[i]) / (sigma * sigma + rounding), 1, 0.05) << i;
  }
  EXPECT_EQ(errors[0], 0);  // a weight of zero is exactly zero
}

/// Independent of the magnitudes that the factor is made of: a matrix of normal weights, as it is programmed and as it is a day later.
TEST(CellError, CompensationGivesBackTheSizeOfAMatrix) {
  constexpr std::size_t kColumns = 512;
  ProgrammingOptions options;
  options.noise = "pcm-afm";
  EXPECT_EQ(compensation_gain(options), 1);
  const std::unique_ptr<ProgrammingModel> fresh = make_programming_model(options);
  options.seconds = 86400;
  const std::unique_ptr<ProgrammingModel> aged = make_programming_model(options);
  const std::uint32_t seed = xw::test::random_seed();
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> weight(0, 0.3);
  std::vector<std::int16_t> targets(kColumns);
  std::vector<std::int8_t> codes(kColumns);
  double before = 0, after = 0;
  for (std::uint32_t row = 0; row < 256; ++row) {
    for (std::int16_t& target : targets)
      target = static_cast<std::int16_t>(std::nearbyint(std::clamp(weight(engine), -1.0, 1.0) * 32767));
    fresh->program_row(5, row, 0, targets, 32767, codes);
    for (const int code : codes) before += code * code;
    aged->program_row(5, row, 0, targets, 32767, codes);
    for (const int code : codes) after += code * code;
  }
  const double expected = std::sqrt(before / after);
  EXPECT_GT(expected, 1.3);  // there is something to give back
  EXPECT_NEAR(compensation_gain(options) / expected, 1, 0.01) << "seed " << seed;
  options.noise = "gaussian";
  EXPECT_THROW((void)compensation_gain(options), Error);  // has no drift
}

TEST(CellError, RefusesNothingToMeasure) {
  xw::test::expect_error(ErrorCode::kInvalidArgument, "at least 2 points", [] { (void)mean_square_errors({}, 1, 10); });
}

}  // namespace
}  // namespace xw::cells
