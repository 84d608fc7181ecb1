// The ranges with which a model was trained (aihwkit-lightning).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/pipeline/compile.hpp"

namespace xw::compiler {

/// True if the checkpoint says with which input ranges it was trained, or why it has none; then trained_ranges() is
/// what to use unless the user asks for others.
[[nodiscard]] bool is_trained(const checkpoint::Checkpoint& checkpoint);

/// Input ranges, ADC ranges and full-scale weights of the linears `names` as the checkpoint has them. From rpu_config.json, if
/// there is one: lambda is forward.out_bound; the ADC range follows the largest weight of each output with clip type
/// LayerGaussianPerChannel, a learned bound with LearnablePerChannel, and the largest weight of the whole tile otherwise.
///
/// Throws Error{kUnsupported} naming the field where the chip's converters, `mode` or the tiles are others than those of
/// the training, Error{kFormat | kNotFinite} for ranges that are missing or impossible.
[[nodiscard]] Calibration trained_ranges(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph,
                                         const std::vector<std::string>& names, const arch::ChipDescription& chip,
                                         program::WeightMode mode, ThreadPool& pool);

}  // namespace xw::compiler
