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

constexpr std::size_t kPanel = 256;  ///< outputs at a time

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

/// Rows of `m` that `rows` names.
Matrix gathered(const Matrix& m, std::span<const std::size_t> rows) {
  Matrix result(rows.size(), m.cols);
  for (std::size_t k = 0; k < rows.size(); ++k) std::ranges::copy(m.row(rows[k]), result.row(k).begin());
  return result;
}

class Clipper {
 public:
  Clipper(const Matrix& weights, const Matrix& moment, const Matrix& beside, const RowBlocks& blocks,
          const std::vector<InputConverter>& converters, const ChipErrors& chip, const ClipOptions& options,
          Product product)
      : w_(weights),
        blocks_(blocks),
        converters_(converters),
        chip_(chip),
        options_(options),
        product_(product),
        h_(moment) {
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

  ClippedWeights run(const Matrix& moment) {
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
      if (options_.compensate) inverse = damped_inverse(h_, kPenalty * mean_);
      for (std::size_t first = 0; first < w_.rows; first += kPanel)
        clip_panel(first, std::min(w_.rows, first + kPanel), inverse, result.weights);
    }
    measure(moment, result);
    return result;
  }

 private:
  /// What ADMM knows of some rows.
  struct State {
    std::vector<std::size_t> rows;  ///< numbers of outputs
    Matrix w, z, u;
  };

  /// Outputs are independent of each other; a panel of them stays in the processor's caches over all levels.
  void clip_panel(std::size_t begin, std::size_t end, const std::optional<Matrix>& inverse, Matrix& chosen) {
    State state;
    for (std::size_t o = begin; o < end; ++o) state.rows.push_back(o);
    state.w = gathered(w_, state.rows);
    state.z = state.w;
    state.u = Matrix(state.w.rows, state.w.cols);
    for (const float level : kLevels) {
      Matrix clipped = state.w;
      for (std::size_t k = 0; k < state.rows.size(); ++k) clamp(clipped.row(k), level, state.rows[k]);
      std::vector<bool> better(state.rows.size());
      consider(state, clipped, level, chosen, better);
      if (inverse) {
        fit(*inverse, level, state);
        consider(state, state.z, level, chosen, better);
      }
      // Below the best full scale errors only grow: a row that a level did not help is finished.
      std::vector<std::size_t> kept;
      for (std::size_t k = 0; k < state.rows.size(); ++k) {
        if (better[k]) kept.push_back(k);
      }
      if (kept.empty()) return;
      if (kept.size() == state.rows.size()) continue;
      State rest{{}, gathered(state.w, kept), gathered(state.z, kept), gathered(state.u, kept)};
      for (const std::size_t k : kept) rest.rows.push_back(state.rows[k]);
      state = std::move(rest);
    }
  }

  [[nodiscard]] double noise(std::span<const float> weights, std::span<const float> full_scales) const {
    return (programming_error(weights, full_scales, blocks_, power_, chip_) +
            adc_error(full_scales, converters_, chip_)) /
           options_.copies;
  }

  void clamp(std::span<float> row, float level, std::size_t o) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const float bound = level * maxima_(o, b);
      for (std::uint32_t i = blocks_.begin(b); i < blocks_.end(b); ++i) row[i] = std::clamp(row[i], -bound, bound);
    }
  }

  /// Goes on with ADMM on the bounds of `level`: z is within the bounds afterwards.
  void fit(const Matrix& inverse, float level, State& state) const {
    Matrix& z = state.z;
    Matrix& u = state.u;
    Matrix change(z.rows, z.cols), step(z.rows, z.cols);
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      for (std::size_t k = 0; k < change.data.size(); ++k) change.data[k] = z.data[k] - u.data[k] - state.w.data[k];
      product_(inverse.data.data(), inverse.cols, inverse.rows, change.data.data(), change.cols, change.rows,
               change.cols, step.data.data(), step.cols);
      for (std::size_t k = 0; k < step.data.size(); ++k) {
        const float w = state.w.data[k] + step.data[k];
        const float relaxed = kRelaxation * w + (1 - kRelaxation) * z.data[k];
        z.data[k] = relaxed + u.data[k];
        u.data[k] += relaxed;  // minus z below
      }
      for (std::size_t o = 0; o < z.rows; ++o) clamp(z.row(o), level, state.rows[o]);
      for (std::size_t k = 0; k < u.data.size(); ++k) u.data[k] -= z.data[k];
    }
  }

  /// Takes the rows that are better than what there is.
  void consider(const State& state, const Matrix& candidate, float level, Matrix& chosen, std::vector<bool>& better) {
    Matrix change(candidate.rows, candidate.cols);
    for (std::size_t k = 0; k < change.data.size(); ++k) change.data[k] = candidate.data[k] - state.w.data[k];
    const Matrix image = times_transposed(change, h_, product_);
    std::vector<float> maxima(blocks_.size());
    for (std::size_t k = 0; k < candidate.rows; ++k) {
      const std::size_t o = state.rows[k];
      block_maxima(candidate.row(k), blocks_, maxima);
      const double cost = options_.change_weight * dot(change.row(k), image.row(k)) + noise(candidate.row(k), maxima);
      if (!(cost < best_[o])) continue;
      best_[o] = cost;
      level_[o] = static_cast<double>(level);
      better[k] = true;
      std::ranges::copy(candidate.row(k), chosen.row(o).begin());
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
  ClipOptions options_;
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
  return Clipper(weights, moment, beside, blocks, converters, chip, options, product).run(moment);
}

}  // namespace xw::passes
