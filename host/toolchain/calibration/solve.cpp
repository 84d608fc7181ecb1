// Ranges from data.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/solve.hpp"

#include <Eigen/Core>
#include <utility>
#include <vector>

#include "arch/support/parallel.hpp"

namespace xw::toolchain {
namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Weights [out][in] of a linear layer.
RowMatrix weights_of(const checkpoint::Checkpoint& checkpoint, const ir::TensorRef& reference) {
  const checkpoint::Tensor& tensor = checkpoint.tensors().at(reference.tensor);
  const ir::RowRange rows = reference.rows(tensor.rows());
  RowMatrix weights(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(tensor.row_elements()));
  checkpoint::read_rows(tensor, rows.begin, rows.end, {weights.data(), static_cast<std::size_t>(weights.size())});
  return weights;
}

}  // namespace

void choose_input_ranges(CalibrationLayers& layers, const passes::RangeChoice& choice,
                         const arch::ChipDescription& chip, ThreadPool& pool) {
  std::vector<InputSlice*> slices;
  for (InputGroup& group : layers.groups) {
    for (InputSlice& slice : group.slices) slices.push_back(&slice);
  }
  pool.for_each(slices.size(), [&](std::size_t i) {
    slices[i]->beta = passes::choose_range(slices[i]->statistics, choice, chip.dac_max());
  });
}

float choose_adc_range(const AnalogLayer& layer, const InputGroup& group, const checkpoint::Checkpoint& checkpoint,
                       const arch::ChipDescription& chip) {
  const RowMatrix weights = weights_of(checkpoint, layer.linear.weight);
  const auto vectors = static_cast<Eigen::Index>(group.kept.size() / group.in_features);
  const Eigen::Map<const RowMatrix> x(group.kept.data(), vectors, group.in_features);
  const auto dac_max = static_cast<float>(chip.dac_max());
  passes::RangeStatistics sums;
  for (const InputSlice& slice : group.slices) {
    const Eigen::Index rows = slice.end - slice.begin;
    const RowMatrix codes =
        (x.middleCols(slice.begin, rows).array() * dac_max / slice.beta).round().max(-dac_max).min(dac_max) / dac_max;
    const auto part = weights.middleCols(slice.begin, rows);
    Eigen::VectorXf w_max = part.cwiseAbs().rowwise().maxCoeff();
    if (!slice.full_scales.empty()) w_max = Eigen::Map<const Eigen::VectorXf>(slice.full_scales.data(), part.rows());
    RowMatrix sum = codes * part.transpose();
    for (Eigen::Index out = 0; out < sum.cols(); ++out) {
      if (w_max[out] > 0) sum.col(out) /= w_max[out];
    }
    sums.add({sum.data(), static_cast<std::size_t>(sum.size())});
  }
  return passes::choose_range(sums, {passes::RangeMethod::kMse, 0}, chip.adc_max());
}

compiler::Calibration solve(const CalibrationLayers& layers, bool adc, const checkpoint::Checkpoint& checkpoint,
                            const arch::ChipDescription& chip, ThreadPool& pool) {
  std::vector<compiler::LayerRanges> ranges(layers.layers.size());
  pool.for_each(ranges.size(), [&](std::size_t i) {
    const AnalogLayer& layer = layers.layers[i];
    const InputGroup& group = layers.groups[layer.group];
    for (const InputSlice& slice : group.slices) {
      ranges[i].inputs.push_back({slice.begin, slice.end, slice.beta});
      if (!slice.full_scales.empty()) ranges[i].full_scales.push_back(slice.full_scales);
    }
    if (adc) ranges[i].lambda = choose_adc_range(layer, group, checkpoint, chip);
  });
  compiler::Calibration calibration;
  for (std::size_t i = 0; i < ranges.size(); ++i)
    calibration.layers[layers.layers[i].linear.name] = std::move(ranges[i]);
  return calibration;
}

}  // namespace xw::toolchain
