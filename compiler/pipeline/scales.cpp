// The digital scales of a matrix.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/scales.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::compiler {
namespace {

constexpr double kMaxScale = 65535;
constexpr std::int64_t kMaxSum = std::numeric_limits<std::int32_t>::max();

class Scales {
 public:
  Scales(const program::MatrixInfo& matrix, std::span<const program::BlockRecord> blocks, int adc_max,
         std::span<program::ColumnRecord> columns)
      : matrix_(matrix), blocks_(blocks), adc_max_(adc_max), columns_(columns) {
    std::vector<double> sums(matrix.out_features, 0);
    std::vector<std::uint32_t> terms(matrix.out_features, 0);
    for_each_column([&](double factor, std::uint32_t out, program::ColumnRecord&) {
      largest_ = std::max(largest_, factor);
      sums[out] += factor;
      ++terms[out];
    });
    if (!sums.empty()) {
      largest_sum_ = *std::max_element(sums.begin(), sums.end());
      most_terms_ = *std::max_element(terms.begin(), terms.end());
    }
  }

  float choose() {
    if (largest_ == 0) return unit(1);  // a matrix of zeros
    const double sum_limit = static_cast<double>(kMaxSum / adc_max_);
    double k = std::min(kMaxScale / largest_, sum_limit / largest_sum_);
    if (!fits(k)) {
      // Rounding adds at most a half per block: leave room for it.
      k = std::min(k, (sum_limit - 0.5 * most_terms_ - 1) / largest_sum_);
      if (!fits(k))
        throw Error(ErrorCode::kInternal, "matrix '" + matrix_.name + "': the digital sums cannot be kept in 32 bits");
    }
    return unit(k);
  }

 private:
  template <typename Body>
  void for_each_column(const Body& body) {
    for (const program::BlockRecord& block : blocks_) {
      const double beta = matrix_.input_ranges[block.input_slice].beta;
      for (std::uint32_t c = 0; c < block.cols; ++c) {
        program::ColumnRecord& column = columns_[block.column_offset + c];
        body(beta * column.w_max, block.out_begin + c, column);
      }
    }
  }

  /// Writes the scales for K and proves that they fit.
  bool fits(double k) {
    std::vector<std::int64_t> sums(matrix_.out_features, 0);
    bool inside = true;
    for_each_column([&](double factor, std::uint32_t out, program::ColumnRecord& column) {
      const double scale = std::nearbyint(factor * k);
      inside = inside && scale <= kMaxScale;
      column.out_scale = static_cast<std::uint16_t>(std::min(scale, kMaxScale));
      sums[out] += std::int64_t{adc_max_} * column.out_scale;
    });
    return inside && std::all_of(sums.begin(), sums.end(), [](std::int64_t sum) { return sum <= kMaxSum; });
  }

  float unit(double k) const {
    const auto value = static_cast<float>(matrix_.lambda / (adc_max_ * k));
    if (!std::isnormal(value)) {
      throw Error(ErrorCode::kUnsupported,
                  "matrix '" + matrix_.name +
                      "': expected weights and input ranges whose product is within the range of fp32, found " +
                      std::to_string(largest_));
    }
    return value;
  }

  const program::MatrixInfo& matrix_;
  std::span<const program::BlockRecord> blocks_;
  int adc_max_;
  std::span<program::ColumnRecord> columns_;
  double largest_ = 0, largest_sum_ = 0;
  std::uint32_t most_terms_ = 0;
};

}  // namespace

float choose_scales(const program::MatrixInfo& matrix, std::span<const program::BlockRecord> blocks, int adc_max,
                    std::span<program::ColumnRecord> columns) {
  return Scales(matrix, blocks, adc_max, columns).choose();
}

}  // namespace xw::compiler
