// Tensors of a checkpoint on their way into another file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"

namespace xw::toolchain {

/// Names of the tensors that a graph reads, each once, in the order of its nodes.
[[nodiscard]] std::vector<std::string> tensors_of(const ir::Graph& graph);
/// The type that a copy in a safetensors file has: that of the tensor if the format knows it, else fp32.
[[nodiscard]] checkpoint::Dtype stored_dtype(const checkpoint::Tensor& tensor);
/// Whole rows of a tensor as fp32, some at a time.
void for_each_piece(const checkpoint::Tensor& tensor, const std::function<void(std::vector<float>&)>& body);
/// The tensor under its own name, with its stored_dtype().
void write_as_stored(checkpoint::SafetensorsWriter& writer, const checkpoint::Tensor& tensor);

}  // namespace xw::toolchain
