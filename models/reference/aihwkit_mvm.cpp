// The deterministic part of aihwkit's forward pass; docs/numerics.md#aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/reference/aihwkit_mvm.hpp"

#include <algorithm>
#include <cmath>

#include "arch/support/error.hpp"

namespace xw::reference::aihwkit {
namespace {

float input_scale(std::span<const float> x, const IoParameters& io) {
  if (io.noise_management == NoiseManagement::kConstant) return io.nm_thres;
  if (io.noise_management == NoiseManagement::kNone) return 1.0F;
  float largest = 0.0F;
  for (const float value : x) largest = std::max(largest, std::fabs(value));
  return largest > 0.0F ? largest : 1.0F;
}

/// One attempt with inputs divided by `scale`. Returns whether an output was clipped.
bool convert(const afm::MatrixView& weight, std::span<const float> x, const IoParameters& io, float scale,
             std::vector<float>& y) {
  const float input_step = 2.0F * io.inp_bound * io.inp_res;
  const float output_step = 2.0F * io.out_bound * io.out_res;
  const float reciprocal = 1.0F / scale;
  std::vector<float> inputs(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    // First the scale, then the step: ties occur exactly, and another order rounds them to the other side.
    const float scaled = x[i] * reciprocal;
    inputs[i] = std::clamp(std::nearbyint(scaled / input_step) * input_step, -io.inp_bound, io.inp_bound);
  }
  bool clipped = false;
  for (std::size_t out = 0; out < weight.rows; ++out) {
    double sum = 0.0;
    for (std::size_t in = 0; in < x.size(); ++in)
      sum += static_cast<double>(weight.at(out, in)) * static_cast<double>(inputs[in]);
    const float code = std::nearbyint(static_cast<float>(sum) / output_step) * output_step;
    clipped = clipped || std::fabs(code) > io.out_bound;
    y[out] = std::clamp(code, -io.out_bound, io.out_bound) * scale;
  }
  return clipped;
}

}  // namespace

std::vector<float> analog_mvm(const afm::MatrixView& weight, std::span<const float> x, const IoParameters& io) {
  if (weight.cols != x.size() || weight.data.size() != weight.rows * weight.cols) {
    throw Error(ErrorCode::kShapeMismatch, "analog MVM: weight and x do not fit together");
  }
  std::vector<float> y(weight.rows);
  const float scale = input_scale(x, io);
  const float max_reduction = std::min(io.max_bm_factor, io.max_bm_res / (2.0F * io.inp_bound * io.inp_res));
  float reduction = 1.0F;
  while (convert(weight, x, io, scale * reduction, y) && io.bound_management == BoundManagement::kIterative &&
         reduction <= max_reduction) {
    reduction *= 2.0F;
  }
  return y;
}

}  // namespace xw::reference::aihwkit
