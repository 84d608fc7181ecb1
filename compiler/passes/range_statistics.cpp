// Streaming statistics of activations.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>

#include "arch/support/error.hpp"
#include "compiler/passes/calibration.hpp"

namespace xw::passes {
namespace {

constexpr std::uint32_t kInfinityBits = 0x7F800000U;
constexpr unsigned kBinShift = 16;                            ///< 7 bits of mantissa stay: bins are at most 1/128 wide
constexpr std::size_t kNumBins = kInfinityBits >> kBinShift;  ///< all finite magnitudes
constexpr std::size_t kCoarseStep = 8;                        ///< bins between the candidates of the first search

/// Lower edge of a bin; the upper edge is the next one's lower edge.
double edge(std::size_t bin) {
  if (bin >= kNumBins) return 0x1p128;
  return std::bit_cast<float>(static_cast<std::uint32_t>(bin) << kBinShift);
}

/// Integral of the squared rounding error of a uniform quantiser from a to b.
double rounding_integral(double a, double b, double step) {
  const double na = std::nearbyint(a / step);
  const double nb = std::nearbyint(b / step);
  const double da = a - na * step;
  const double db = b - nb * step;
  return (nb - na) * step * step * step / 12.0 + (db * db * db - da * da * da) / 3.0;
}

/// Samples between two magnitudes, taken as spread evenly.
struct Bin {
  double low = 0, high = 0, count = 0;
};

/// Expected squared error of the range `beta`, times the number of samples.
double squared_error(const std::vector<Bin>& bins, double beta, int dac_max) {
  const double step = beta / dac_max;
  double error = 0;
  for (const Bin& bin : bins) {
    double integral = 0;
    if (bin.low < beta) integral += rounding_integral(bin.low, std::min(bin.high, beta), step);
    if (bin.high > beta) {
      const double from = std::max(bin.low, beta) - beta;
      const double to = bin.high - beta;
      integral += (to * to * to - from * from * from) / 3.0;
    }
    error += bin.count * integral / (bin.high - bin.low);
  }
  return error;
}

}  // namespace

RangeStatistics::RangeStatistics() : bins_(kNumBins, 0) {}

void RangeStatistics::add(std::span<const float> x) {
  if (x.empty()) return;
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]))
      throw Error(ErrorCode::kNotFinite, "range statistics: expected finite numbers, found " + std::to_string(x[i]) +
                                             " at index " + std::to_string(i));
    sum += x[i];
  }
  const auto n = static_cast<double>(x.size());
  const double mean = sum / n;
  double squares = 0;
  for (const float value : x) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU;
    ++bins_[magnitude >> kBinShift];
    max_abs_ = std::max(max_abs_, std::bit_cast<float>(magnitude));
    squares += (value - mean) * (value - mean);
  }
  // Chan, Golub, LeVeque: pairwise update of mean and squared distances.
  const auto before = static_cast<double>(count_);
  const double delta = mean - mean_;
  mean_ += delta * (n / (before + n));
  squares_ += squares + delta * delta * (before * n / (before + n));
  count_ += x.size();
}

void RangeStatistics::merge(const RangeStatistics& other) {
  if (other.count_ == 0) return;
  for (std::size_t bin = 0; bin < kNumBins; ++bin) bins_[bin] += other.bins_[bin];
  const auto a = static_cast<double>(count_);
  const auto b = static_cast<double>(other.count_);
  const double delta = other.mean_ - mean_;
  mean_ += delta * (b / (a + b));
  squares_ += other.squares_ + delta * delta * (a * b / (a + b));
  count_ += other.count_;
  max_abs_ = std::max(max_abs_, other.max_abs_);
}

std::uint64_t RangeStatistics::count() const {
  return count_;
}
float RangeStatistics::max_abs() const {
  return max_abs_;
}

double RangeStatistics::standard_deviation() const {
  return count_ < 2 ? 0.0 : std::sqrt(squares_ / static_cast<double>(count_ - 1));
}

float RangeStatistics::quantile(double q) const {
  if (!(q > 0 && q <= 1))
    throw Error(ErrorCode::kInvalidArgument, "quantile: expected 0 < q <= 1, found " + std::to_string(q));
  if (count_ == 0) return 0;
  const double rank = q * static_cast<double>(count_);
  std::uint64_t below = 0;
  for (std::size_t bin = 0; bin < kNumBins; ++bin) {
    below += bins_[bin];
    if (bins_[bin] == 0 || static_cast<double>(below) < rank) continue;
    if (bin == 0) break;  // zeros and what cannot be told from them
    return static_cast<float>(std::min(edge(bin + 1), static_cast<double>(max_abs_)));
  }
  return q == 1 ? max_abs_ : 0;
}

float RangeStatistics::mse_range(int dac_max) const {
  if (dac_max < 1)
    throw Error(ErrorCode::kInvalidArgument, "mse range: expected dac_max >= 1, found " + std::to_string(dac_max));
  if (max_abs_ == 0) return 0;
  std::vector<Bin> filled;
  for (std::size_t bin = 1; bin < kNumBins; ++bin) {  // bin 0 holds zeros: no error
    if (bins_[bin] == 0) continue;
    const double low = edge(bin);
    const double high = std::min(edge(bin + 1), std::max(low * (1 + 0x1p-20), static_cast<double>(max_abs_)));
    filled.push_back({low, high, static_cast<double>(bins_[bin])});
  }
  const std::size_t last = std::bit_cast<std::uint32_t>(max_abs_) >> kBinShift;
  const std::size_t median = std::bit_cast<std::uint32_t>(quantile(0.5)) >> kBinShift;
  const std::size_t first = median > 4 * 128 ? median - 4 * 128 : 1;  // four octaves below the median
  double best = max_abs_;
  double least = squared_error(filled, best, dac_max);
  std::size_t best_bin = last;
  const auto try_bin = [&](std::size_t bin) {
    const double beta = edge(bin);
    if (beta <= 0 || beta > max_abs_) return;
    const double error = squared_error(filled, beta, dac_max);
    if (error >= least) return;
    least = error;
    best = beta;
    best_bin = bin;
  };
  for (std::size_t bin = last; bin >= first && bin > 0; bin = bin > kCoarseStep ? bin - kCoarseStep : 0) try_bin(bin);
  const std::size_t centre = best_bin;
  const std::size_t low = centre > 2 * kCoarseStep ? centre - 2 * kCoarseStep : 1;
  for (std::size_t bin = low; bin <= centre + 2 * kCoarseStep; ++bin) try_bin(bin);
  return static_cast<float>(best);
}

}  // namespace xw::passes
