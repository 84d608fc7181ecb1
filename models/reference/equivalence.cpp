// Compares ADC codes of the integer contract and of the floating-point forward pass.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/reference/equivalence.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "models/analog/numerics.hpp"

namespace xw::reference {
namespace {

constexpr std::uint32_t kLanes = 64;

/// Cells of the whole weight as one block, ideally programmed: rne(w * g_unit), one column per output.
std::vector<std::int8_t> program_cells(const afm::MatrixView& weight, const std::vector<float>& maxima, int g_unit) {
  const std::size_t groups = (weight.rows + kLanes - 1) / kLanes;
  std::vector<std::int8_t> cells(groups * weight.cols * kLanes, 0);
  for (std::size_t out = 0; out < weight.rows; ++out) {
    if (maxima[out] <= 0.0F) continue;
    for (std::size_t in = 0; in < weight.cols; ++in) {
      const float code = std::nearbyint(weight.at(out, in) / maxima[out] * static_cast<float>(g_unit));
      cells[((out / kLanes) * weight.cols + in) * kLanes + out % kLanes] = static_cast<std::int8_t>(code);
    }
  }
  return cells;
}

/// ADC codes [batch][out] of the contract.
std::vector<std::int32_t> contract_codes(const afm::MatrixView& weight, const std::vector<std::int8_t>& cells,
                                         const afm::MatrixView& x, const EquivalenceOptions& options, int dac_max,
                                         int adc_max) {
  const analog::AdcSetting adc =
      analog::ideal_adc(static_cast<double>(options.lambda), dac_max, options.g_unit, options.adc_bits);
  std::vector<std::uint16_t> tables(2 * weight.rows);
  for (std::size_t out = 0; out < weight.rows; ++out) {
    tables[2 * out] = adc.gain;
    tables[2 * out + 1] = 1;  // Y is the code
  }
  std::vector<std::int8_t> x_codes(x.data.size());
  if (!analog::dac_convert(x.data, options.beta, dac_max, x_codes)) {
    throw Error(ErrorCode::kNotFinite, "equivalence: x holds NaN or infinity");
  }
  analog::BlockView block;
  block.rows = static_cast<std::uint32_t>(weight.cols);
  block.cols = static_cast<std::uint32_t>(weight.rows);
  block.lanes = kLanes;
  block.adc_shift = adc.shift;
  block.adc_max = adc_max;
  block.column_tables = tables.data();
  block.cells = cells.data();
  std::vector<std::int32_t> codes(x.rows * weight.rows);
  analog::MvmBatch batch;
  batch.x = x_codes.data();
  batch.x_stride = x.cols;
  batch.y = codes.data();
  batch.y_stride = weight.rows;
  batch.num_vectors = static_cast<std::uint32_t>(x.rows);
  analog::tile_mvm_reference(block, batch);
  return codes;
}

}  // namespace

EquivalenceResult compare_with_afm_float(const afm::MatrixView& weight, const afm::MatrixView& x,
                                         const EquivalenceOptions& options) {
  if (weight.cols > arch::kMaxRows || x.cols != weight.cols || weight.data.size() != weight.rows * weight.cols ||
      x.data.size() != x.rows * x.cols) {
    throw Error(ErrorCode::kShapeMismatch, "equivalence: weight and x do not fit together or into one block");
  }
  if (options.dac_bits < 2 || options.dac_bits > 8 || !(options.beta > 0.0F) || options.g_unit < 1 ||
      options.g_unit > 127) {
    throw Error(ErrorCode::kInvalidArgument, "equivalence: beta, dac_bits or g_unit is impossible");
  }
  const int dac_max = (1 << (options.dac_bits - 1)) - 1;
  const int adc_max = (1 << (options.adc_bits - 1)) - 1;
  const std::vector<float> maxima = afm::channel_maxima(weight, 0, weight.cols);
  const std::vector<std::int8_t> cells = program_cells(weight, maxima, options.g_unit);
  const std::vector<std::int32_t> codes = contract_codes(weight, cells, x, options, dac_max, adc_max);

  std::vector<float> reference_weight(weight.data.begin(), weight.data.end());
  if (options.same_weights) {
    for (std::size_t out = 0; out < weight.rows; ++out) {
      for (std::size_t in = 0; in < weight.cols; ++in) {
        const std::int8_t g = cells[((out / kLanes) * weight.cols + in) * kLanes + out % kLanes];
        reference_weight[out * weight.cols + in] =
            static_cast<float>(g) / static_cast<float>(options.g_unit) * maxima[out];
      }
    }
  }
  afm::LayerConfig config;
  config.input_steps = 2 * dac_max;
  config.output_steps = 2 * adc_max;
  config.output_bound = options.lambda;
  config.per_channel_bound = true;
  const std::vector<float> y =
      afm::forward(config, {reference_weight, weight.rows, weight.cols}, {}, {&options.beta, 1}, x);

  EquivalenceResult result;
  result.outputs = codes.size();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const float bound = options.beta * options.lambda * maxima[i % weight.rows];
    const float step = bound / static_cast<float>(adc_max);
    const int expected = step > 0.0F ? static_cast<int>(std::lround(y[i] / step)) : 0;
    const int difference = std::abs(expected - codes[i]);
    result.different += difference != 0 ? 1 : 0;
    result.largest_difference = std::max(result.largest_difference, difference);
  }
  return result;
}

}  // namespace xw::reference
