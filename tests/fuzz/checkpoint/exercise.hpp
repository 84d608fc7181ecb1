// What a fuzzer does with a checkpoint that opened.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::fuzz {

/// Reads some rows of every tensor, then the input ranges and the graph. Error is the only exception that may leave it;
/// a graph that was imported must verify.
inline void exercise(const checkpoint::Checkpoint& checkpoint) {
  constexpr std::uint64_t kMaxElements = 1U << 16;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (!checkpoint::is_floating(tensor.dtype) || tensor.data.size() > kMaxElements || tensor.rows() == 0) continue;
    std::vector<float> row(tensor.row_elements());
    checkpoint::read_rows(tensor, tensor.rows() - 1, tensor.rows(), row);
  }
  try {
    static_cast<void>(checkpoint::stored_input_ranges(checkpoint));
  } catch (const Error&) {
  }
  if (checkpoint.config().num_layers > 8) return;  // the graph of a valid file may be long; nothing new in it
  const ir::Graph graph = checkpoint::import_graph(checkpoint);
  try {
    ir::verify(graph);
  } catch (const Error& error) {
    std::fprintf(stderr, "an imported graph is not valid: %s\n", error.what());
    std::abort();
  }
}

}  // namespace xw::fuzz
