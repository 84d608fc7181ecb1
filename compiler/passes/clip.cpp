// Clipping the largest weights of a chip's columns.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/clip.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace xw::passes {
namespace {

/// Full scales that are tried, over the largest weight of a block's column.
constexpr std::array kLevels = {0.88F, 0.77F, 0.68F, 0.6F, 0.52F, 0.45F};
constexpr int kIterations = 12;  ///< of ADMM per level; every level goes on where the one before ended
constexpr double kPenalty =
    0.3;  ///< rho over the mean of the diagonal: between the large and the many small eigenvalues
constexpr float kRelaxation = 1.6F;

/// rho (H + rho I)^-1, symmetric.
Matrix damped_inverse(const Matrix& h, double rho) {
  using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto n = static_cast<Eigen::Index>(h.rows);
  Dense a = Eigen::Map<const Dense>(h.data.data(), n, n);
  a.diagonal().array() += static_cast<float>(rho);
  const Eigen::LLT<Dense> factor(a);
  Matrix inverse(h.rows, h.cols);
  Eigen::Map<Dense> result(inverse.data.data(), n, n);
  result.setIdentity();
  factor.solveInPlace(result);
  result *= static_cast<float>(rho);
  return inverse;
}

class Clipper {
 public:
  Clipper(const Matrix& weights, const Matrix& moment, const Matrix& beside, const RowBlocks& blocks,
          const std::vector<InputConverter>& converters, const ChipErrors& chip, const ClipOptions& options,
          Product product)
      : w_(weights), blocks_(blocks), converters_(converters), chip_(chip), product_(product), h_(moment) {
    double trace = 0;
    power_.resize(h_.rows);
    for (std::size_t i = 0; i < h_.rows; ++i) {
      power_[i] = std::max(0.0F, h_(i, i));
      trace += static_cast<double>(power_[i]);
    }
    mean_ = trace / static_cast<double>(h_.rows);
    for (std::size_t i = 0; i < h_.rows; ++i) h_(i, i) += static_cast<float>(options.ridge * mean_);
    for (std::size_t v = 0; v < beside.rows; ++v) {
      const auto x = beside.row(v);
      for (std::size_t i = 0; i < h_.rows; ++i) {
        for (std::size_t j = 0; j < h_.cols; ++j) h_(i, j) += x[i] * x[j];
      }
    }
  }

  ClippedWeights run(const Matrix& moment, bool compensate) {
    ClippedWeights result;
    result.weights = w_;
    maxima_ = Matrix(w_.rows, blocks_.size());
    for (std::size_t o = 0; o < w_.rows; ++o) block_maxima(w_.row(o), blocks_, maxima_.row(o));
    best_.resize(w_.rows);
    level_.assign(w_.rows, 1);
    for (std::size_t o = 0; o < w_.rows; ++o) {
      best_[o] = noise(w_.row(o), maxima_.row(o));
      result.noise_before += best_[o];
    }
    if (mean_ > 0) {
      std::optional<Matrix> inverse;
      if (compensate) inverse = damped_inverse(h_, kPenalty * mean_);
      Matrix z = w_;
      Matrix u(w_.rows, w_.cols);
      for (const float level : kLevels) {
        Matrix clipped = w_;
        for (std::size_t o = 0; o < w_.rows; ++o) clamp(clipped.row(o), level, o);
        consider(clipped, level, result.weights);
        if (!inverse) continue;
        fit(*inverse, level, z, u);
        consider(z, level, result.weights);
      }
    }
    measure(moment, result);
    return result;
  }

 private:
  [[nodiscard]] double noise(std::span<const float> weights, std::span<const float> full_scales) const {
    return programming_error(weights, full_scales, blocks_, power_, chip_) + adc_error(full_scales, converters_, chip_);
  }

  void clamp(std::span<float> row, float level, std::size_t o) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const float bound = level * maxima_(o, b);
      for (std::uint32_t i = blocks_.begin(b); i < blocks_.end(b); ++i) row[i] = std::clamp(row[i], -bound, bound);
    }
  }

  /// Goes on with ADMM on the bounds of `level`: z and u are its state, z is within the bounds afterwards.
  void fit(const Matrix& inverse, float level, Matrix& z, Matrix& u) const {
    Matrix change(w_.rows, w_.cols);
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      for (std::size_t k = 0; k < change.data.size(); ++k) change.data[k] = z.data[k] - u.data[k] - w_.data[k];
      const Matrix step = times_transposed(change, inverse, product_);
      for (std::size_t k = 0; k < step.data.size(); ++k) {
        const float w = w_.data[k] + step.data[k];
        const float relaxed = kRelaxation * w + (1 - kRelaxation) * z.data[k];
        z.data[k] = relaxed + u.data[k];
        u.data[k] += relaxed;  // minus z below
      }
      for (std::size_t o = 0; o < w_.rows; ++o) clamp(z.row(o), level, o);
      for (std::size_t k = 0; k < u.data.size(); ++k) u.data[k] -= z.data[k];
    }
  }

  /// Takes the rows that are better than what there is.
  void consider(const Matrix& candidate, float level, Matrix& chosen) {
    Matrix change(w_.rows, w_.cols);
    for (std::size_t k = 0; k < change.data.size(); ++k) change.data[k] = candidate.data[k] - w_.data[k];
    const Matrix image = times_transposed(change, h_, product_);
    std::vector<float> maxima(blocks_.size());
    for (std::size_t o = 0; o < w_.rows; ++o) {
      block_maxima(candidate.row(o), blocks_, maxima);
      const double cost = dot(change.row(o), image.row(o)) + noise(candidate.row(o), maxima);
      if (!(cost < best_[o])) continue;
      best_[o] = cost;
      level_[o] = static_cast<double>(level);
      std::copy(candidate.row(o).begin(), candidate.row(o).end(), chosen.row(o).begin());
    }
  }

  void measure(const Matrix& moment, ClippedWeights& result) const {
    Matrix change(w_.rows, w_.cols);
    for (std::size_t k = 0; k < change.data.size(); ++k) change.data[k] = result.weights.data[k] - w_.data[k];
    result.change = 0;
    const Matrix image = times_transposed(change, moment, product_);
    std::vector<float> maxima(blocks_.size());
    double levels = 0;
    for (std::size_t o = 0; o < w_.rows; ++o) {
      block_maxima(result.weights.row(o), blocks_, maxima);
      result.noise_after += noise(result.weights.row(o), maxima);
      result.change += dot(change.row(o), image.row(o));
      levels += level_[o];
    }
    result.mean_level = w_.rows == 0 ? 1 : levels / static_cast<double>(w_.rows);
  }

  const Matrix& w_;
  const RowBlocks& blocks_;
  const std::vector<InputConverter>& converters_;
  const ChipErrors& chip_;
  Product product_;
  Matrix h_;  ///< moment with ridge
  std::vector<float> power_;
  double mean_ = 0;
  Matrix maxima_;  ///< [out][block] of the weights as they were
  std::vector<double> best_, level_;
};

}  // namespace

ClippedWeights clip(const Matrix& weights, const Matrix& moment, const Matrix& beside, const RowBlocks& blocks,
                    const std::vector<InputConverter>& converters, const ChipErrors& chip, const ClipOptions& options,
                    Product product) {
  return Clipper(weights, moment, beside, blocks, converters, chip, options, product).run(moment, options.compensate);
}

}  // namespace xw::passes
