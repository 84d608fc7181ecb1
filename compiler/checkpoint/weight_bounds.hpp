// Learned weight bounds of aihwkit-lightning checkpoints.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::checkpoint {

/// Gives every matrix `P.weight` the bounds that stand in `P.learnable_weight_clip` [tiles][outputs].
/// Throws Error{kShapeMismatch} for bounds of no matrix or of another shape, Error{kFormat | kNotFinite} for bounds that
/// are not positive.
void attach_weight_bounds(std::map<std::string, Tensor>& tensors);

}  // namespace xw::checkpoint
