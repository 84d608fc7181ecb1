// The digital scales of an output.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/scales.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arch/support/error.hpp"

namespace xw::compiler {
namespace {

constexpr double kMaxScale = 65535;
constexpr std::int64_t kMaxSum = std::numeric_limits<std::int32_t>::max();

double product(const ScaledColumn& column) {
  return static_cast<double>(column.beta) * static_cast<double>(column.w_max);
}

/// The factor of a column for K.
double factor_of(const ScaledColumn& column, double k) {
  const double exact = product(column) * k;
  if (exact == 0 || exact >= kExactScale) return std::nearbyint(exact);
  return std::max<double>(std::ceil(exact), kLeastScale);
}

class Scales {
 public:
  Scales(const ScaleSettings& settings, std::span<ScaledColumn> columns) : settings_(settings), columns_(columns) {}

  float choose() {
    double largest = 0, sum = 0;
    for (const ScaledColumn& column : columns_) {
      largest = std::max(largest, product(column));
      sum += product(column);
    }
    if (largest == 0) return unit(1, 0);  // an output of zeros
    const auto limit = static_cast<double>(kMaxSum / settings_.adc_max / settings_.replicas);
    double k = std::min(kMaxScale / largest, limit / sum);
    if (!fits(k)) {
      // Rounding up adds at most kLeastScale per column: leave room for it.
      const double room = limit - static_cast<double>(columns_.size()) * kLeastScale - 1;
      k = std::min(k, room / sum);
      if (!(room > 0) || !fits(k)) {
        throw Error(ErrorCode::kUnsupported,
                    "matrix '" + settings_.matrix + "': the sums of " + std::to_string(columns_.size()) +
                        " row blocks and " + std::to_string(settings_.replicas) + " copies cannot be kept in 32 bits");
      }
    }
    const float result = unit(k, largest);
    for (ScaledColumn& column : columns_) set(column, k);
    return result;
  }

 private:
  [[nodiscard]] bool fits(double k) const {
    double sum = 0;  // exact: integers far below 2^53
    for (const ScaledColumn& column : columns_) {
      const double factor = factor_of(column, k);
      if (factor > kMaxScale) return false;
      sum += factor;
    }
    return sum * settings_.adc_max * settings_.replicas <= static_cast<double>(kMaxSum);
  }

  void set(ScaledColumn& column, double k) const {
    const double exact = product(column) * k;
    const double factor = factor_of(column, k);
    column.out_scale = static_cast<std::uint16_t>(factor);
    if (exact == 0) return;
    if (exact < kExactScale) {
      // Not below the weights, whatever the rounding to fp32.
      const auto enlarged = static_cast<float>(factor / (k * static_cast<double>(column.beta)));
      column.w_max = std::max(column.w_max, enlarged);
    }
    const double rounding = std::isnormal(column.w_max) ? 1e-6 : 1;  // of w_max to fp32
    const double meant = product(column) * k;
    if (!(std::abs(factor - meant) <= meant * (0.5 / kExactScale + rounding)))
      throw Error(ErrorCode::kInternal, "matrix '" + settings_.matrix + "': the gain of a column is wrong");
  }

  [[nodiscard]] float unit(double k, double largest) const {
    const auto value =
        static_cast<float>(static_cast<double>(settings_.lambda) / (settings_.adc_max * k * settings_.replicas));
    if (!std::isnormal(value)) {
      throw Error(ErrorCode::kUnsupported,
                  "matrix '" + settings_.matrix +
                      "': expected weights and input ranges whose product is within the range of fp32, found " +
                      std::to_string(largest));
    }
    return value;
  }

  const ScaleSettings& settings_;
  std::span<ScaledColumn> columns_;
};

}  // namespace

float choose_scales(const ScaleSettings& settings, std::span<ScaledColumn> columns) {
  return Scales(settings, columns).choose();
}

}  // namespace xw::compiler
