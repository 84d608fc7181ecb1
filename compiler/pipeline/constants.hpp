// The tensors that stay on the host: norms, biases, embeddings, digital linear layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/program/program.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::compiler {

/// How a tensor is stored: F32, F16 and BF16 as they are, F64 as F32, quantised ggml types as F16.
[[nodiscard]] program::ConstantType constant_type(checkpoint::Dtype dtype);

/// A constant to write: rows [row_begin, row_end) of a tensor, concatenated; of a one-dimensional tensor its elements.
struct ConstantPlan {
  std::string name;
  std::string tensor;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  friend bool operator==(const ConstantPlan&, const ConstantPlan&) = default;
};

/// Collects every tensor that `graph` and `extra` refer to, each stored once under its own name; if only some rows of it are
/// used, only these. One-dimensional tensors of which a part is used become constants of their own ("name[begin:end]").
/// References in `graph` and `extra` are rewritten to what is stored.
[[nodiscard]] std::vector<ConstantPlan> plan_constants(const checkpoint::Checkpoint& checkpoint, ir::Graph& graph,
                                                       std::span<ir::TensorRef*> extra);

/// Streams the constants to `writer`. Throws Error{kNotFinite} naming tensor, row and column.
void write_constants(const checkpoint::Checkpoint& checkpoint, std::span<const ConstantPlan> constants,
                     program::ProgramWriter& writer, ThreadPool& pool);

}  // namespace xw::compiler
