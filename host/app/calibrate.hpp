// Calibration of a checkpoint: runs its fp32 graph on text and chooses input and ADC ranges.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "arch/description/description.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/pipeline/compile.hpp"
#include "host/app/options.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::app {

/// Ranges for all analog linears: the checkpoint's own (aihwkit-lightning) when it has them and `flags.ranges` is empty, else
/// from text; then, unless a number is given, the ADC range of every layer is the one that loses least on the same data.
/// `tokenizer` may be null when neither is needed. Throws Error{kInvalidArgument} when text is needed and cannot be encoded.
[[nodiscard]] compiler::Calibration calibrate(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
                                              const ir::Graph& graph, const arch::ChipDescription& chip,
                                              const compiler::CompileOptions& options, const CompileFlags& flags,
                                              const tokenizer::Tokenizer* tokenizer, ThreadPool& pool);

}  // namespace xw::app
