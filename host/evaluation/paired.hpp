// Two configurations measured on the same items: how sure is the difference?
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xw::evaluation {

/// Values of one figure: runs[r][i] is what item i contributed on chip r. The figure of a run is the sum over its items
/// divided by the sum of the weights.
struct MeasuredRuns {
  std::vector<std::uint32_t> seeds;  ///< of the runs
  std::vector<std::vector<double>> runs;
};

struct PairedResult {
  double first_mean = 0, second_mean = 0;            ///< over runs
  double first_deviation = 0, second_deviation = 0;  ///< of the runs (n - 1); 0 for one
  double difference = 0;                             ///< second - first
  double low = 0, high = 0;  ///< 95 % of the paired bootstrap: items are drawn anew, and runs where there are several
  std::uint32_t resamples = 0;
  std::string items_test;            ///< "McNemar, exact" or "paired t"
  double items_p = 1;                ///< two-sided: would other items of this kind, on these chips, give no difference?
  std::size_t gained = 0, lost = 0;  ///< items whose mean over the runs is larger in the second, in the first
  std::string chips_test;            ///< "paired t", "Welch t"; empty unless both have several runs
  double chips_p = 1;                ///< two-sided: would other chips give no difference?
};

/// Runs of equal seeds are pairs if both have the same seeds. The exact test of McNemar is taken for one run each whose
/// values are all 0 or 1, t tests for everything else. The result is a function of the values: resampling has a fixed
/// seed. Throws Error{kInvalidArgument} for no items or runs and for runs of different lengths, Error{kInterrupted}.
[[nodiscard]] PairedResult compare_paired(const MeasuredRuns& first, const MeasuredRuns& second,
                                          const std::vector<double>& weights);

/// Two-sided probability of a deviation like `smaller` of `larger + smaller` fair coins: exact sign test, 1 for none.
[[nodiscard]] double sign_test(std::uint64_t smaller, std::uint64_t larger);
/// Two-sided probability of |t| or more under Student's distribution; `freedom` > 0. 0 for an infinite t, 1 for NaN.
[[nodiscard]] double student_t_test(double t, double freedom);
/// The |t| whose two-sided probability is `p`, 0 < p < 1: a mean of n values lies within student_t_critical(0.05, n - 1) standard errors of the true
/// one in 95 % of all cases.
[[nodiscard]] double student_t_critical(double p, double freedom);

}  // namespace xw::evaluation
