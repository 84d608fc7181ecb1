// The digital scales of a matrix: one unit, one 16-bit factor per column of every block.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "compiler/program/program.hpp"

namespace xw::compiler {

/// Fills out_scale of the blocks' columns and returns the unit of the matrix.
///
/// y_real[out] = sum over blocks of adc_code * beta * lambda * w_max / adc_max. With one K per matrix,
/// out_scale = rne(beta * w_max * K) and unit = lambda / (adc_max * K). K is the largest for which out_scale fits 16 bits
/// and, for every output, the sum over its blocks of adc_max * out_scale fits a signed 32-bit word, which is then checked
/// in integers (Error{kInternal} otherwise). docs/numerics.md#accumulation.
///
/// `blocks` are those of the matrix; `columns` is the whole column table with w_max filled in.
/// Throws Error{kUnsupported} if the unit is no normal fp32 number (weights or ranges near the limits of fp32).
[[nodiscard]] float choose_scales(const program::MatrixInfo& matrix, std::span<const program::BlockRecord> blocks,
                                  int adc_max, std::span<program::ColumnRecord> columns);

}  // namespace xw::compiler
