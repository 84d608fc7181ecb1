// Two configurations measured on the same items.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/paired.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/split_mix.hpp"

namespace xw::evaluation {
namespace {

constexpr double kLevel = 0.95;
constexpr std::uint32_t kMostResamples = 10'000, kFewestResamples = 1000;
constexpr double kMostProducts = 2e9;  // of all resamples together

/// Uniform numbers for resampling.
class Draws {
 public:
  [[nodiscard]] std::size_t below(std::size_t count) {
    state_ += kSplitMixStep;
    return static_cast<std::size_t>(((split_mix(state_) >> 32U) * count) >> 32U);
  }

 private:
  std::uint64_t state_ = 0;
};

[[nodiscard]] double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

[[nodiscard]] double variance(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return squares / static_cast<double>(values.size() - 1);
}

/// t of a mean with a standard error; without deviation it is 0 or infinite.
[[nodiscard]] double t_of(double value, double error) {
  if (value == 0) return 0;
  return value / error;
}

/// Mean over runs of every item.
[[nodiscard]] std::vector<double> item_means(const MeasuredRuns& measured) {
  std::vector<double> result(measured.runs[0].size());
  for (const std::vector<double>& run : measured.runs) {
    for (std::size_t i = 0; i < run.size(); ++i) result[i] += run[i] / static_cast<double>(measured.runs.size());
  }
  return result;
}

[[nodiscard]] std::vector<double> run_figures(const MeasuredRuns& measured, double weight) {
  std::vector<double> result;
  for (const std::vector<double>& run : measured.runs)
    result.push_back(std::accumulate(run.begin(), run.end(), 0.0) / weight);
  return result;
}

void check(const MeasuredRuns& measured, std::size_t items) {
  if (measured.runs.empty() || measured.runs.size() != measured.seeds.size() || items == 0)
    throw Error(ErrorCode::kInvalidArgument, "a comparison needs at least one run and one item");
  for (const std::vector<double>& run : measured.runs) {
    if (run.size() != items) {
      throw Error(ErrorCode::kInvalidArgument, "a comparison needs the same items: expected " + std::to_string(items) +
                                                   ", found " + std::to_string(run.size()));
    }
  }
}

/// How often each of `count` runs is drawn, as shares.
[[nodiscard]] std::vector<double> draw_runs(Draws& draws, std::size_t count) {
  std::vector<double> shares(count);
  for (std::size_t i = 0; i < count; ++i) {
    shares[count == 1 ? 0 : draws.below(count)] += 1 / static_cast<double>(count);
  }
  return shares;
}

void bootstrap(const MeasuredRuns& first, const MeasuredRuns& second, const std::vector<double>& weights, bool paired,
               PairedResult& result) {
  const std::size_t items = weights.size();
  const double products = static_cast<double>(items) * static_cast<double>(first.runs.size() + second.runs.size());
  result.resamples = static_cast<std::uint32_t>(
      std::clamp(kMostProducts / products, double{kFewestResamples}, double{kMostResamples}));
  Draws draws;
  std::vector<double> differences, times(items);
  for (std::uint32_t sample = 0; sample < result.resamples; ++sample) {
    throw_if_interrupted();
    std::fill(times.begin(), times.end(), 0.0);
    for (std::size_t i = 0; i < items; ++i) times[draws.below(items)] += 1;
    const std::vector<double> second_shares = draw_runs(draws, second.runs.size());
    const std::vector<double> first_shares = paired ? second_shares : draw_runs(draws, first.runs.size());
    double sum = 0, weight = 0;
    const auto add = [&](const MeasuredRuns& measured, const std::vector<double>& shares, double sign) {
      for (std::size_t run = 0; run < shares.size(); ++run) {
        if (shares[run] == 0) continue;
        sum += sign * shares[run] * std::inner_product(times.begin(), times.end(), measured.runs[run].begin(), 0.0);
      }
    };
    add(second, second_shares, 1);
    add(first, first_shares, -1);
    for (std::size_t i = 0; i < items; ++i) weight += times[i] * weights[i];
    differences.push_back(sum / weight);
  }
  std::ranges::sort(differences);
  const auto quantile = [&](double share) {
    const double place = share * static_cast<double>(differences.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double above = differences[std::min(below + 1, differences.size() - 1)];
    return differences[below] + (place - static_cast<double>(below)) * (above - differences[below]);
  };
  result.low = quantile((1 - kLevel) / 2);
  result.high = quantile((1 + kLevel) / 2);
}

void test_items(const MeasuredRuns& first, const MeasuredRuns& second, const std::vector<double>& weights,
                PairedResult& result) {
  const std::vector<double> before = item_means(first), after = item_means(second);
  const auto binary = [](const std::vector<double>& values) {
    return std::ranges::all_of(values, [](double value) { return value == 0 || value == 1; });
  };
  std::vector<double> residuals(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i] > before[i]) ++result.gained;
    if (after[i] < before[i]) ++result.lost;
    residuals[i] = after[i] - before[i] - result.difference * weights[i];
  }
  if (first.runs.size() == 1 && second.runs.size() == 1 && binary(before) && binary(after)) {
    result.items_test = "McNemar, exact";
    result.items_p = sign_test(std::min(result.gained, result.lost), std::max(result.gained, result.lost));
    return;
  }
  result.items_test = "paired t";
  if (before.size() < 2) return;
  const auto n = static_cast<double>(before.size());
  result.items_p = student_t_test(t_of(result.difference, std::sqrt(variance(residuals) / n) / mean(weights)), n - 1);
}

void test_chips(const std::vector<double>& before, const std::vector<double>& after, bool paired,
                PairedResult& result) {
  if (before.size() < 2 || after.size() < 2) return;
  if (paired) {
    std::vector<double> differences;
    for (std::size_t i = 0; i < before.size(); ++i) differences.push_back(after[i] - before[i]);
    const auto n = static_cast<double>(differences.size());
    result.chips_test = "paired t";
    result.chips_p = student_t_test(t_of(mean(differences), std::sqrt(variance(differences) / n)), n - 1);
    return;
  }
  result.chips_test = "Welch t";
  const auto n = static_cast<double>(before.size()), m = static_cast<double>(after.size());
  const double a = variance(before) / n, b = variance(after) / m;
  const double freedom = a + b > 0 ? (a + b) * (a + b) / (a * a / (n - 1) + b * b / (m - 1)) : n + m - 2;
  result.chips_p = student_t_test(t_of(result.difference, std::sqrt(a + b)), freedom);
}

/// Continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8, modified Lentz evaluation).
[[nodiscard]] double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto bounded = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / bounded(1 - (a + b) * x / (a + 1));
  double result = d;
  for (int m = 1; m < 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / bounded(1 + even * d);
    c = bounded(1 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / bounded(1 + odd * d);
    c = bounded(1 + odd / c);
    result *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return result;
}

/// Regularised incomplete beta function.
[[nodiscard]] double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double factor =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return factor * beta_fraction(a, b, x) / a;
  return 1 - factor * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

double sign_test(std::uint64_t smaller, std::uint64_t larger) {
  const double n = static_cast<double>(smaller + larger);
  double tail = 0;
  for (std::uint64_t k = 0; k <= smaller; ++k) {
    const auto x = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) - n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

double student_t_test(double t, double freedom) {
  if (std::isnan(t)) return 1;
  if (std::isinf(t)) return 0;
  return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

double student_t_critical(double p, double freedom) {
  double low = 0, high = 1;
  while (student_t_test(high, freedom) > p) high *= 2;
  for (int i = 0; i < 100 && low < high; ++i) {
    const double middle = 0.5 * (low + high);
    (student_t_test(middle, freedom) > p ? low : high) = middle;
  }
  return high;
}

PairedResult compare_paired(const MeasuredRuns& first, const MeasuredRuns& second, const std::vector<double>& weights) {
  check(first, weights.size());
  check(second, weights.size());
  const double weight = std::accumulate(weights.begin(), weights.end(), 0.0);
  const std::vector<double> before = run_figures(first, weight), after = run_figures(second, weight);
  const bool paired = first.seeds == second.seeds;
  PairedResult result;
  result.first_mean = mean(before);
  result.second_mean = mean(after);
  result.first_deviation = std::sqrt(variance(before));
  result.second_deviation = std::sqrt(variance(after));
  result.difference = result.second_mean - result.first_mean;
  test_items(first, second, weights, result);
  test_chips(before, after, paired, result);
  bootstrap(first, second, weights, paired, result);
  return result;
}

}  // namespace xw::evaluation
