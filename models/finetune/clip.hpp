// Clipping of master weights, row by row.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

namespace xw::finetune {

/// The bound of every row of weight [out][in], [out][1] fp32: alpha times its unbiased standard deviation. Rows whose largest magnitude
/// exceeds `exempt_above` (if above 0) deviations have none (infinity). With `step_fraction` below 1 the bound lies that fraction of
/// the way from the largest magnitude to the bound that alpha asks for.
[[nodiscard]] torch::Tensor clip_bounds(const torch::Tensor& weight, double alpha, double exempt_above,
                                        double step_fraction);

}  // namespace xw::finetune
