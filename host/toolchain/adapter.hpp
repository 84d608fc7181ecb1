// A model with a digital low-rank adapter beside its layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "compiler/checkpoint/peft.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::toolchain {

/// Adds the adapter's layers to the graph and its matrices to the tensors. Throws what add_low_rank throws.
void add_adapter(OpenedCheckpoint& opened, const checkpoint::Adapter& adapter);
/// The same with an adapter in a directory of PEFT. Throws what read_adapter throws, Error{kUnsupported} for a checkpoint that was
/// adapted to the chip by `crossweave adapt`: its layers read other inputs than those of the adapter.
void add_adapter(OpenedCheckpoint& opened, const std::filesystem::path& directory);

}  // namespace xw::toolchain
