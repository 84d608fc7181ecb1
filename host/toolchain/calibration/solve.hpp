// Ranges from data: the input range of every slice, the ADC range of every layer.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/description/description.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/passes/calibration.hpp"
#include "compiler/pipeline/compile.hpp"
#include "host/toolchain/calibration/layers.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// Sets InputSlice::beta of all slices from their statistics.
void choose_input_ranges(CalibrationLayers& layers, const passes::RangeChoice& choice,
                         const arch::ChipDescription& chip, ThreadPool& pool);

/// The ADC range of one layer, in units of beta * w_max: the one that loses least (mean square) on the column sums of
/// every row block, for the vectors that its group has kept. The input ranges must have been chosen.
[[nodiscard]] float choose_adc_range(const AnalogLayer& layer, const InputGroup& group,
                                     const checkpoint::Checkpoint& checkpoint, const arch::ChipDescription& chip);

/// Ranges of all layers as the compiler takes them; with `adc` also LayerRanges::lambda by choose_adc_range.
[[nodiscard]] compiler::Calibration solve(const CalibrationLayers& layers, bool adc,
                                          const checkpoint::Checkpoint& checkpoint, const arch::ChipDescription& chip,
                                          ThreadPool& pool);

}  // namespace xw::toolchain
