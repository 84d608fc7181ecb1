// Streaming the weights of all matrices to a program file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/program/program.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::compiler {

/// The tensor behind a reference. Throws Error{kFormat} if the checkpoint has none of that name.
[[nodiscard]] const checkpoint::Tensor& find_tensor(const checkpoint::Checkpoint& checkpoint,
                                                    const ir::TensorRef& reference);

/// Weights at full scale, per input range and output; empty: the largest weight of every block's column.
using FullScales = std::vector<std::vector<float>>;

/// The matrices of a program and where their weights are; one entry per matrix each.
struct MatrixSources {
  std::span<const program::MatrixInfo> matrices;
  std::span<const ir::TensorRef> weights;
  std::span<const FullScales* const> full_scales;
};

/// Tables that write_targets() completes.
struct TargetTables {
  std::span<program::BlockRecord> blocks;  ///< sorted by matrix, outputs, inputs, copies; every matrix cut by a grid
  std::span<program::ColumnRecord> columns;
  std::span<std::vector<float>> units;  ///< per matrix: one per output
};

/// Quantises all blocks on the threads of `pool` and appends their targets to `writer` in the order of the blocks, whatever the
/// threads do; copies of a block share the targets of the first. Fills target_offset and target_crc of the blocks, w_max and
/// out_scale of the columns, and the units (scales.hpp). Pages of the checkpoint are released as matrices are done; memory in use is a few
/// strips of a matrix. Throws Error{kNotFinite} naming tensor, row and column, Error{kShapeMismatch} if a tensor is not [out][in], what
/// choose_scales() throws.
void write_targets(const checkpoint::Checkpoint& checkpoint, const MatrixSources& sources, program::WeightMode mode,
                   int adc_max, const TargetTables& tables, program::ProgramWriter& writer, ThreadPool& pool);

}  // namespace xw::compiler
