// The error that a chip adds to a layer's outputs, as far as it can be known before a chip is programmed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compiler/passes/matrix.hpp"

namespace xw::passes {

/// What a chip does to weights and inputs.
struct ChipErrors {
  /// Mean square error of a programmed weight over its full scale, for magnitudes i / (size - 1) of the target.
  std::vector<float> cell;
  int dac_max = 127;
  /// ADC step and read noise in units of input range times full scale, as a variance; 0: neither.
  double output_variance = 0;

  [[nodiscard]] float cell_variance(float magnitude) const {
    const auto last = static_cast<float>(cell.size() - 1);
    const float at = magnitude < 1.0F ? magnitude * last : last;
    // Never negative, in a table of a few hundred entries, in a hot loop.
    return cell[static_cast<std::size_t>(at + 0.5F)];  // NOLINT(bugprone-incorrect-roundings)
  }
};

/// Rows of the blocks of a site: block b has inputs [begins[b], begins[b + 1]), the last ends with the inputs.
struct RowBlocks {
  std::vector<std::uint32_t> begins = {0};
  std::uint32_t inputs = 0;
  [[nodiscard]] std::size_t size() const { return begins.size(); }
  [[nodiscard]] std::uint32_t begin(std::size_t b) const { return begins[b]; }
  [[nodiscard]] std::uint32_t end(std::size_t b) const { return b + 1 < begins.size() ? begins[b + 1] : inputs; }
};

/// Converter of one row block.
struct InputConverter {
  float range = 0;         ///< full scale that loses least
  double mean_square = 0;  ///< of rounding and clipping, per input
};
/// The best converters for `samples` [n][inputs].
[[nodiscard]] std::vector<InputConverter> best_converters(const Matrix& samples, const RowBlocks& blocks, int dac_max);

/// Expected square error of programming at one output: over its blocks, full_scale^2 * sum of cell variance * E[x^2].
/// `weights` has one entry per input, `full_scales` one per block, `power` E[x^2] per input. Source: independent errors.
[[nodiscard]] double programming_error(std::span<const float> weights, std::span<const float> full_scales,
                                       const RowBlocks& blocks, std::span<const float> power, const ChipErrors& chip);

/// Variance at one output of what its ADCs add: their step and read noise, over its blocks.
[[nodiscard]] double adc_error(std::span<const float> full_scales, std::span<const InputConverter> converters,
                               const ChipErrors& chip);
/// Square error at one output of what its DACs round and clip, over its blocks.
[[nodiscard]] double dac_error(std::span<const float> weights, const RowBlocks& blocks,
                               std::span<const InputConverter> converters);
/// All that a chip adds at one output whose full scales are its largest weights: programming, DAC, ADC.
[[nodiscard]] double output_error(std::span<const float> weights, const RowBlocks& blocks, std::span<const float> power,
                                  std::span<const InputConverter> converters, const ChipErrors& chip);

/// Largest magnitude of every block's weights of one output.
void block_maxima(std::span<const float> weights, const RowBlocks& blocks, std::span<float> maxima);

}  // namespace xw::passes
