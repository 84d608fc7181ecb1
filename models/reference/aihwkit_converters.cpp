// Conductance pairs of aihwkit; docs/numerics.md#aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/reference/aihwkit_converters.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/support/error.hpp"

namespace xw::reference::aihwkit {

PairConverter::PairConverter(double g_min, double g_max, std::vector<double> factors)
    : g_min_(g_min), g_max_(g_max), factors_(std::move(factors)) {
  const bool factors_fit =
      !factors_.empty() && std::all_of(factors_.begin(), factors_.end(), [](double f) { return f > 0.0; });
  if (!(g_min >= 0.0) || !(g_max > g_min) || !factors_fit) {
    throw Error(ErrorCode::kInvalidArgument,
                "conductance pairs: needs 0 <= g_min < g_max and a positive factor for every pair");
  }
}

Conductances PairConverter::to_conductances(std::span<const double> weights) const {
  double largest = 0.0;
  for (const double w : weights) largest = std::max(largest, std::fabs(w));
  double full_range = 0.0;
  for (const double factor : factors_) full_range += factor * (g_max_ - g_min_);
  Conductances result;
  result.scale = full_range / std::max(largest, 1e-7);
  double filled = 0.0;  // by the pairs before
  for (const double factor : factors_) {
    const auto part = [&](double g) {
      return std::clamp((std::max(g, 0.0) - filled) / factor, 0.0, g_max_ - g_min_) + g_min_;
    };
    std::vector<double> plus, minus;
    for (const double w : weights) {
      plus.push_back(part(result.scale * w));
      minus.push_back(part(-result.scale * w));
    }
    result.plus.push_back(std::move(plus));
    result.minus.push_back(std::move(minus));
    filled += factor * (g_max_ - g_min_);
  }
  return result;
}

std::vector<double> PairConverter::to_weights(const Conductances& conductances) const {
  std::vector<double> weights(conductances.plus.at(0).size(), 0.0);
  for (std::size_t pair = 0; pair < factors_.size(); ++pair) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] +=
          factors_[pair] * (conductances.plus.at(pair)[i] - conductances.minus.at(pair)[i]) / conductances.scale;
    }
  }
  return weights;
}

PcmPairTile::PcmPairTile(std::span<const double> weights, const Deviates& deviates) : converter_(0.0, device_.g_max) {
  for (const auto& xi :
       {deviates.program_plus, deviates.exponent_plus, deviates.program_minus, deviates.exponent_minus}) {
    if (xi.size() != weights.size())
      throw Error(ErrorCode::kShapeMismatch, "PCM tile: one deviate of each kind per weight");
  }
  Conductances pairs = converter_.to_conductances(weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    double& plus = pairs.plus[0][i];
    double& minus = pairs.minus[0][i];
    exponents_plus_.push_back(device_.drift_exponent(plus, deviates.exponent_plus[i]));
    exponents_minus_.push_back(device_.drift_exponent(minus, deviates.exponent_minus[i]));
    plus = device_.programmed(plus, deviates.program_plus[i]);
    minus = device_.programmed(minus, deviates.program_minus[i]);
  }
  programmed_ = converter_.to_weights(pairs);
}

std::vector<double> PcmPairTile::read(double t, std::span<const double> xi_plus,
                                      std::span<const double> xi_minus) const {
  if (xi_plus.size() != programmed_.size() || xi_minus.size() != programmed_.size()) {
    throw Error(ErrorCode::kShapeMismatch, "PCM tile: one deviate per device");
  }
  Conductances pairs = converter_.to_conductances(programmed_);
  for (std::size_t i = 0; i < programmed_.size(); ++i) {
    pairs.plus[0][i] = device_.read(pairs.plus[0][i], exponents_plus_[i], t, xi_plus[i]);
    pairs.minus[0][i] = device_.read(pairs.minus[0][i], exponents_minus_[i], t, xi_minus[i]);
  }
  return converter_.to_weights(pairs);
}

}  // namespace xw::reference::aihwkit
