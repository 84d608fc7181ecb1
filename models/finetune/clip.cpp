// Clipping of master weights, row by row.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/clip.hpp"

#include <cmath>

namespace xw::finetune {

using torch::Tensor;

Tensor clip_bounds(const Tensor& weight, double alpha, double exempt_above, double step_fraction) {
  const torch::NoGradGuard guard;
  const auto n = static_cast<double>(weight.size(1));
  const Tensor mean = weight.mean(1, true);
  const Tensor squares = at::linalg_vector_norm(weight, 2, {1}, true).square_();
  // Means of weights are small beside their deviations: the difference loses no digits that count.
  const Tensor deviation = (squares - mean.square() * n).div_(std::max(1.0, n - 1)).clamp_min_(0).sqrt_();
  const Tensor largest = at::linalg_vector_norm(weight, INFINITY, {1}, true);
  Tensor bounds = deviation * alpha;
  if (step_fraction < 1) bounds = at::maximum(bounds, at::lerp(largest, bounds, step_fraction));
  if (exempt_above > 0) bounds.masked_fill_(at::gt(largest, deviation * exempt_above), INFINITY);
  return bounds;
}

}  // namespace xw::finetune
