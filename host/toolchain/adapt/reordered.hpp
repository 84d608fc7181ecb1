// A checkpoint with its features in other orders.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "compiler/passes/reorder.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::toolchain {

/// The shape of a tensor of the checkpoint. Throws Error{kFormat} if there is none of that name.
[[nodiscard]] std::vector<std::uint64_t> tensor_shape(const OpenedCheckpoint& opened, const std::string& tensor);

/// Writes the tensors that the graph reads, those of `orders` as fp32 in their new orders, the others as they are, with the graph
/// (compiler/checkpoint/adapted.hpp). Throws Error{kIo}.
void write_reordered(const OpenedCheckpoint& opened, const std::map<std::string, passes::TensorOrder>& orders,
                     const std::filesystem::path& output);

}  // namespace xw::toolchain
