// Per-input scales that share the burden between inputs and weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/equalise.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace xw::passes {
namespace {

constexpr std::array kInputStrengths = {0.0, 0.25, 0.5, 0.75};
constexpr std::array kWeightStrengths = {0.0, 0.25, 0.5, 0.75, 1.0};
constexpr std::size_t kSearchOutputs = 256;  ///< outputs of a reader that the search looks at
constexpr double kLargestScale = 1e4;        ///< a scale, and its inverse, at most: keeps fp32 exact to rounding
constexpr double kLeastGain = 1e-3;

class Search {
 public:
  Search(const Site& site, const SiteInputs& inputs, const std::vector<Matrix>& weights, const RowBlocks& blocks,
         const ChipErrors& chip, Product product)
      : site_(site), inputs_(inputs), weights_(weights), blocks_(blocks), chip_(chip) {
    for (const Matrix& matrix : weights) energies_.push_back(output_energy(matrix, inputs.moment, product));
    find_columns();
  }

  [[nodiscard]] std::vector<float> scales(const Strengths& strengths) const {
    std::vector<double> logs(site_.num_scales);
    double sum = 0;
    std::size_t known = 0;
    for (std::size_t k = 0; k < logs.size(); ++k) {
      if (!(input_power_[k] > 0) || !(weight_power_[k] > 0)) continue;
      logs[k] =
          strengths.inputs * 0.5 * std::log(input_power_[k]) - strengths.weights * 0.5 * std::log(weight_power_[k]);
      sum += logs[k];
      ++known;
    }
    const double mean = known == 0 ? 0 : sum / static_cast<double>(known);
    const double limit = std::log(kLargestScale);
    std::vector<float> scales(logs.size(), 1.0F);
    for (std::size_t k = 0; k < logs.size(); ++k) {
      if (!(input_power_[k] > 0) || !(weight_power_[k] > 0)) continue;
      scales[k] = static_cast<float>(std::exp(std::clamp(logs[k] - mean, -limit, limit)));
    }
    return scales;
  }

  /// Expected error with these scales, relative to the signal, summed over the readers.
  [[nodiscard]] double error(std::span<const float> scales) const {
    const std::vector<float> s = spread(site_, scales);
    Matrix samples = inputs_.samples;
    for (std::size_t v = 0; v < samples.rows; ++v) {
      for (std::size_t i = 0; i < s.size(); ++i) samples(v, i) /= s[i];
    }
    std::vector<float> power(s.size());
    for (std::size_t i = 0; i < s.size(); ++i) power[i] = inputs_.power[i] / (s[i] * s[i]);
    const std::vector<InputConverter> converters = best_converters(samples, blocks_, chip_.dac_max);
    double total = 0;
    for (std::size_t r = 0; r < weights_.size(); ++r) {
      if (energies_[r] > 0) total += reader_error(weights_[r], s, power, converters) / energies_[r];
    }
    return total;
  }

 private:
  void find_columns() {
    input_power_.assign(site_.num_scales, 0);
    weight_power_.assign(site_.num_scales, 0);
    for (std::size_t i = 0; i < site_.features; ++i)
      input_power_[site_.scale_of[i]] += static_cast<double>(inputs_.power[i]);
    // Readers are weighted by their own signal, as the error is.
    for (std::size_t r = 0; r < weights_.size(); ++r) {
      if (!(energies_[r] > 0)) continue;
      for (std::size_t o = 0; o < weights_[r].rows; ++o) {
        const auto row = weights_[r].row(o);
        for (std::size_t i = 0; i < row.size(); ++i)
          weight_power_[site_.scale_of[i]] += static_cast<double>(row[i]) * static_cast<double>(row[i]) / energies_[r];
      }
    }
  }

  [[nodiscard]] double reader_error(const Matrix& weights, std::span<const float> s, std::span<const float> power,
                                    std::span<const InputConverter> converters) const {
    const std::size_t step = std::max<std::size_t>(1, weights.rows / kSearchOutputs);
    std::vector<float> scaled(weights.cols);
    double sum = 0;
    std::size_t looked_at = 0;
    for (std::size_t o = 0; o < weights.rows; o += step, ++looked_at) {
      const auto row = weights.row(o);
      for (std::size_t i = 0; i < row.size(); ++i) scaled[i] = row[i] * s[i];
      sum += output_error(scaled, blocks_, power, converters, chip_);
    }
    return sum * static_cast<double>(weights.rows) / static_cast<double>(looked_at);
  }

  const Site& site_;
  const SiteInputs& inputs_;
  const std::vector<Matrix>& weights_;
  const RowBlocks& blocks_;
  const ChipErrors& chip_;
  std::vector<double> energies_;                    ///< of the readers' outputs
  std::vector<double> input_power_, weight_power_;  ///< per scale
};

}  // namespace

double output_energy(const Matrix& weights, const Matrix& moment, Product product) {
  const Matrix half = times_transposed(weights, moment, product);  // the moment is symmetric
  double energy = 0;
  for (std::size_t o = 0; o < weights.rows; ++o) energy += dot(half.row(o), weights.row(o));
  return energy;
}

Equalisation equalise(const Site& site, const SiteInputs& inputs, const std::vector<Matrix>& weights,
                      const RowBlocks& blocks, const ChipErrors& chip, Product product) {
  Equalisation best;
  best.scales.assign(site.num_scales, 1.0F);
  const Search search(site, inputs, weights, blocks, chip, product);
  best.error_before = best.error_after = search.error(best.scales);
  if (site.fold == FoldKind::kNone) return best;
  for (const double input_strength : kInputStrengths) {
    for (const double weight_strength : kWeightStrengths) {
      if (input_strength == 0 && weight_strength == 0) continue;
      const Strengths strengths{input_strength, weight_strength};
      std::vector<float> scales = search.scales(strengths);
      const double error = search.error(scales);
      if (!(error < best.error_after * (1 - kLeastGain))) continue;
      best.error_after = error;
      best.strengths = strengths;
      best.scales = std::move(scales);
    }
  }
  return best;
}

}  // namespace xw::passes
