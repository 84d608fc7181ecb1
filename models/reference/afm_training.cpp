// Gradients, clipping and input ranges of the AFM training; docs/numerics.md#afm-training.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/reference/afm_training.hpp"

#include <algorithm>
#include <cmath>

#include "arch/support/error.hpp"
#include "models/reference/afm_steps.hpp"

namespace xw::reference::afm {
namespace {

double unbiased_deviation(std::span<const float> values) {
  if (values.size() < 2) return 0.0;
  double mean = 0.0;
  for (const float value : values) mean += static_cast<double>(value);
  mean /= static_cast<double>(values.size());
  double squares = 0.0;
  for (const float value : values) squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

void clamp_all(std::span<float> values, float bound) {
  for (float& value : values) value = std::clamp(value, -bound, bound);
}

void check(const LayerConfig& config, const MatrixView& weight, std::span<const float> input_range, const MatrixView& x,
           const MatrixView& dy, std::size_t num_tiles) {
  if (config.dynamic_input || config.weight_quantization != WeightQuantization::kNone || config.input_steps <= 0) {
    throw Error(ErrorCode::kUnsupported, "afm backward: needs a static DAC and weights that are not quantised");
  }
  const bool fits = weight.data.size() == weight.rows * weight.cols && x.data.size() == x.rows * x.cols &&
                    dy.data.size() == dy.rows * dy.cols && x.cols == weight.cols && dy.cols == weight.rows &&
                    dy.rows == x.rows && input_range.size() == num_tiles;
  if (!fits) throw Error(ErrorCode::kShapeMismatch, "afm backward: weight, x, dy and input ranges do not fit together");
}

/// dy of one tile, zero where the ADC clamped, [batch][out].
std::vector<float> through_adc(const LayerConfig& config, const TileWeights& weights, const std::vector<float>& inputs,
                               std::size_t count, float beta, const MatrixView& dy) {
  std::vector<float> passed(dy.data.begin(), dy.data.end());
  if (config.output_bound <= 0.0F) return passed;
  const std::vector<float> bounds = adc_bounds(config, weights.maxima, beta);
  for (std::size_t v = 0; v < dy.rows; ++v) {
    for (std::size_t out = 0; out < dy.cols; ++out) {
      double sum = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        sum += static_cast<double>(inputs[v * count + i]) * static_cast<double>(weights.data[out * count + i]);
      }
      const float y = quantize_output(config, static_cast<float>(sum), bounds[out]);
      // The largest code times the step may miss the bound by one rounding; it is the bound.
      const float tolerance = config.output_steps > 0 ? bounds[out] * 1e-6F : 0.0F;
      if (std::fabs(y) > bounds[out] + tolerance) passed[v * dy.cols + out] = 0.0F;
    }
  }
  return passed;
}

}  // namespace

Gradients backward(const LayerConfig& config, const MatrixView& weight, std::span<const float> input_range,
                   const MatrixView& x, const MatrixView& dy, const InputRangeRule& rule, const WeightNoise& noise) {
  const std::vector<std::size_t> sizes = split_sizes(weight.cols, config.max_input_size);
  check(config, weight, input_range, x, dy, sizes.size());
  Gradients gradients;
  gradients.x.resize(x.data.size());
  gradients.weight.resize(weight.data.size());
  gradients.bias.resize(weight.rows);
  gradients.input_range.resize(sizes.size());
  for (std::size_t out = 0; out < weight.rows; ++out) {
    double sum = 0.0;
    for (std::size_t v = 0; v < dy.rows; ++v) sum += static_cast<double>(dy.at(v, out));
    gradients.bias[out] = static_cast<float>(sum);
  }

  std::size_t first = 0;
  for (std::size_t tile = 0; tile < sizes.size(); first += sizes[tile], ++tile) {
    const std::size_t count = sizes[tile];
    const float beta = input_range[tile];
    const TileWeights weights = prepare_weights(config, weight, first, count, noise);
    const std::vector<float> inputs = convert_inputs(config, x, first, count, beta);
    const std::vector<float> passed = through_adc(config, weights, inputs, count, beta, dy);

    for (std::size_t out = 0; out < weight.rows; ++out) {
      for (std::size_t i = 0; i < count; ++i) {
        double sum = 0.0;
        for (std::size_t v = 0; v < x.rows; ++v) {
          sum += static_cast<double>(passed[v * weight.rows + out]) * static_cast<double>(inputs[v * count + i]);
        }
        gradients.weight[out * weight.cols + first + i] = static_cast<float>(sum);
      }
    }

    double range_gradient = 0.0;
    std::size_t inside = 0;
    for (std::size_t v = 0; v < x.rows; ++v) {
      for (std::size_t i = 0; i < count; ++i) {
        double g = 0.0;
        for (std::size_t out = 0; out < weight.rows; ++out) {
          g += static_cast<double>(passed[v * weight.rows + out]) * static_cast<double>(weights.data[out * count + i]);
        }
        const float value = x.at(v, first + i);
        gradients.x[v * x.cols + first + i] = std::fabs(value) > beta ? 0.0F : static_cast<float>(g);
        // Only the half of the clip gradient that widens the range; decay alone narrows it.
        if (value >= beta) range_gradient += std::min(g, 0.0);
        if (value <= -beta) range_gradient -= std::max(g, 0.0);
        if (value < beta && value > -beta) ++inside;
      }
    }
    const double inside_fraction = static_cast<double>(inside) / static_cast<double>(x.rows * count);
    const double decay =
        inside_fraction > static_cast<double>(rule.input_min_percentage) ? static_cast<double>(rule.decay) : 0.0;
    gradients.input_range[tile] = static_cast<float>(static_cast<double>(beta) * (range_gradient + decay));
  }
  return gradients;
}

void clip_weights(std::span<float> weight, std::size_t rows, std::size_t cols, float alpha, bool per_channel) {
  if (weight.size() != rows * cols) {
    throw Error(ErrorCode::kShapeMismatch, "clip_weights: the matrix does not have rows * cols elements");
  }
  if (!per_channel) {
    clamp_all(weight, static_cast<float>(static_cast<double>(alpha) * unbiased_deviation(weight)));
    return;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<float> channel = weight.subspan(row * cols, cols);
    clamp_all(channel, static_cast<float>(static_cast<double>(alpha) * unbiased_deviation(channel)));
  }
}

void InputRangeEstimator::observe(std::span<const float> x) {
  if (index_ >= num_batches_) return;
  const double deviation = unbiased_deviation(x);
  if (!(deviation > 0.0)) return;
  const double index = index_;
  range_ = static_cast<float>(
      std::fabs((static_cast<double>(range_) * index + static_cast<double>(kappa_) * deviation) / (index + 1.0)));
  ++index_;
}

}  // namespace xw::reference::afm
