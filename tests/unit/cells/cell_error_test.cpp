// Measured cell errors against the formulas of the models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_error.hpp"

#include <gtest/gtest.h>

#include "models/cells/pcm_afm.hpp"
#include "tests/support/expect_error.hpp"

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

TEST(CellError, RefusesNothingToMeasure) {
  xw::test::expect_error(ErrorCode::kInvalidArgument, "at least 2 points", [] { (void)mean_square_errors({}, 1, 10); });
}

}  // namespace
}  // namespace xw::cells
