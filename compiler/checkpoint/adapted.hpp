// Adapted checkpoints: a safetensors file that carries its graph and its tokenizer.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/checkpoint_parts.hpp"

namespace xw::checkpoint {

/// Tensors of bytes (U8) in an adapted checkpoint: the graph as text (docs/ir.md), the tokenizer as programs store it
/// (may be absent), and what was done as JSON (may be absent). All other tensors are the graph's.
inline constexpr const char* kGraphTensor = "crossweave.graph";
inline constexpr const char* kTokenizerTensor = "crossweave.tokenizer";
inline constexpr const char* kReportTensor = "crossweave.adaptation";
/// Bytes, too: for which hardware the model was trained, as an rpu_config.json has it (may be absent). Input ranges are the tensors
/// "LINEAR.input_range"; how many a linear has is as it is stored.
inline constexpr const char* kTrainingTensor = "crossweave.rpu_config";
/// Checkpoint::format() of adapted checkpoints.
inline constexpr const char* kAdaptedFormat = "adapted";

/// True if the tensors have a graph among them.
[[nodiscard]] bool is_adapted(const std::map<std::string, Tensor>& tensors);
/// Parts of an adapted checkpoint. Throws Error{kFormat} for a graph that cannot be read, and what parse_rpu_config throws.
[[nodiscard]] CheckpointParts adapted_parts(std::map<std::string, Tensor> tensors, const std::filesystem::path& path);
/// The graph of an adapted checkpoint, checked against its tensors. Throws Error{kFormat | kShapeMismatch}.
[[nodiscard]] ir::Graph adapted_graph(const Checkpoint& checkpoint);
/// Bytes of a tensor of bytes; empty if there is none.
[[nodiscard]] std::span<const std::byte> stored_bytes(const Checkpoint& checkpoint, const std::string& tensor);

}  // namespace xw::checkpoint
