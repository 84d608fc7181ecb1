// The floating-point reference forward pass; docs/numerics.md#afm-float.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/reference/afm_float.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "models/cells/pcm_afm.hpp"
#include "models/reference/afm_steps.hpp"

namespace xw::reference::afm {
namespace {

void require(bool condition, ErrorCode code, const std::string& message) {
  if (!condition) throw Error(code, "afm-float: " + message);
}

void check_shapes(const LayerConfig& config, const MatrixView& weight, std::span<const float> bias,
                  std::span<const float> input_range, const MatrixView& x, const WeightNoise& noise,
                  std::size_t num_tiles) {
  const auto text = [](std::size_t n) { return std::to_string(n); };
  require(weight.data.size() == weight.rows * weight.cols && x.data.size() == x.rows * x.cols,
          ErrorCode::kShapeMismatch, "a matrix does not have rows * cols elements");
  require(x.cols == weight.cols, ErrorCode::kShapeMismatch,
          "x has " + text(x.cols) + " inputs, the weight " + text(weight.cols));
  require(bias.empty() || bias.size() == weight.rows, ErrorCode::kShapeMismatch,
          "bias has " + text(bias.size()) + " elements, the weight " + text(weight.rows) + " outputs");
  require(noise.xi.empty() || noise.xi.size() == weight.data.size(), ErrorCode::kShapeMismatch,
          "weight noise has " + text(noise.xi.size()) + " elements, the weight " + text(weight.data.size()));
  const bool needs_range = (config.input_steps > 0 && !config.dynamic_input) || config.output_bound > 0.0F;
  require(!needs_range || input_range.size() == num_tiles, ErrorCode::kInvalidArgument,
          "the converters need " + text(num_tiles) + " input ranges, got " + text(input_range.size()));
}

}  // namespace

std::vector<std::size_t> split_sizes(std::size_t num_inputs, int max_input_size) {
  if (max_input_size <= 0 || num_inputs == 0) return {num_inputs};
  const auto maximum = static_cast<std::size_t>(max_input_size);
  const std::size_t num_tiles = (num_inputs + maximum - 1) / maximum;
  std::vector<std::size_t> sizes(num_tiles, num_inputs / num_tiles);
  for (std::size_t tile = 0; tile < num_inputs % num_tiles; ++tile) ++sizes[tile];
  return sizes;
}

std::vector<float> channel_maxima(const MatrixView& weight, std::size_t first, std::size_t count) {
  std::vector<float> maxima(weight.rows, 0.0F);
  for (std::size_t out = 0; out < weight.rows; ++out) {
    for (std::size_t in = first; in < first + count; ++in)
      maxima[out] = std::max(maxima[out], std::fabs(weight.at(out, in)));
  }
  return maxima;
}

std::vector<float> forward(const LayerConfig& config, const MatrixView& weight, std::span<const float> bias,
                           std::span<const float> input_range, const MatrixView& x, const WeightNoise& noise) {
  const std::vector<std::size_t> sizes = split_sizes(weight.cols, config.max_input_size);
  check_shapes(config, weight, bias, input_range, x, noise, sizes.size());
  std::vector<float> y(x.rows * weight.rows, 0.0F);
  std::size_t first = 0;
  for (std::size_t tile = 0; tile < sizes.size(); first += sizes[tile], ++tile) {
    const float beta = input_range.empty() ? 0.0F : input_range[tile];
    const TileWeights tile_weights = prepare_weights(config, weight, first, sizes[tile], noise);
    const std::vector<float> bounds = adc_bounds(config, tile_weights.maxima, beta);
    const std::vector<float> inputs = convert_inputs(config, x, first, sizes[tile], beta);
    for (std::size_t v = 0; v < x.rows; ++v) {
      for (std::size_t out = 0; out < weight.rows; ++out) {
        double sum = 0.0;
        for (std::size_t i = 0; i < sizes[tile]; ++i) {
          sum += static_cast<double>(inputs[v * sizes[tile] + i]) *
                 static_cast<double>(tile_weights.data[out * sizes[tile] + i]);
        }
        auto value = static_cast<float>(sum);
        if (config.output_bound > 0.0F) {
          value = std::clamp(quantize_output(config, value, bounds[out]), -bounds[out], bounds[out]);
        }
        y[v * weight.rows + out] += value;
      }
    }
  }
  if (!bias.empty()) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i % weight.rows];
  }
  return y;
}

