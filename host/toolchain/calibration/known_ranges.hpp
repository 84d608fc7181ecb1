// Input ranges that need no data: those stored in a checkpoint, or one for all.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/pipeline/compile.hpp"

namespace xw::toolchain {

/// Ranges of the layers `names` from `stored` (checkpoint::stored_input_ranges): every one is for an equal part of the
/// inputs, the first parts one longer where they do not divide, as aihwkit-lightning splits them. Throws Error{kFormat}
/// for a layer without ranges, Error{kNotFinite} for a range that is no positive number.
[[nodiscard]] compiler::Calibration stored_ranges(const std::map<std::string, std::vector<float>>& stored,
                                                  const ir::Graph& graph, const std::vector<std::string>& names,
                                                  const checkpoint::Checkpoint& checkpoint);
/// `beta` for every input of the layers `names`.
[[nodiscard]] compiler::Calibration fixed_ranges(float beta, const ir::Graph& graph,
                                                 const std::vector<std::string>& names);

}  // namespace xw::toolchain
