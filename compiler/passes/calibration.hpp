// Choosing input and ADC ranges from what flows through a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xw::passes {

/// Streaming statistics of |x|: exact maximum, mean square, and a logarithmic histogram (relative bin width < 1 %).
class RangeStatistics {
 public:
  RangeStatistics();
  /// Throws Error{kNotFinite} naming the index; nothing is added then.
  void add(std::span<const float> x);
  void merge(const RangeStatistics& other);
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] float max_abs() const;
  [[nodiscard]] double standard_deviation() const;  ///< about the mean, unbiased
  /// Smallest magnitude below which a fraction q of the samples lies, 0 < q <= 1; within one bin.
  [[nodiscard]] float quantile(double q) const;
  /// The range that minimises the expected squared error of clamping and rounding to 2 * dac_max + 1 levels.
  [[nodiscard]] float mse_range(int dac_max) const;

 private:
  std::vector<std::uint64_t> bins_;  ///< by the upper 15 bits of |x|: sign-less exponent and 7 bits of mantissa
  std::uint64_t count_ = 0;
  double mean_ = 0, squares_ = 0;  ///< squares_: sum of squared distances from the mean
  float max_abs_ = 0;
};

enum class RangeMethod { kMax, kPercentile, kStd, kMse };
/// "max", "percentile:99.99", "std:18", "mse". Throws Error{kInvalidArgument} listing the forms.
struct RangeChoice {
  RangeMethod method = RangeMethod::kMse;
  double parameter = 0;
};
[[nodiscard]] RangeChoice parse_range_choice(const std::string& text);
[[nodiscard]] std::string to_string(const RangeChoice& choice);
/// beta > 0 for the statistics; a layer that saw only zeros gets 1.
[[nodiscard]] float choose_range(const RangeStatistics& statistics, const RangeChoice& choice, int dac_max);

}  // namespace xw::passes
