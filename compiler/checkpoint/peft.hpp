// Low-rank adapters as PEFT stores them: adapter_config.json and adapter_model.safetensors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::checkpoint {

/// The change of one linear layer: B A, B already multiplied by the adapter's scale.
struct LowRank {
  std::uint32_t rank = 0, inputs = 0, outputs = 0;
  std::vector<float> a;  ///< [rank][inputs]
  std::vector<float> b;  ///< [outputs][rank], rows in the order of the model's graph
};

struct Adapter {
  double alpha = 16;                      ///< PEFT's lora_alpha: the scale is alpha / rank
  std::map<std::string, LowRank> layers;  ///< by linear
};

/// Reads an adapter for the linears of a graph. PEFT has the rows of queries and keys in the order of Hugging Face; for graphs that
/// rotate interleaved pairs they are reordered. Throws Error{kFileNotFound | kFormat | kUnsupported | kShapeMismatch} naming file and tensor: DoRA,
/// biases, modules to save, scales of their own, layers that the graph does not have.
[[nodiscard]] Adapter read_adapter(const std::filesystem::path& directory, const ir::Graph& graph);

/// Writes both files into a directory that is made; all layers have the same rank. Throws Error{kIo | kInvalidArgument}.
void write_adapter(const std::filesystem::path& directory, const Adapter& adapter, const ir::Graph& graph,
                   const std::string& base_model);

/// A tensor in memory.
struct OwnTensor {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
};
/// The checkpoint with more tensors, or others in place of its own.
[[nodiscard]] std::shared_ptr<const Checkpoint> with_tensors(std::shared_ptr<const Checkpoint> base,
                                                             std::map<std::string, OwnTensor> tensors);

}  // namespace xw::checkpoint
