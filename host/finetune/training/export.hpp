// A trained network as a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "host/finetune/network.hpp"
#include "host/finetune/recipe/recipe.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::finetune {

/// Writes an adapted checkpoint: the network's graph, its tensors (what was not trained as it is stored in `opened`), the input
/// ranges, the tokenizer, and for which converters it was trained, so that `compile` uses the ranges and refuses other
/// converters. Throws Error{kIo}, and Error{kNotFinite} for weights that are not finite.
void export_network(const Network& network, const toolchain::OpenedCheckpoint& opened,
                    const std::filesystem::path& path, ExportType type);

}  // namespace xw::finetune
