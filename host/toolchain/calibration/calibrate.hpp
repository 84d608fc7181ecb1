// Calibration of a checkpoint: runs its fp32 graph on text and chooses input and ADC ranges.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "arch/description/description.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/pipeline/compile.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/options.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// Ranges for all analog linears, from where `options` says. The steps: slices of the inputs (layers.hpp), what flows into
/// them (observe.hpp), the ranges (solve.hpp). `tokenizer` may be null when no text is needed. Throws
/// Error{kInvalidArgument} when text is needed and cannot be encoded, Error{kNotFinite} naming tensor or layer.
[[nodiscard]] compiler::Calibration calibrate(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
                                              const ir::Graph& graph, const arch::ChipDescription& chip,
                                              const compiler::CompileOptions& compile,
                                              const CalibrationOptions& options, const tokenizer::Tokenizer* tokenizer,
                                              ThreadPool& pool);

}  // namespace xw::toolchain
