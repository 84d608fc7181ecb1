// The error that a chip adds to a layer's outputs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/layer_error.hpp"

#include <algorithm>

#include "compiler/passes/calibration.hpp"

namespace xw::passes {

std::vector<InputConverter> best_converters(const Matrix& samples, const RowBlocks& blocks, int dac_max) {
  std::vector<InputConverter> converters;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    RangeStatistics statistics;
    const std::size_t begin = blocks.begin(b);
    const std::size_t size = blocks.end(b) - begin;
    for (std::size_t v = 0; v < samples.rows; ++v) statistics.add(samples.row(v).subspan(begin, size));
    InputConverter converter;
    converter.range = choose_range(statistics, RangeChoice{}, dac_max);
    const float step = converter.range / static_cast<float>(dac_max);
    double sum = 0;
    for (std::size_t v = 0; v < samples.rows; ++v) {
      for (const float x : samples.row(v).subspan(begin, size)) {
        const float code =
            std::clamp(std::nearbyint(x / step), static_cast<float>(-dac_max), static_cast<float>(dac_max));
        const double error = static_cast<double>(x) - static_cast<double>(code * step);
        sum += error * error;
      }
    }
    const auto count = static_cast<double>(samples.rows * size);
    converter.mean_square = count > 0 ? sum / count : 0;
    converters.push_back(converter);
  }
  return converters;
}

double programming_error(std::span<const float> weights, std::span<const float> full_scales, const RowBlocks& blocks,
                         std::span<const float> power, const ChipErrors& chip) {
  double error = 0;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const float full_scale = full_scales[b];
    if (!(full_scale > 0)) continue;
    const float inverse = 1.0F / full_scale;
    float sum = 0;
    for (std::uint32_t i = blocks.begin(b); i < blocks.end(b); ++i)
      sum += chip.cell_variance(std::fabs(weights[i]) * inverse) * power[i];
    error += static_cast<double>(full_scale) * static_cast<double>(full_scale) * static_cast<double>(sum);
  }
  return error;
}

double adc_error(std::span<const float> full_scales, std::span<const InputConverter> converters,
                 const ChipErrors& chip) {
  double error = 0;
  for (std::size_t b = 0; b < full_scales.size(); ++b) {
    const double full = static_cast<double>(converters[b].range) * static_cast<double>(full_scales[b]);
    error += full * full * chip.output_variance;
  }
  return error;
}

double dac_error(std::span<const float> weights, const RowBlocks& blocks, std::span<const InputConverter> converters) {
  double error = 0;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const auto part = weights.subspan(blocks.begin(b), blocks.end(b) - blocks.begin(b));
    error += dot(part, part) * converters[b].mean_square;
  }
  return error;
}

double output_error(std::span<const float> weights, const RowBlocks& blocks, std::span<const float> power,
                    std::span<const InputConverter> converters, const ChipErrors& chip) {
  std::vector<float> maxima(blocks.size());
  block_maxima(weights, blocks, maxima);
  return programming_error(weights, maxima, blocks, power, chip) + adc_error(maxima, converters, chip) +
         dac_error(weights, blocks, converters);
}

void block_maxima(std::span<const float> weights, const RowBlocks& blocks, std::span<float> maxima) {
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    float largest = 0;
    for (std::uint32_t i = blocks.begin(b); i < blocks.end(b); ++i) largest = std::max(largest, std::fabs(weights[i]));
    maxima[b] = largest;
  }
}

}  // namespace xw::passes
