// First and second moments of what flows into linear layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/input_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "arch/support/error.hpp"

namespace xw::passes {

InputStatistics::InputStatistics(std::uint32_t features, std::size_t kept)
    : features_(features), max_kept_(kept), sum_(features), products_(features, features), samples_(0, features) {}

void InputStatistics::add(std::span<const float> x, Product product) {
  const std::size_t n = x.size() / features_;
  if (n == 0) return;
  for (std::size_t i = 0; i < n * features_; ++i) {
    if (std::isfinite(x[i])) continue;
    throw Error(ErrorCode::kNotFinite, "feature " + std::to_string(i % features_) +
                                           ": expected a finite number, found " + std::to_string(x[i]));
  }
  if (reference_.empty()) {
    std::vector<double> mean(features_);
    for (std::size_t v = 0; v < n; ++v) {
      for (std::size_t i = 0; i < features_; ++i) mean[i] += static_cast<double>(x[v * features_ + i]);
    }
    for (const double sum : mean) reference_.push_back(static_cast<float>(sum / static_cast<double>(n)));
  }
  Matrix columns(features_, n);  // transposed: [feature][vector]
  for (std::size_t v = 0; v < n; ++v) {
    for (std::size_t i = 0; i < features_; ++i) columns(i, v) = x[v * features_ + i] - reference_[i];
  }
  for (std::size_t i = 0; i < features_; ++i) {
    for (const float value : columns.row(i)) sum_[i] += static_cast<double>(value);
  }
  const Matrix products = times_transposed(columns, columns, product);
  for (std::size_t i = 0; i < products.data.size(); ++i) products_.data[i] += products.data[i];

  for (std::size_t v = 0; v < n; ++v) {
    if ((count_ + v) % stride_ != 0) continue;
    if (samples_.rows == max_kept_) {  // every other one goes
      for (std::size_t r = 0; 2 * r < samples_.rows; ++r) {
        std::copy_n(samples_.data.begin() + static_cast<std::ptrdiff_t>(2 * r * features_), features_,
                    samples_.data.begin() + static_cast<std::ptrdiff_t>(r * features_));
      }
      samples_.rows = (samples_.rows + 1) / 2;
      samples_.data.resize(samples_.rows * features_);
      stride_ *= 2;
      if ((count_ + v) % stride_ != 0) continue;
    }
    const auto vector = x.subspan(v * features_, features_);
    samples_.data.insert(samples_.data.end(), vector.begin(), vector.end());
    ++samples_.rows;
  }
  count_ += n;
}

std::vector<float> InputStatistics::mean() const {
  std::vector<float> mean(features_);
  if (count_ == 0) return mean;
  for (std::size_t i = 0; i < features_; ++i)
    mean[i] = static_cast<float>(static_cast<double>(reference_[i]) + sum_[i] / static_cast<double>(count_));
  return mean;
}

Matrix InputStatistics::moment_about(std::span<const float> about) const {
  Matrix moment(features_, features_);
  if (count_ == 0) return moment;
  // With d = mean - reference and e = mean - about: E[(x - about)(x - about)^T] = products / n - d d^T + e e^T.
  const auto n = static_cast<double>(count_);
  std::vector<double> d(features_);
  std::vector<double> e(features_);
  for (std::size_t i = 0; i < features_; ++i) {
    d[i] = sum_[i] / n;
    e[i] = d[i] + static_cast<double>(reference_[i]) - static_cast<double>(about[i]);
  }
  for (std::size_t i = 0; i < features_; ++i) {
    for (std::size_t j = 0; j < features_; ++j) {
      moment(i, j) = static_cast<float>(static_cast<double>(products_(i, j)) / n - d[i] * d[j] + e[i] * e[j]);
    }
  }
  return moment;
}

Matrix InputStatistics::covariance() const {
  return moment_about(mean());
}

Matrix InputStatistics::second_moment() const {
  return moment_about(std::vector<float>(features_));
}

std::uint64_t InputStatistics::bytes(std::uint32_t features, std::size_t kept) {
  return (std::uint64_t{features} * features + std::uint64_t{features} * kept) * sizeof(float);
}

}  // namespace xw::passes