TileWeights prepare_weights(const LayerConfig& config, const MatrixView& weight, std::size_t first, std::size_t count,
                            const WeightNoise& noise) {
  TileWeights tile;
  tile.maxima = channel_maxima(weight, first, count);
  const float largest = *std::max_element(tile.maxima.begin(), tile.maxima.end());
  tile.data.resize(weight.rows * count);
  const auto levels = static_cast<float>(config.weight_steps / 2);
  for (std::size_t out = 0; out < weight.rows; ++out) {
    const float quantization_max =
        config.weight_quantization == WeightQuantization::kPerTensor ? largest : tile.maxima[out];
    const float step = levels > 0.0F ? quantization_max / levels : 0.0F;
    const float noise_scale = noise.gamma * (noise.per_channel ? tile.maxima[out] : largest);
    for (std::size_t i = 0; i < count; ++i) {
      float w = weight.at(out, first + i);
      if (config.weight_quantization != WeightQuantization::kNone && step > 0.0F) {
        w = std::nearbyint(std::clamp(w / step, -levels, levels)) * step;
      }
      if (!noise.xi.empty()) w += noise_scale * noise.xi[out * weight.cols + first + i];
      tile.data[out * count + i] = w;
    }
  }
  return tile;
}

std::vector<float> adc_bounds(const LayerConfig& config, std::span<const float> maxima, float beta) {
  const float largest = *std::max_element(maxima.begin(), maxima.end());
  std::vector<float> bounds(maxima.size());
  for (std::size_t out = 0; out < maxima.size(); ++out) {
    bounds[out] = beta * config.output_bound * (config.per_channel_bound ? maxima[out] : largest);
  }
  return bounds;
}

std::vector<float> convert_inputs(const LayerConfig& config, const MatrixView& x, std::size_t first, std::size_t count,
                                  float beta) {
  std::vector<float> inputs(x.rows * count);
  for (std::size_t v = 0; v < x.rows; ++v) {
    float range = beta;
    if (config.dynamic_input) {
      range = 0.0F;
      for (std::size_t i = 0; i < count; ++i) range = std::max(range, std::fabs(x.at(v, first + i)));
    }
    const float step = config.input_steps > 0 ? 2.0F * range / static_cast<float>(config.input_steps) : 0.0F;
    for (std::size_t i = 0; i < count; ++i) {
      float value = x.at(v, first + i);
      if (config.input_steps > 0)
        value = step > 0.0F ? std::nearbyint(std::clamp(value, -range, range) / step) * step : 0.0F;
      inputs[v * count + i] = value;
    }
  }
  return inputs;
}

float quantize_output(const LayerConfig& config, float value, float bound) {
  if (config.output_steps <= 0) return value;
  const float step = 2.0F * bound / static_cast<float>(config.output_steps);
  return step > 0.0F ? std::nearbyint(value / step) * step : 0.0F;
}

std::vector<float> pcm_programming_noise(const MatrixView& weight, int max_input_size, std::span<const float> xi_od,
                                         std::span<const float> xi_td) {
  require(xi_od.size() == weight.data.size() && xi_td.size() == weight.data.size(), ErrorCode::kShapeMismatch,
          "one deviate of each kind per weight");
  constexpr double kFullScale = 180.0;
  constexpr double kEpsilon = 0x1p-14;  // smallest normal fp16 number; avoids a division by zero
  std::vector<float> programmed(weight.data.size());
  std::size_t first = 0;
  for (const std::size_t count : split_sizes(weight.cols, max_input_size)) {
    const std::vector<float> maxima = channel_maxima(weight, first, count);
    for (std::size_t out = 0; out < weight.rows; ++out) {
      const double scale = 1.0 / (static_cast<double>(maxima[out]) + kEpsilon);
      for (std::size_t i = out * weight.cols + first; i < out * weight.cols + first + count; ++i) {
        const double normalized = static_cast<double>(weight.data[i]) * scale;
        const double g = kFullScale * normalized;
        const double sigma = kFullScale * cells::pcm_afm_sigma(normalized);  // zero where the cell is zero
        const double xi = std::fabs(g) <= 52.5 ? static_cast<double>(xi_od[i]) : static_cast<double>(xi_td[i]);
        programmed[i] = sigma > 0.0 ? static_cast<float>((g + sigma * xi) / kFullScale / scale) : 0.0F;
      }
    }
    first += count;
  }
  return programmed;
}

std::vector<float> gaussian_programming_noise(const MatrixView& weight, int max_input_size, float gamma,
                                              std::span<const float> xi) {
  require(xi.size() == weight.data.size(), ErrorCode::kShapeMismatch, "one deviate per weight");
  std::vector<float> programmed(weight.data.size());
  std::size_t first = 0;
  for (const std::size_t count : split_sizes(weight.cols, max_input_size)) {
    const std::vector<float> maxima = channel_maxima(weight, first, count);
    for (std::size_t out = 0; out < weight.rows; ++out) {
      for (std::size_t i = out * weight.cols + first; i < out * weight.cols + first + count; ++i) {
        programmed[i] = weight.data[i] + gamma * maxima[out] * xi[i];
      }
    }
    first += count;
  }
  return programmed;
}

}  // namespace xw::reference::afm
